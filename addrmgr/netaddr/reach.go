package netaddr

import (
	"net/netip"

	"starling/wire"
)

// thisHost is what stands for the sender itself, and is never seen from afar.
var thisHost = netip.MustParsePrefix("0.0.0.0/8")

// IsLocal reports whether an IP address is one of this machine.
func IsLocal(ip netip.Addr) bool { return ip.IsLoopback() || thisHost.Contains(ip) }

// unroutable are the address blocks that stand for no host of the internet, as
// Bitcoin Core has them: RFC 1918, 2544, 3927, 4193, 4843, 4862, 5737, 6598, 7343
// and 3849.
var unroutable = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/64"), netip.MustParsePrefix("2001:10::/28"),
	netip.MustParsePrefix("2001:20::/28"), netip.MustParsePrefix("2001:db8::/32"),
}

// RoutableIP reports whether an IP address can be that of one host of the
// internet.
func RoutableIP(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || IsLocal(ip) || ip.IsUnspecified() || ip == broadcast {
		return false
	}
	for _, p := range unroutable {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// IsRoutable reports whether others can reach the address, over the internet
// or over the network that it belongs to.
func (a Addr) IsRoutable() bool {
	switch a.network {
	case wire.NetIPv4, wire.NetIPv6:
		ip, _ := a.IP()
		return RoutableIP(ip)
	case wire.NetCJDNS:
		return a.bytes[0] == cjdnsPrefix
	case wire.NetTorV3, wire.NetI2P, wire.NetYggdrasil:
		return true
	}
	return false
}

// IsLocal reports whether the address is one of this machine.
func (a Addr) IsLocal() bool {
	ip, ok := a.IP()
	return ok && IsLocal(ip)
}
