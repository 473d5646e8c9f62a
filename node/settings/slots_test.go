package settings

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"starling/addrmgr"
	"starling/peer"
	"starling/transport/socks5"
	"starling/wire"
)

// load reads settings from flags as a node does.
func loadFlags(t *testing.T, args ...string) (*Settings, error) {
	t.Helper()
	decided := map[string]string{"network": "regtest", "datadir": t.TempDir()}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		decided[name] = value
	}
	return Load(nil, nil, decided, nil)
}

func TestSlots(t *testing.T) {
	for name, c := range map[string]struct {
		args     []string
		full     int // of the links that the node opens by itself; -1 for none at all
		ipv6     bool
		external string
		discover bool
	}{
		"defaults":        {nil, 8, true, "", true},
		"fewer":           {[]string{"max-outbound=3"}, 3, true, "", true},
		"none":            {[]string{"max-outbound=0"}, -1, false, "", true},
		"only given ones": {[]string{"connect=1.2.3.4"}, -1, false, "", true},
		"one network":     {[]string{"onlynet=ipv4"}, 8, false, "", true},
		"known address":   {[]string{"externalip=1.2.3.4"}, 8, true, "/ip4/1.2.3.4/tcp/18444", false},
		"with a port":     {[]string{"externalip=1.2.3.4:7"}, 8, true, "/ip4/1.2.3.4/tcp/7", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadFlags(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			sc := s.Server
			if c.full < 0 != (sc.Slots == nil) || sc.Slots != nil && (sc.Slots.Full != c.full || sc.Slots.Networks.Has(wire.NetIPv6) != c.ipv6) {
				t.Errorf("slots %+v", sc.Slots)
			}
			external := ""
			for _, a := range sc.External {
				external += a.String()
			}
			if external != c.external || sc.Discover != c.discover {
				t.Errorf("external %q, discover %v", external, sc.Discover)
			}
		})
	}
	for most, want := range map[string][2]int{"0": {-1, -1}, "1": {1, -1}, "2": {2, -1}, "9": {8, 1}, "10": {8, 2}, "11": {8, 2}} {
		s, err := loadFlags(t, "max-connections="+most)
		if err != nil {
			t.Fatal(err)
		}
		got := [2]int{-1, -1}
		if sc := s.Server.Slots; sc != nil {
			got = [2]int{sc.Full, sc.BlockRelay}
			if extra := sc.FeelerEvery == 0; extra != (most == "11") {
				t.Errorf("at most %s: links beside the standing ones %v", most, extra)
			}
		}
		if got != want {
			t.Errorf("at most %s: %v, want %v", most, got, want)
		}
	}
	if s, err := loadFlags(t, "onlynet=onion", "onion=127.0.0.1:9050"); err != nil || s.Server.Find.DNS {
		t.Errorf("DNS seeds are asked for peers on Tor: %v", err)
	}
	if _, err := loadFlags(t, "onlynet=onion", "onion=127.0.0.1:9050", "dnsseed=true"); err == nil {
		t.Error("DNS seeds are to be asked for peers on Tor")
	}
	if s, err := loadFlags(t, "connect=1.2.3.4", "externalip=127.0.0.1", "exempt-local=false"); err != nil || s.Resolver == nil {
		t.Errorf("a node that looks for no peers resolves no names: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "asmap")
	if err := os.WriteFile(broken, []byte("no map"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"onlynet=moon": "none of ipv4", "externalip=seed.example:1": "looked up first", "externalip=1.2.3.4:x": "host:port",
		"externalip=0.0.0.0": "nobody can reach", "externalip=224.0.0.1": "nobody can reach", "externalip=127.0.0.1": "nobody can reach", "externalip=1.2.3.4:0": "nobody can reach",
		"asmap=/nowhere/at/all": "no such file", "asmap=" + broken: "not a map", "max-outbound=-1": "", "asmap=" + os.DevNull: "no regular file", "config=" + os.DevNull: "no regular file",
	} {
		if _, err := loadFlags(t, args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something with %q", args, err, want)
		}
	}
}

func TestProxies(t *testing.T) {
	const at = "127.0.0.1:9050"
	for name, c := range map[string]struct {
		args       []string
		all, onion string // addresses of the proxies
		isolate    bool
		listens    bool
		discover   bool
		looksUp    bool // DNS is asked
		nets       []wire.NetworkID
	}{
		"none":                   {nil, "", "", false, true, true, true, []wire.NetworkID{wire.NetIPv4, wire.NetIPv6}},
		"for all":                {[]string{"proxy=127.0.0.1"}, at, at, true, false, false, false, []wire.NetworkID{wire.NetIPv4, wire.NetIPv6, wire.NetTorV3}},
		"shared circuits":        {[]string{"proxy=" + at, "proxy-randomize=false"}, at, at, false, false, false, false, nil},
		"no Tor":                 {[]string{"proxy=" + at, "onion=0"}, at, "", true, false, false, false, []wire.NetworkID{wire.NetIPv4, wire.NetIPv6}},
		"Tor alone":              {[]string{"onion=tor:1"}, "", "tor:1", true, true, true, true, []wire.NetworkID{wire.NetIPv4, wire.NetIPv6, wire.NetTorV3}},
		"nothing but Tor":        {[]string{"onion=tor:1", "onlynet=onion"}, "", "tor:1", true, true, true, true, []wire.NetworkID{wire.NetTorV3}},
		"listening all the same": {[]string{"proxy=" + at, "listen=127.0.0.1:1", "discover=true"}, at, at, true, true, true, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadFlags(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			address := func(p *socks5.Proxy) string {
				if p == nil {
					return ""
				}
				if p.Isolate != c.isolate {
					t.Errorf("%+v", p)
				}
				return p.Address
			}
			sc := s.Server
			if all, onion := address(sc.Proxies.All), address(sc.Proxies.Onion); all != c.all || onion != c.onion {
				t.Errorf("proxies %q and %q", all, onion)
			}
			if (len(s.Listen) > 0) != c.listens || sc.Discover != c.discover || (sc.Find.Resolver != nil) != c.looksUp {
				t.Errorf("listens at %v, discover %v, resolver %v", s.Listen, sc.Discover, sc.Find.Resolver)
			}
			if c.nets != nil && sc.Slots.Networks != addrmgr.NetworkSet(c.nets...) {
				t.Errorf("networks %b", sc.Slots.Networks)
			}
		})
	}
	for args, want := range map[string]string{
		"proxy=a:b:c": "host:port", "onion=:x": "host:port", "onlynet=onion": "--onion 127.0.0.1:9050", "onlynet=i2p": "no way to I2P",
		"proxy=127.0.0.1 dns-resolver=127.0.0.1": "no names are looked up here", "proxy=127.0.0.1 onion=0 onlynet=onion": "through a proxy",
	} {
		if _, err := loadFlags(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something with %q", args, err, want)
		}
	}
}

func TestPermissions(t *testing.T) {
	if _, err := loadFlags(t, "whitelist=addr@10.0.0.1,out,noban@10.0.0.2,in,out,mempool@10.0.0.3,out@10.0.0.4"); err == nil {
		t.Error("one entry with several addresses was taken")
	}
	for entry, want := range map[string][2]peer.Permissions{ // inbound, outbound
		"10.0.0.1":                {listedPermissions, 0},
		"addr@10.0.0.1":           {peer.PermAddr, 0},
		"out,addr@10.0.0.1":       {0, peer.PermAddr},
		"in,out,mempool@10.0.0.1": {peer.PermMempool, peer.PermMempool},
		"out@10.0.0.1":            {0, listedPermissions},
	} {
		s, err := loadFlags(t, "whitelist="+entry)
		if err != nil {
			t.Errorf("%s: %v", entry, err)
			continue
		}
		ip := netip.MustParseAddr("10.0.0.1")
		if got := [2]peer.Permissions{s.Server.Permissions(ip, peer.Inbound), s.Server.Permissions(ip, peer.Manual)}; got != want {
			t.Errorf("%s: %v, want %v", entry, got, want)
		}
	}
	s, err := loadFlags(t, "whitebind=addr@127.0.0.1")
	if err != nil || len(s.Server.WhiteBind) != 1 ||
		s.Server.WhiteBind[0].Permissions != peer.PermAddr || s.Server.WhiteBind[0].Addr.String() != "/ip4/127.0.0.1/tcp/18444" {
		t.Errorf("%+v, %v", s.Server.WhiteBind, err)
	}
	for _, bad := range []string{"whitebind=out,addr@127.0.0.1", "whitebind=fly@127.0.0.1", "whitebind=addr@a:b:c"} {
		if _, err := loadFlags(t, bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
