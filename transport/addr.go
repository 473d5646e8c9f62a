package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
)

// ParseAddr reads an address: a multiaddr, which starts with a slash, or the
// short form host:port. The host may be an IPv4 address, an IPv6 address in
// brackets, a name, or nothing for every local address.
func ParseAddr(s string) (ma.Multiaddr, error) { return ParseAddrDefault(s, 0) }

// ParseAddrDefault is [ParseAddr] for places where the port may be left out,
// which then is port. With port 0 it must be there.
func ParseAddrDefault(s string, port uint16) (ma.Multiaddr, error) {
	if strings.HasPrefix(s, "/") {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", s, err)
		}
		return a, nil
	}
	host, portStr, err := splitHostPort(s, port)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(portStr, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("address %q: port %q is not a number from 0 to 65535", s, portStr)
	}
	if host == "" {
		// The unspecified IPv6 address stands for all addresses of both families.
		host = "::"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return nil, fmt.Errorf("address %q: an address with a zone works on one link only", s)
		}
		return FromAddrPort(netip.AddrPortFrom(ip, uint16(n))), nil
	}
	if !validName(host) {
		return nil, fmt.Errorf("address %q: %q is neither an IP address nor a host name", s, host)
	}
	a, err := ma.NewMultiaddr("/dns/" + host + "/tcp/" + strconv.FormatUint(n, 10))
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", s, err)
	}
	return a, nil
}

func splitHostPort(s string, port uint16) (host, portStr string, err error) {
	if port != 0 {
		def := strconv.Itoa(int(port))
		// Without a port: a bare IPv6 address, one in brackets, or a name.
		if _, err := netip.ParseAddr(s); err == nil {
			return s, def, nil
		}
		if in, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(in, "]") {
			return in[:len(in)-1], def, nil
		}
		if s != "" && !strings.Contains(s, ":") {
			return s, def, nil
		}
	}
	host, portStr, err = net.SplitHostPort(s)
	if err != nil {
		return "", "", fmt.Errorf("address %q: want host:port", s)
	}
	return host, portStr, nil
}

// validName reports whether s looks like a host name; what it means is for the
// resolver to find out.
func validName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}

// Overlay returns the last label of a name that belongs to a network on top of
// the internet, "onion" or "i2p", and "" for all other hosts. No resolver knows
// such names, and asking one would tell it who is sought. Whether there can be
// such a name is for its network to say.
func Overlay(host string) string {
	host = strings.ToLower(strings.TrimRight(host, "."))
	switch top := host[strings.LastIndexByte(host, '.')+1:]; top {
	case "onion", "i2p":
		return top
	}
	return ""
}

// FromAddrPort returns /ip4/…/tcp/… or /ip6/…/tcp/….
func FromAddrPort(ap netip.AddrPort) ma.Multiaddr {
	ip, proto := ap.Addr().Unmap().WithZone(""), "/ip6/"
	if ip.Is4() {
		proto = "/ip4/"
	}
	// Built from parts that are valid by their type, so it cannot fail.
	return ma.StringCast(proto + ip.String() + "/tcp/" + strconv.Itoa(int(ap.Port())))
}

// AddrPort returns the IP address and port that a plain TCP address holds, and
// false for every other kind of address, names included.
func AddrPort(a ma.Multiaddr) (netip.AddrPort, bool) {
	if len(a) != 2 || a[1].Protocol().Code != ma.P_TCP {
		return netip.AddrPort{}, false
	}
	ip, ok := IP(a)
	port := a[1].RawValue()
	if !ok || len(port) != 2 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip, uint16(port[0])<<8|uint16(port[1])), true
}

// IP returns the IP address that an address of any kind begins with.
func IP(a ma.Multiaddr) (netip.Addr, bool) {
	if len(a) == 0 {
		return netip.Addr{}, false
	}
	switch a[0].Protocol().Code {
	case ma.P_IP4, ma.P_IP6:
		ip, ok := netip.AddrFromSlice(a[0].RawValue())
		return ip.Unmap(), ok
	}
	return netip.Addr{}, false
}

// HostPort splits a plain TCP address, of a name or of an IP address, for
// functions of package net.
func HostPort(a ma.Multiaddr) (host, port string, ok bool) {
	if len(a) != 2 || a[1].Protocol().Code != ma.P_TCP {
		return "", "", false
	}
	switch a[0].Protocol().Code {
	case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
		return a[0].Value(), a[1].Value(), true
	}
	return "", "", false
}

// FormatAddr returns the short form of a plain TCP address, host:port, and
// the multiaddr's own text for all others.
func FormatAddr(a ma.Multiaddr) string {
	if host, port, ok := HostPort(a); ok {
		return net.JoinHostPort(host, port)
	}
	return a.String()
}
