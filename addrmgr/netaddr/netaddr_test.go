package netaddr

import (
	"net/netip"
	"testing"

	"starling/wire"
)

func mustParse(t testing.TB, s string) Addr {
	t.Helper()
	a, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"

func TestText(t *testing.T) {
	for _, s := range []string{
		"1.2.3.4:8333", "[2a00:1450::5]:18333", onion + ":8333",
		"ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:0",
	} {
		t.Run(s, func(t *testing.T) {
			a := mustParse(t, s)
			if a.String() != s {
				t.Errorf("text %q", a)
			}
			b, ok := FromMultiaddr(a.Multiaddr())
			if !ok || b != a {
				t.Errorf("by way of multiaddr %v: %v, %v", a.Multiaddr(), b, ok)
			}
			if c, ok := FromWire(a.Wire(1, 2)); !ok || c != a {
				t.Errorf("by way of the wire: %v, %v", c, ok)
			}
			if d, rest, ok := DecodeKey(append(a.AppendKey(nil), 7)); !ok || d != a || len(rest) != 1 {
				t.Errorf("by way of the key: %v, %v, %v", d, rest, ok)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, s := range []string{
		"seed.example:8333", // has to be looked up
		"qg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:1", // one letter is wrong
		"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscry.onion:1",
		"abc.b32.i2p:1", "1.2.3.4", "",
	} {
		if a, err := Parse(s); err == nil {
			t.Errorf("%q was taken for %v", s, a)
		}
	}
	if _, ok := FromWire(wire.NetAddr{Network: wire.NetIPv4, Addr: make([]byte, 16)}); ok {
		t.Error("an IPv4 address of 16 bytes was taken")
	}
	if _, ok := FromWire(wire.NetAddr{Network: wire.NetTorV2, Addr: make([]byte, 10)}); ok {
		t.Error("Tor version 2 was taken")
	}
}

func TestMapped(t *testing.T) {
	a := FromAddrPort(netip.MustParseAddrPort("[::ffff:1.2.3.4]:5"))
	if a != mustParse(t, "1.2.3.4:5") || a.Network() != wire.NetIPv4 {
		t.Errorf("mapped address is %v on %v", a, a.Network())
	}
	m, ok := FromWire(wire.NetAddr{Network: wire.NetIPv6, Port: 5, Addr: netip.MustParseAddr("::ffff:1.2.3.4").AsSlice()})
	if !ok || m != a {
		t.Errorf("mapped address from the wire is %v", m)
	}
}

func TestGroup(t *testing.T) {
	var g Grouper
	same := [][2]string{
		{"1.2.3.4:1", "1.2.200.4:2"},
		{"[2a00:1450:1::5]:1", "[2a00:1450:2::5]:1"},
		{"[2002:102:304::1]:1", "1.2.0.1:1"},          // 6to4
		{"[64:ff9b::102:304]:1", "1.2.0.1:1"},         // NAT64
		{"[2001:0:0:0:0:0:fefd:fcfb]:1", "1.2.3.4:1"}, // Teredo: the address is inverted
		{"10.0.0.1:1", "192.168.1.1:1"},               // nobody can reach them
		{"127.0.0.1:1", "127.9.0.1:1"},
	}
	for _, p := range same {
		if a, b := g.Group(mustParse(t, p[0])), g.Group(mustParse(t, p[1])); a != b {
			t.Errorf("%s and %s: groups %x and %x, want one", p[0], p[1], a, b)
		}
	}
	differ := [][2]string{
		{"1.2.3.4:1", "1.3.3.4:1"},
		{"[2a00:1450::5]:1", "[2a00:1451::5]:1"},
		{"[2001:470:1000::5]:1", "[2001:470:2000::5]:1"}, // of one broker, to different users
		{onion + ":1", "1.2.3.4:1"},
		{"1.2.3.4:1", "10.0.0.1:1"},
	}
	for _, p := range differ {
		if a, b := g.Group(mustParse(t, p[0])), g.Group(mustParse(t, p[1])); a == b {
			t.Errorf("%s and %s: one group %x, want two", p[0], p[1], a)
		}
	}
	if a, b := FromName("seed.one"), FromName("seed.two"); g.Group(a) == g.Group(b) || a.IsRoutable() {
		t.Error("two names are one group, or can be reached")
	}
	if a, b := FromName("seed.one"), FromName("seed.one"); a != b || g.Group(a) != g.Group(b) {
		t.Error("one name is not the same twice")
	}
}

// Where local addresses count they are spread like those of the world.
func TestCountLocal(t *testing.T) {
	a, b, c := mustParse(t, "127.0.1.1:1"), mustParse(t, "127.0.1.2:1"), mustParse(t, "127.0.2.1:1")
	g := Grouper{CountLocal: true}
	if g.Group(a) != g.Group(b) || g.Group(a) == g.Group(c) || !g.IsUsable(a) {
		t.Errorf("groups %x %x %x, usable %v", g.Group(a), g.Group(b), g.Group(c), g.IsUsable(a))
	}
	if (Grouper{}).IsUsable(a) {
		t.Error("a local address can be used where it does not count")
	}
}

func TestRoutable(t *testing.T) {
	for s, want := range map[string]bool{
		"8.8.8.8:1": true, "10.1.1.1:1": false, "172.20.0.1:1": false, "192.168.0.1:1": false, "127.0.0.1:1": false,
		"0.0.0.0:1": false, "255.255.255.255:1": false, "169.254.1.1:1": false, "100.64.0.1:1": false, "198.51.100.7:1": false,
		"[2a00::1]:1": true, "[::1]:1": false, "[fe80::1]:1": false, "[fc00::1]:1": false, "[2001:db8::1]:1": false, "[::]:1": false,
		onion + ":1": true,
	} {
		if got := mustParse(t, s).IsRoutable(); got != want {
			t.Errorf("%s: routable %v, want %v", s, got, want)
		}
	}
	if (Addr{}).IsRoutable() || (Grouper{CountLocal: true}).IsUsable(Addr{}) {
		t.Error("no address can be reached")
	}
	if (Grouper{}).IsUsable(mustParse(t, "8.8.8.8:0")) {
		t.Error("an address without a port can be used")
	}
	cjdns, ok := FromWire(wire.NetAddr{Network: wire.NetCJDNS, Addr: netip.MustParseAddr("fc00::1").AsSlice(), Port: 1})
	if !ok || !cjdns.IsRoutable() {
		t.Error("an address of CJDNS cannot be reached")
	}
	// A link from there has come over CJDNS, and one from fd00::/8 has not.
	if a, ok := OfLink(cjdns.Multiaddr()); !ok || a != cjdns {
		t.Errorf("a link with %v is taken for one with %v", cjdns, a)
	}
	for _, s := range []string{"[fd00::1]:1", "[fb00::1]:1", "8.8.8.8:1", "252.0.0.1:1", onion + ":1"} {
		if a, ok := OfLink(mustParse(t, s).Multiaddr()); !ok || a != mustParse(t, s) {
			t.Errorf("a link with %s is taken for one with %v", s, a)
		}
	}
}

func FuzzDecodeKey(f *testing.F) {
	a, _ := Parse("1.2.3.4:5")
	f.Add(a.AppendKey(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, rest, ok := DecodeKey(b)
		if !ok {
			return
		}
		if got := append(a.AppendKey(nil), rest...); string(got) != string(b) {
			t.Errorf("%x became %x", b, got)
		}
		_ = a.String()
		_ = Grouper{}.Group(a)
		if _, ok := FromMultiaddr(a.Multiaddr()); !ok && a.IsRoutable() {
			t.Errorf("%v has no multiaddr", a)
		}
	})
}
