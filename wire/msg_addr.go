package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	// MaxAddr is how many addresses an addr or addrv2 message may hold.
	MaxAddr = 1000

	// MaxAddrV2Size is the longest address of any network, known or not
	// (BIP155), in bytes.
	MaxAddrV2Size = 512

	// addrV1Size is an address of an addr message: time, services, IP, port.
	addrV1Size = 4 + versionAddrSize

	// An address of an addrv2 message: time, services, network, address, port.
	minAddrV2EntrySize = 4 + 1 + 1 + 1 + 2
	maxAddrV2EntrySize = 4 + 9 + 1 + 3 + MaxAddrV2Size + 2
)

// NetworkID says which network an address belongs to (BIP155).
type NetworkID uint8

// The networks of BIP155.
const (
	NetIPv4      NetworkID = 1
	NetIPv6      NetworkID = 2
	NetTorV2     NetworkID = 3 // gone; ignored when received
	NetTorV3     NetworkID = 4
	NetI2P       NetworkID = 5
	NetCJDNS     NetworkID = 6
	NetYggdrasil NetworkID = 7
)

// AddrSize returns how many bytes an address of this network has, or 0 if the
// network is not known.
func (n NetworkID) AddrSize() int {
	switch n {
	case NetIPv4:
		return 4
	case NetIPv6, NetCJDNS, NetYggdrasil:
		return 16
	case NetTorV2:
		return 10
	case NetTorV3, NetI2P:
		return 32
	}
	return 0
}

// String returns the network's name as RPC shows it.
func (n NetworkID) String() string {
	switch n {
	case NetIPv4:
		return "ipv4"
	case NetIPv6:
		return "ipv6"
	case NetTorV2, NetTorV3:
		return "onion"
	case NetI2P:
		return "i2p"
	case NetCJDNS:
		return "cjdns"
	case NetYggdrasil:
		return "yggdrasil"
	}
	return fmt.Sprintf("network-%d", uint8(n))
}

// Prefixes under which other kinds of address hide in 16 bytes.
var (
	prefixIPv4     = [12]byte{10: 0xff, 11: 0xff}
	prefixTorV2    = [6]byte{0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43}
	prefixInternal = [6]byte{0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24} // Bitcoin Core's names of seeds
)

// NetAddr is where a node can be reached, and what is known of it. Messages
// of both forms, addr and addrv2, carry it.
type NetAddr struct {
	Time     uint32 // when the node was last seen, in seconds since 1970
	Services ServiceFlag
	Network  NetworkID
	Addr     []byte // [NetworkID.AddrSize] bytes, as a view
	Port     uint16
}

// NewNetAddr returns the NetAddr of an IP endpoint. An IPv4 address in IPv6
// form becomes an IPv4 address.
func NewNetAddr(ap netip.AddrPort, services ServiceFlag, seen uint32) NetAddr {
	ip := ap.Addr().Unmap()
	a := NetAddr{Time: seen, Services: services, Network: NetIPv6, Addr: ip.AsSlice(), Port: ap.Port()}
	if ip.Is4() {
		a.Network = NetIPv4
	}
	return a
}

// AddrPort returns a as an IP endpoint, if its network has IP addresses:
// IPv4, IPv6, CJDNS and Yggdrasil have.
func (a NetAddr) AddrPort() (netip.AddrPort, bool) {
	switch a.Network {
	case NetIPv4, NetIPv6, NetCJDNS, NetYggdrasil:
		ip, ok := netip.AddrFromSlice(a.Addr)
		return netip.AddrPortFrom(ip, a.Port), ok && len(a.Addr) == a.Network.AddrSize()
	}
	return netip.AddrPort{}, false
}

// FitsV1 reports whether an addr message and a version message can carry a.
func (a NetAddr) FitsV1() bool {
	return (a.Network == NetIPv4 || a.Network == NetIPv6) && len(a.Addr) == a.Network.AddrSize()
}

// appendV1 adds services, IP and port. An address that does not fit is all
// zeros, as Bitcoin Core sends it.
func (a NetAddr) appendV1(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(a.Services))
	switch {
	case !a.FitsV1():
		dst = append(dst, make([]byte, 16)...)
	case a.Network == NetIPv4:
		dst = append(append(dst, prefixIPv4[:]...), a.Addr...)
	default:
		dst = append(dst, a.Addr...)
	}
	return binary.BigEndian.AppendUint16(dst, a.Port)
}

