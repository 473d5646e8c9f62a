package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"starling/wire"
)

// maxDump bounds the dump. One of a whole book of 80,000 addresses has 10 MB.
const maxDump = 64 << 20

// node is what a dump tells of a node.
type node struct {
	at netip.AddrPort // invalid if the address is none of IPv4 or IPv6
	// services are what it offers, and down is true if it was not reached. A dump
	// that does not tell is believed to hold good ones.
	services wire.ServiceFlag
	down     bool
}

// read reads a dump. Port is that of addresses without one.
func read(r io.Reader, port uint16) ([]node, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxDump+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDump {
		return nil, fmt.Errorf("the dump has more than %d bytes", maxDump)
	}
	if text := bytes.TrimSpace(raw); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return readJSON(text, port)
	}
	return readLines(raw, port)
}

// readLines reads addresses, one to a line.
func readLines(raw []byte, port uint16) (list []node, err error) {
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		if text := strings.TrimSpace(lines.Text()); text != "" && text[0] != '#' {
			list = append(list, node{at: parse(text, port), services: wanted})
		}
	}
	return list, lines.Err()
}

// entry is a node as the commands print it: the address with its port, or the
// port beside it.
type entry struct {
	Address  string            `json:"address"`
	Port     *uint16           `json:"port"`
	Services *wire.ServiceFlag `json:"services"`
	Reached  *bool             `json:"reached"`
}

// readJSON reads a list of nodes, or an object that holds one.
func readJSON(raw []byte, port uint16) ([]node, error) {
	var all []entry
	if raw[0] == '[' {
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, err
		}
	} else {
		var holder struct{ Nodes, Addresses []entry }
		if err := json.Unmarshal(raw, &holder); err != nil {
			return nil, err
		}
		all = append(holder.Nodes, holder.Addresses...)
	}
	list := make([]node, len(all))
	for i, e := range all {
		n := node{services: wanted, down: e.Reached != nil && !*e.Reached}
		if e.Services != nil {
			n.services = *e.Services
		}
		if e.Port != nil {
			n.at = parse(e.Address, *e.Port)
		} else {
			n.at = parse(e.Address, port)
		}
		list[i] = n
	}
	return list, nil
}

// parse reads an address, with the port given if it names none. What is no IP
// address, such as a name, gives an invalid one.
func parse(text string, port uint16) netip.AddrPort {
	if host, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return netip.AddrPort{}
		}
		text, port = host, uint16(n)
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip.Unmap(), port)
}
