package netaddr

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/base32"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
	"starling/wire"
)

// maxSize is the longest address that is known: a key of Tor or I2P.
const maxSize = 32

// Addr is where a node can be reached: network, address and port. Two of them
// are the same place exactly if they are equal with ==. The zero value is no
// address.
type Addr struct {
	network wire.NetworkID
	port    uint16
	bytes   [maxSize]byte // as many as the network has, zeros behind
}

// FromWire returns the address of a message. It fails for networks that are
// not known and for addresses of a wrong length.
func FromWire(a wire.NetAddr) (Addr, bool) {
	if n := a.Network.AddrSize(); n == 0 || n != len(a.Addr) || a.Network == wire.NetTorV2 {
		return Addr{}, false
	}
	r := Addr{network: a.Network, port: a.Port}
	copy(r.bytes[:], a.Addr)
	if a.Network == wire.NetIPv6 {
		ip := netip.AddrFrom16([16]byte(a.Addr))
		if ip.Is4In6() {
			return FromAddrPort(netip.AddrPortFrom(ip, a.Port)), true
		}
	}
	return r, true
}

// netName is the network of names that stand for no address, see [FromName].
const netName wire.NetworkID = 0xff

// nameSize is how many bytes of a name's hash are kept.
const nameSize = 10

// FromName returns an address that nobody can reach and that stands for a name,
// such as that of a DNS seed: each name is a network group of its own.
func FromName(name string) Addr {
	a := Addr{network: netName}
	h := sha256.Sum256([]byte(name))
	copy(a.bytes[:nameSize], h[:])
	return a
}

// size returns how many bytes an address of a network has.
func size(n wire.NetworkID) int {
	if n == netName {
		return nameSize
	}
	return n.AddrSize()
}

// FromAddrPort returns the address of an IP endpoint. An invalid endpoint
// gives the zero Addr.
func FromAddrPort(ap netip.AddrPort) Addr {
	ip := ap.Addr().Unmap()
	switch {
	case !ip.IsValid():
		return Addr{}
	case ip.Is4():
		a := Addr{network: wire.NetIPv4, port: ap.Port()}
		copy(a.bytes[:], ip.AsSlice())
		return a
	}
	a := Addr{network: wire.NetIPv6, port: ap.Port()}
	copy(a.bytes[:], ip.AsSlice())
	return a
}

// Parse reads an IP address with a port, or a Tor or I2P name with one. Names
// that have to be looked up are none.
func Parse(s string) (Addr, error) {
	m, err := transport.ParseAddr(s)
	if err != nil {
		return Addr{}, err
	}
	a, ok := FromMultiaddr(m)
	if !ok {
		return Addr{}, fmt.Errorf("address %q: not the address of a node", s)
	}
	return a, nil
}

// The text forms of Tor's and I2P's names.
const (
	onionSuffix  = ".onion"
	onionVersion = 3
	i2pSuffix    = ".b32.i2p"
)