// addrV1 reads services, IP and port.
func (c *Cursor) addrV1() (a NetAddr) {
	a.Services = ServiceFlag(c.Uint64())
	a.Addr = c.Bytes(16)
	a.Network = NetIPv6
	if hasPrefix(a.Addr, prefixIPv4[:]) {
		a.Network, a.Addr = NetIPv4, a.Addr[len(prefixIPv4):]
	}
	a.Port = c.Uint16BE()
	return a
}

func hasPrefix(b, prefix []byte) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == string(prefix)
}

// MsgAddr tells of nodes with an IPv4 or IPv6 address.
type MsgAddr struct{ Addrs []NetAddr }

// Command implements [Message].
func (*MsgAddr) Command() string { return CmdAddr }

// AppendPayload implements [Message]. Addresses that do not fit this form are
// left out.
func (m *MsgAddr) AppendPayload(dst []byte) []byte {
	n := 0
	for _, a := range m.Addrs {
		if a.FitsV1() {
			n++
		}
	}
	dst = AppendCompactSize(dst, uint64(n))
	for _, a := range m.Addrs {
		if a.FitsV1() {
			dst = binary.LittleEndian.AppendUint32(dst, a.Time)
			dst = a.appendV1(dst)
		}
	}
	return dst
}

func (m *MsgAddr) decode(c *Cursor) {
	n := c.Count(MaxAddr, addrV1Size)
	m.Addrs = make([]NetAddr, 0, n)
	for range n {
		t := c.Uint32()
		a := c.addrV1()
		a.Time = t
		m.Addrs = append(m.Addrs, a)
	}
}

// MsgAddrV2 tells of nodes on any network (BIP155).
type MsgAddrV2 struct{ Addrs []NetAddr }

// Command implements [Message].
func (*MsgAddrV2) Command() string { return CmdAddrV2 }

// AppendPayload implements [Message].
func (m *MsgAddrV2) AppendPayload(dst []byte) []byte {
	dst = AppendCompactSize(dst, uint64(len(m.Addrs)))
	for _, a := range m.Addrs {
		dst = binary.LittleEndian.AppendUint32(dst, a.Time)
		dst = AppendCompactSize(dst, uint64(a.Services))
		dst = append(dst, byte(a.Network))
		dst = AppendVarBytes(dst, a.Addr)
		dst = binary.BigEndian.AppendUint16(dst, a.Port)
	}
	return dst
}

// decode leaves out what nobody may use: networks that are not known, Tor
// version 2, and other kinds of address that hide in an IPv6 address, which
// the older form needed and this one forbids. An address of the wrong length
// for its network spoils the message.
func (m *MsgAddrV2) decode(c *Cursor) {
	n := c.Count(MaxAddr, minAddrV2EntrySize)
	m.Addrs = make([]NetAddr, 0, n)
	for range n {
		var a NetAddr
		a.Time = c.Uint32()
		a.Services = ServiceFlag(c.CompactUint64())
		a.Network = NetworkID(c.Uint8())
		a.Addr = c.VarBytes(MaxAddrV2Size)
		a.Port = c.Uint16BE()
		if c.err != nil {
			return
		}
		size := a.Network.AddrSize()
		if size == 0 || a.Network == NetTorV2 {
			continue
		}
		if len(a.Addr) != size {
			c.Failf("%s address of %d bytes, want %d", a.Network, len(a.Addr), size)
			return
		}
		if a.Network == NetIPv6 && (hasPrefix(a.Addr, prefixIPv4[:]) ||
			hasPrefix(a.Addr, prefixTorV2[:]) || hasPrefix(a.Addr, prefixInternal[:])) {
			continue
		}
		m.Addrs = append(m.Addrs, a)
	}
}

// MsgGetAddr asks for addresses of nodes.
type MsgGetAddr struct{}

// Command implements [Message].
func (*MsgGetAddr) Command() string { return CmdGetAddr }

// AppendPayload implements [Message].
func (*MsgGetAddr) AppendPayload(dst []byte) []byte { return dst }

func (*MsgGetAddr) decode(*Cursor) {}
