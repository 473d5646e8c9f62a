package settings

import (
	"strings"

	"starling/internal/layered"
	"starling/server"
	"starling/transport/socks5"
)

// torPort is where Tor's proxy listens unless told otherwise.
const torPort = "9050"

// proxyOptions are the settings about proxies.
func proxyOptions() []layered.Option {
	return []layered.Option{
		{Name: "proxy", Value: "HOST:PORT", Help: "connect to peers through this SOCKS5 proxy, which looks their names up too; the node then listens nowhere and does not find out its own addresses unless told to"},
		{Name: "onion", Value: "HOST:PORT", Help: "the SOCKS5 proxy to Tor's .onion addresses; 0 for none (default --proxy)"},
		{Name: "proxy-randomize", Kind: layered.Bool, Default: true, Help: "log in to proxies by another name for each connection, so that Tor gives each a circuit of its own"},
	}
}

// settleProxies fills in through what the node dials.
func (s *Settings) settleProxies() error {
	all, err := s.proxy("proxy")
	if err != nil {
		return err
	}
	onion := all
	if s.Text("onion") != "" {
		if onion, err = s.proxy("onion"); err != nil {
			return err
		}
	}
	s.Server.Proxies = server.Proxies{All: all, Onion: onion}
	if all == nil {
		return nil
	}
	// Who hides behind a proxy does not want its addresses told by accident.
	s.SetDefault("discover", false)
	if s.Text("dns-resolver") != "" {
		return s.Fail("dns-resolver", "no names are looked up here with proxy, so that no DNS server learns of them; give one or the other")
	}
	return nil
}

// proxy reads the address of a proxy; nil for none.
func (s *Settings) proxy(name string) (*socks5.Proxy, error) {
	word := s.Text(name)
	if word == "" || word == none {
		return nil, nil
	}
	addr, err := hostPort(word, torPort)
	if err != nil {
		return nil, s.Fail(name, "%v", err)
	}
	if strings.HasSuffix(addr, ":0") {
		return nil, s.Fail(name, "nothing listens at port 0 of %s", addr)
	}
	return &socks5.Proxy{Address: addr, Isolate: s.Bool("proxy-randomize")}, nil
}
