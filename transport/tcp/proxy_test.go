package tcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
	"starling/transport/socks5"
	"starling/transport/socks5/sockstest"
)

// through is a transport that dials all through one proxy.
func through(address string, v2 bool) *Transport {
	p := &socks5.Proxy{Address: address, Isolate: true}
	return New(Options{Magic: magic, V2: v2, Stall: time.Minute, Proxy: func(string) Dialer { return p }})
}

// Whatever is dialled through a proxy, by its address or its name, a link comes
// of it that bears the name of who was dialled; and each shows the proxy other
// credentials.
func TestProxy(t *testing.T) {
	for name, v2 := range map[string]bool{"v1": false, "v2": true} {
		t.Run(name, func(t *testing.T) {
			l, err := New(Options{Magic: magic, V2: v2}).Listen(t.Context(), transport.FromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			_, port, _ := transport.HostPort(l.Addr())
			here := net.JoinHostPort("127.0.0.1", port)
			srv := sockstest.Start(t, sockstest.Options{Hosts: map[string]string{"abc.onion": here, "8.8.8.8": here}})
			for _, addr := range []string{"abc.onion:8333", "8.8.8.8:8333"} {
				a, err := transport.ParseAddr(addr)
				if err != nil {
					t.Fatal(err)
				}
				got := make(chan transport.Message, 1)
				go func() {
					defer close(got)
					in, err := l.Accept()
					if err != nil {
						return
					}
					defer in.Close()
					if m, err := in.Receive(); err == nil {
						got <- m
					}
				}()
				out, err := through(srv.Address(), v2).Dial(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				defer out.Close()
				if got := out.(*link).patience; got != DefaultProxyTimeout {
					t.Errorf("its handshake may take %v", got)
				}
				if !out.RemoteAddr().Equal(a) {
					t.Errorf("the link is to %v, want %v", out.RemoteAddr(), a)
				}
				if _, err := out.Send("ping", []byte("12345678")); err != nil {
					t.Fatal(err)
				}
				if err := out.Flush(); err != nil {
					t.Fatal(err)
				}
				if m := <-got; string(m.Payload) != "12345678" {
					t.Errorf("%+v arrived", m)
				}
			}
			asked := srv.Requests()
			if len(asked) != 2 || asked[0].Host != "abc.onion" || !asked[0].Named || asked[1].Named {
				t.Fatalf("the proxy was asked for %+v", asked)
			}
			if asked[0].User == asked[1].User || asked[0].Password == asked[1].Password {
				t.Error("two links have shown the same credentials")
			}
		})
	}
}

// Names that no resolver knows are not asked of one.
func TestHidden(t *testing.T) {
	tr := New(Options{Magic: magic, Proxy: func(string) Dialer { return nil }})
	for _, host := range []string{"abc.onion", "ABC.Onion.", "abc.b32.i2p"} {
		_, err := tr.Dial(t.Context(), ma.StringCast("/dns/"+host+"/tcp/1"))
		if !errors.Is(err, ErrHidden) || !strings.Contains(err.Error(), host) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// A proxy that fails says so, and one that says nothing is not waited for.
func TestProxyFails(t *testing.T) {
	a := ma.StringCast("/dns/abc.onion/tcp/1")
	srv := sockstest.Start(t, sockstest.Options{})
	_, err := through(srv.Address(), false).Dial(t.Context(), a)
	var d *DialError
	if !errors.Is(err, socks5.HostUnreachable) || !errors.As(err, &d) || !strings.Contains(d.Reason, srv.Address()) {
		t.Error(err)
	}
	_, err = through("127.0.0.1:1", false).Dial(t.Context(), a)
	if !errors.Is(err, socks5.ErrUnreachable) || !strings.HasPrefix(err.Error(), "proxy 127.0.0.1:1: it cannot be reached") {
		t.Error(err)
	}
	var lc net.ListenConfig
	mute, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	tr := through(mute.Addr().String(), false)
	tr.opts.ProxyTimeout = 50 * time.Millisecond
	if _, err = tr.Dial(t.Context(), a); !errors.Is(err, context.DeadlineExceeded) || err.Error() != "no answer within 50ms" {
		t.Error(err)
	}
}
