package main

import (
	"net/netip"
	"slices"

	"starling/addrmgr/netaddr"
	"starling/wire"
)

// wanted is what a seed must offer: all blocks, with witnesses.
const wanted = wire.NodeNetwork | wire.NodeWitness

// choose returns the nodes that can be seeds, sorted, at most so many of IPv4 and
// as many of IPv6, and how many were left out for which reason.
func choose(found []node, port uint16, limit int) (kept []netip.AddrPort, dropped map[string]int) {
	dropped = make(map[string]int)
	groups := make(map[string]bool)
	count := make(map[bool]int) // of IPv4, or not
	for _, n := range found {
		var reason string
		a := netaddr.FromAddrPort(n.at)
		group := netaddr.Grouper{}.Group(a)
		is4 := n.at.Addr().Is4()
		switch {
		case !n.at.IsValid():
			reason = "no IP address"
		case !a.IsRoutable() || n.at.Addr().IsMulticast():
			reason = "cannot be reached from everywhere"
		case n.at.Port() != port:
			reason = "another port"
		case n.down:
			reason = "was not reached"
		case !n.services.Has(wanted):
			reason = "services are missing"
		case groups[group]:
			reason = "group has one"
		case count[is4] >= limit:
			reason = "over the limit"
		default:
			groups[group] = true
			count[is4]++
			kept = append(kept, n.at)
			continue
		}
		dropped[reason]++
	}
	slices.SortFunc(kept, netip.AddrPort.Compare)
	return kept, dropped
}
