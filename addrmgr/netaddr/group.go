package netaddr

import (
	"encoding/binary"
	"net/netip"

	"starling/wire"
)

// How many bits of an address make its group. An operator gets addresses of
// one group easily, and of many groups with difficulty.
const (
	groupIPv4  = 16
	groupIPv6  = 32
	groupHENet = 36 // Hurricane Electric gives a /48 of 2001:470::/32 to whoever asks
	groupKeys  = 4  // of Tor and I2P, where addresses cost nothing: 16 groups in all
	groupCJDNS = 12 // 4 behind the first byte, which is always the same
	groupLocal = 24 // of 127.0.0.0/8, where local addresses count
)

// The first byte of a group, so that groups of different kinds are never equal.
const (
	classNone  byte = 0 // all that nobody can reach
	className  byte = 0xfd
	classLocal byte = 0xfe
	classAS    byte = 0xff
)

var (
	heNet  = netip.MustParsePrefix("2001:470::/32")
	sixTo4 = netip.MustParsePrefix("2002::/16")
	teredo = netip.MustParsePrefix("2001::/32")
	// Prefixes under which the last 32 bits are an IPv4 address: RFC 6052 and 6145.
	translated = []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("::ffff:0:0:0/96")}
)

// Grouper tells the network group of addresses. The zero value works.
type Grouper struct {
	// ASMap, if not nil, knows the autonomous systems; the group of an address
	// that it knows is that.
	ASMap *ASMap
	// CountLocal treats local and private addresses as if they were spread over
	// the world, with a group for each 127.x.y.0/24. It is for trying out networks
	// on one machine.
	CountLocal bool
}

// Group returns the network group of an address. All addresses that nobody can
// reach are one group.
func (g Grouper) Group(a Addr) string {
	var b [1 + maxSize]byte
	return string(g.AppendGroup(b[:0], a))
}

// AppendGroup is [Grouper.Group] without a string.
func (g Grouper) AppendGroup(dst []byte, a Addr) []byte {
	if as := g.AS(a); as != 0 {
		return binary.BigEndian.AppendUint32(append(dst, classAS), as)
	}
	if ip, ok := a.IP(); ok && g.CountLocal && ip.IsLoopback() {
		if ip.Is4() {
			return appendBits(append(dst, classLocal), ip.AsSlice(), groupLocal)
		}
		return append(dst, classLocal)
	}
	if a.network == netName {
		return append(append(dst, className), a.Bytes()...)
	}
	if !g.isReachable(a) {
		return append(dst, classNone)
	}
	switch a.network {
	case wire.NetTorV3, wire.NetI2P:
		return appendBits(append(dst, byte(a.network)), a.Bytes(), groupKeys)
	case wire.NetCJDNS:
		return appendBits(append(dst, byte(a.network)), a.Bytes(), groupCJDNS)
	}
	ip, _ := a.IP()
	if v4, ok := linkedIPv4(ip); ok {
		return appendBits(append(dst, byte(wire.NetIPv4)), v4.AsSlice(), groupIPv4)
	}
	bits := groupIPv6
	if heNet.Contains(ip) {
		bits = groupHENet
	}
	return appendBits(append(dst, byte(a.network)), ip.AsSlice(), bits)
}

// AS returns the autonomous system that announces an address, or 0 if it is not
// known.
func (g Grouper) AS(a Addr) uint32 {
	if g.ASMap == nil || a.network != wire.NetIPv4 && a.network != wire.NetIPv6 || !a.IsRoutable() {
		return 0
	}
	ip, _ := a.IP()
	if v4, ok := linkedIPv4(ip); ok {
		ip = v4
	}
	return g.ASMap.Lookup(ip)
}

// IsUsable reports whether an address may be kept and dialled: one that others
// can reach, or a local one where those count.
func (g Grouper) IsUsable(a Addr) bool {
	if a.port == 0 && a.network != wire.NetI2P {
		return false
	}
	return g.isReachable(a)
}

func (g Grouper) isReachable(a Addr) bool {
	if a.IsRoutable() {
		return true
	}
	ip, ok := a.IP()
	return ok && g.CountLocal && !ip.IsUnspecified() && !ip.IsMulticast() && ip != broadcast
}

// linkedIPv4 returns the IPv4 address that an IP address is, or through which
// it is reached: whoever owns one has all of the others for nothing.
func linkedIPv4(ip netip.Addr) (netip.Addr, bool) {
	if ip.Is4() {
		return ip, true
	}
	b := ip.As16()
	switch {
	case sixTo4.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(ip):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	for _, p := range translated {
		if p.Contains(ip) {
			return netip.AddrFrom4([4]byte(b[12:16])), true
		}
	}
	return netip.Addr{}, false
}

// appendBits adds the first bits of b, with ones behind them in the last byte.
func appendBits(dst, b []byte, bits int) []byte {
	dst = append(dst, b[:bits/8]...)
	if rest := bits % 8; rest != 0 {
		dst = append(dst, b[bits/8]|(1<<(8-rest)-1))
	}
	return dst
}
