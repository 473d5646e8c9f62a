package server

import (
	"net"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/params"
	"starling/transport/socks5"
	"starling/transport/tcp"
	"starling/wire"
)

func TestProxies(t *testing.T) {
	all, onion := &socks5.Proxy{Address: "all"}, &socks5.Proxy{Address: "onion"}
	const tor = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
	for _, c := range []struct {
		host             string
		alone, tor, both tcp.Dialer // with --proxy alone, --onion alone, and both
	}{
		{"8.8.8.8", all, nil, all},
		{"2a00::1", all, nil, all},
		{"seed.example", all, nil, all},
		{"onion.example", all, nil, all},
		{tor, nil, onion, onion},
		{"WRONG.Onion.", nil, onion, onion},
		{"abc.b32.i2p", nil, nil, nil},
		// Only this machine reaches these.
		{"127.0.0.1", nil, nil, nil},
		{"::1", nil, nil, nil},
		{"192.168.1.1", nil, nil, nil},
		{"fc00::1", nil, nil, nil},
	} {
		for name, got := range map[string][2]tcp.Dialer{
			"proxy": {Proxies{All: all}.dialer(c.host), c.alone},
			"onion": {Proxies{Onion: onion}.dialer(c.host), c.tor},
			"both":  {Proxies{All: all, Onion: onion}.dialer(c.host), c.both},
			"none":  {Proxies{}.dialer(c.host), nil},
		} {
			if got[0] != got[1] {
				t.Errorf("%s, %s: %v, want %v", c.host, name, got[0], got[1])
			}
		}
	}
	p := Proxies{All: all, Onion: onion}
	for n, want := range map[wire.NetworkID]*socks5.Proxy{
		wire.NetIPv4: all, wire.NetIPv6: all, wire.NetTorV3: onion, wire.NetI2P: nil, wire.NetCJDNS: nil,
	} {
		if p.For(n) != want {
			t.Errorf("%v: %v", n, p.For(n))
		}
	}
}

// Dials through a proxy are given three times as long as others are.
func TestProxyPatience(t *testing.T) {
	var lc net.ListenConfig
	mute, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	tr := Proxies{All: &socks5.Proxy{Address: mute.Addr().String()}}.TCP(params.Regtest(), false, 20*time.Millisecond)
	if _, err := tr.Dial(t.Context(), ma.StringCast("/ip4/8.8.8.8/tcp/1")); err == nil || err.Error() != "no answer within 60ms" {
		t.Error(err)
	}
}
