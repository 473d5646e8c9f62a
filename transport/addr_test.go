package transport

import (
	"net/netip"
	"testing"
)

func TestParseAddr(t *testing.T) {
	for _, tc := range []struct {
		in    string
		port  uint16
		want  string // multiaddr; empty if refused
		short string
	}{
		{"1.2.3.4:8333", 0, "/ip4/1.2.3.4/tcp/8333", "1.2.3.4:8333"},
		{"[2001:db8::1]:8333", 0, "/ip6/2001:db8::1/tcp/8333", "[2001:db8::1]:8333"},
		{"[::ffff:1.2.3.4]:8333", 0, "/ip4/1.2.3.4/tcp/8333", "1.2.3.4:8333"},
		{"seed.example.org:8333", 0, "/dns/seed.example.org/tcp/8333", "seed.example.org:8333"},
		{":8333", 0, "/ip6/::/tcp/8333", "[::]:8333"},
		{"127.0.0.1:0", 0, "/ip4/127.0.0.1/tcp/0", "127.0.0.1:0"},
		{"/ip4/1.2.3.4/tcp/1/", 0, "/ip4/1.2.3.4/tcp/1", "1.2.3.4:1"},
		{"/ip4/1.2.3.4/udp/1/quic-v1", 0, "/ip4/1.2.3.4/udp/1/quic-v1", "/ip4/1.2.3.4/udp/1/quic-v1"},
		{"1.2.3.4", 18444, "/ip4/1.2.3.4/tcp/18444", "1.2.3.4:18444"},
		{"1.2.3.4:1", 18444, "/ip4/1.2.3.4/tcp/1", "1.2.3.4:1"},
		{"::1", 18444, "/ip6/::1/tcp/18444", "[::1]:18444"},
		{"[::1]", 18444, "/ip6/::1/tcp/18444", "[::1]:18444"},
		{"localhost", 18444, "/dns/localhost/tcp/18444", "localhost:18444"},
		{"1.2.3.4", 0, "", ""},
		{"", 0, "", ""},
		{"", 8333, "", ""},
		{"1.2.3.4:65536", 0, "", ""},
		{"1.2.3.4:x", 0, "", ""},
		{"[fe80::1%eth0]:1", 0, "", ""},
		{"bad host:1", 0, "", ""},
		{"a/b:1", 0, "", ""},
		{"/ip4/1.2.3/tcp/1", 0, "", ""},
	} {
		a, err := ParseAddrDefault(tc.in, tc.port)
		if (err == nil) != (tc.want != "") {
			t.Errorf("%q: %v, %v; want %q", tc.in, a, err, tc.want)
			continue
		}
		if err != nil {
			continue
		}
		if a.String() != tc.want || FormatAddr(a) != tc.short {
			t.Errorf("%q: %s and %s; want %s and %s", tc.in, a, FormatAddr(a), tc.want, tc.short)
		}
	}
}

func TestAddrPort(t *testing.T) {
	for _, s := range []string{"1.2.3.4:8333", "[2001:db8::1]:0", "[::1]:65535"} {
		want := netip.MustParseAddrPort(s)
		if got, ok := AddrPort(FromAddrPort(want)); !ok || got != want {
			t.Errorf("%s: got %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"a.example:1", "/ip4/1.2.3.4/udp/5", "/ip4/1.2.3.4/tcp/1/ws"} {
		a, err := ParseAddr(s)
		if err != nil {
			t.Fatal(err)
		}
		if ap, ok := AddrPort(a); ok {
			t.Errorf("%s: got %v", s, ap)
		}
	}
	if _, ok := AddrPort(nil); ok {
		t.Error("no address has a port")
	}
}

func FuzzParseAddr(f *testing.F) {
	f.Add("1.2.3.4:8333", uint16(0))
	f.Add("/ip4/1.2.3.4/tcp/1", uint16(1))
	f.Add("[::1", uint16(1))
	f.Fuzz(func(t *testing.T, s string, port uint16) {
		a, err := ParseAddrDefault(s, port)
		if err != nil {
			return
		}
		b, err := ParseAddr(FormatAddr(a))
		if err != nil || FormatAddr(b) != FormatAddr(a) {
			t.Errorf("%q: %s does not read back: %v", s, FormatAddr(a), err)
		}
	})
}

func TestOverlay(t *testing.T) {
	for host, want := range map[string]string{
		"abc.onion": "onion", "x.ABC.Onion.": "onion", "onion": "onion", "abc.b32.i2p": "i2p", "abc.i2p..": "i2p",
		"onion.example": "", "abconion": "", "127.0.0.1": "", "::1": "", "": "", ".": "",
	} {
		if got := Overlay(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