var onionText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// FromMultiaddr returns the address that a multiaddr names: of a plain TCP
// endpoint with an IP address or with a name of Tor or I2P.
func FromMultiaddr(m ma.Multiaddr) (Addr, bool) {
	if ap, ok := transport.AddrPort(m); ok {
		return FromAddrPort(ap), true
	}
	host, port, ok := transport.HostPort(m)
	if !ok {
		return Addr{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Addr{}, false
	}
	return fromName(host, uint16(n))
}

// cjdnsPrefix is the first byte of all addresses of CJDNS.
const cjdnsPrefix = 0xfc

// OfLink returns the address of the other end of a link, or of one that is about
// to be dialled, as FromMultiaddr does. It knows the addresses of CJDNS, which are
// those of an interface of this machine: whoever speaks from fc00::/8 has come over
// it, as nobody else may use that block. One that is only told of may be anything.
func OfLink(m ma.Multiaddr) (Addr, bool) {
	a, ok := FromMultiaddr(m)
	if ok && a.network == wire.NetIPv6 && a.bytes[0] == cjdnsPrefix {
		a.network = wire.NetCJDNS
	}
	return a, ok
}

// fromName reads a name of Tor or I2P.
func fromName(host string, port uint16) (Addr, bool) {
	host = strings.ToLower(host)
	if text, ok := strings.CutSuffix(host, onionSuffix); ok {
		b, err := onionText.DecodeString(text)
		if err != nil || len(b) != 35 || b[34] != onionVersion || !bytes.Equal(b[32:34], onionChecksum(b[:32])) {
			return Addr{}, false
		}
		a := Addr{network: wire.NetTorV3, port: port}
		copy(a.bytes[:], b)
		clear(a.bytes[32:])
		return a, true
	}
	if text, ok := strings.CutSuffix(host, i2pSuffix); ok {
		b, err := onionText.DecodeString(text)
		if err != nil || len(b) != 32 {
			return Addr{}, false
		}
		a := Addr{network: wire.NetI2P, port: port}
		copy(a.bytes[:], b)
		return a, true
	}
	return Addr{}, false
}

// onionChecksum returns the two bytes that guard a Tor name against slips of
// the pen (rend-spec-v3).
func onionChecksum(key []byte) []byte {
	h := sha3.New256()
	h.Write([]byte(".onion checksum"))
	h.Write(key)
	h.Write([]byte{onionVersion})
	return h.Sum(nil)[:2]
}

// Network returns the network that the address belongs to.
func (a Addr) Network() wire.NetworkID { return a.network }

// Port returns the port.
func (a Addr) Port() uint16 { return a.port }

// IsValid reports whether a is an address at all.
func (a Addr) IsValid() bool { return a.network != 0 }

// Bytes returns the address without the port, as messages carry it.
func (a Addr) Bytes() []byte { return a.bytes[:size(a.network)] }

// IP returns the IP address, if the network has them.
func (a Addr) IP() (netip.Addr, bool) {
	switch a.network {
	case wire.NetIPv4, wire.NetIPv6, wire.NetCJDNS, wire.NetYggdrasil:
		ip, ok := netip.AddrFromSlice(a.Bytes())
		return ip, ok
	}
	return netip.Addr{}, false
}

// WithPort returns the same host at another port.
func (a Addr) WithPort(port uint16) Addr {
	a.port = port
	return a
}

// Wire returns a as messages carry it.
func (a Addr) Wire(services wire.ServiceFlag, seen uint32) wire.NetAddr {
	return wire.NetAddr{Time: seen, Services: services, Network: a.network, Addr: bytes.Clone(a.Bytes()), Port: a.port}
}

// Host returns the address without the port, as people write it.
func (a Addr) Host() string {
	switch a.network {
	case wire.NetTorV3:
		b := append(bytes.Clone(a.Bytes()), onionChecksum(a.Bytes())...)
		return onionText.EncodeToString(append(b, onionVersion)) + onionSuffix
	case wire.NetI2P:
		return onionText.EncodeToString(a.Bytes()) + i2pSuffix
	}
	if ip, ok := a.IP(); ok {
		return ip.String()
	}
	return ""
}

// String returns host:port.
func (a Addr) String() string {
	if !a.IsValid() {
		return "invalid address"
	}
	return net.JoinHostPort(a.Host(), strconv.Itoa(int(a.port)))
}

// Multiaddr returns the address in the form that transports dial.
func (a Addr) Multiaddr() ma.Multiaddr {
	if ip, ok := a.IP(); ok {
		return transport.FromAddrPort(netip.AddrPortFrom(ip, a.port))
	}
	// Built from letters and digits, so it cannot fail.
	return ma.StringCast("/dns/" + a.Host() + "/tcp/" + strconv.Itoa(int(a.port)))
}

// Compare orders addresses by network, bytes and port.
func (a Addr) Compare(b Addr) int {
	return cmp.Or(cmp.Compare(a.network, b.network), bytes.Compare(a.bytes[:], b.bytes[:]), cmp.Compare(a.port, b.port))
}

// SameHost reports whether two addresses are those of one host, at whatever ports.
func (a Addr) SameHost(b Addr) bool { return a.WithPort(0) == b.WithPort(0) }

// AppendKey adds what tells a from all others, for hashing and for files. See
// [DecodeKey].
func (a Addr) AppendKey(dst []byte) []byte {
	dst = append(dst, byte(a.network), byte(a.port>>8), byte(a.port))
	return append(dst, a.Bytes()...)
}

// DecodeKey reads what [Addr.AppendKey] wrote from the front of b, and returns
// what follows it.
func DecodeKey(b []byte) (a Addr, rest []byte, ok bool) {
	if len(b) < 3 {
		return Addr{}, nil, false
	}
	a = Addr{network: wire.NetworkID(b[0]), port: uint16(b[1])<<8 | uint16(b[2])}
	n := size(a.network)
	if n == 0 || len(b) < 3+n {
		return Addr{}, nil, false
	}
	copy(a.bytes[:], b[3:3+n])
	return a, b[3+n:], true
}
