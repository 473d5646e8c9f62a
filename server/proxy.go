package server

import (
	"net/netip"
	"time"

	"starling/addrmgr/netaddr"
	"starling/params"
	"starling/transport"
	"starling/transport/socks5"
	"starling/transport/tcp"
	"starling/wire"
)

// Proxies are what this node dials through. The zero value dials everybody from
// this machine, and nobody by a name of Tor.
type Proxies struct {
	// All is for the addresses of the internet and for the names of hosts, which
	// are never looked up here then; nil for none.
	All *socks5.Proxy
	// Onion is for the names of Tor; nil for none, whatever All is.
	Onion *socks5.Proxy
}

// For returns the proxy to the addresses of a network, nil if there is none.
// Nothing is a way to I2P, which has no proxies of this kind. The addresses of
// CJDNS are those of an interface of this machine.
func (p Proxies) For(n wire.NetworkID) *socks5.Proxy {
	switch n {
	case wire.NetIPv4, wire.NetIPv6:
		return p.All
	case wire.NetTorV3:
		return p.Onion
	}
	return nil
}

// proxyPatience is how many times longer a dial through a proxy may take: Tor may have
// to build a circuit first.
const proxyPatience = int64(tcp.DefaultProxyTimeout / tcp.DefaultDialTimeout)

// TCP returns the transport of a network over TCP, through the proxies.
func (p Proxies) TCP(net *params.Network, v2 bool, dialTimeout time.Duration) *tcp.Transport {
	return tcp.New(tcp.Options{Magic: net.Magic, V2: v2, Proxy: p.dialer, DialTimeout: dialTimeout, ProxyTimeout: dialTimeout * time.Duration(proxyPatience)})
}

// dialer returns what dials a host, nil for this machine. It does dial the
// addresses that only it can reach, its own and those of the networks around
// it: no proxy elsewhere could.
func (p Proxies) dialer(host string) tcp.Dialer {
	via := p.All
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && !netaddr.RoutableIP(ip):
		via = nil
	case err == nil:
	case transport.Overlay(host) == "onion":
		via = p.Onion
	case transport.Overlay(host) != "":
		via = nil
	}
	if via == nil {
		return nil
	}
	return via
}

// Network says how the addresses of a network are reached.
type Network struct {
	ID wire.NetworkID
	// Reachable tells whether this node dials them.
	Reachable bool
	Proxy     *socks5.Proxy // nil for none
}

// Networks returns the networks that addresses can be of, in Bitcoin Core's
// order.
func (n *Server) Networks() []Network {
	var all []Network
	for _, id := range []wire.NetworkID{wire.NetIPv4, wire.NetIPv6, wire.NetTorV3, wire.NetI2P, wire.NetCJDNS} {
		via := n.cfg.Proxies.For(id)
		ip := id == wire.NetIPv4 || id == wire.NetIPv6
		reach := ip || id == wire.NetTorV3 && via != nil
		if s := n.cfg.Slots; s != nil && s.Networks != 0 {
			reach = s.Networks.Has(id) && (reach || id == wire.NetCJDNS)
		}
		all = append(all, Network{id, reach, via})
	}
	return all
}
