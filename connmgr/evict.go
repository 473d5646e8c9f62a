package connmgr

import (
	"cmp"
	"slices"
	"time"
)

// Candidate is an inbound peer that may have to make room for another.
type Candidate struct {
	ID        uint64
	Connected time.Time
	// MinPing is the shortest round trip that was measured; zero if none was.
	MinPing time.Duration
	// LastBlock and LastTx are when it last gave a block or transaction that
	// was new; zero for never.
	LastBlock, LastTx time.Time
	// Useful is true if it serves blocks with witnesses.
	Useful bool
	// RelaysTxs is true if it wants transactions.
	RelaysTxs bool
	// Bloom is true if it has loaded a filter.
	Bloom bool
	// Group is its network group, keyed with a secret, so that nobody can
	// choose one that is protected.
	Group uint64
	// Local is true for an address of this machine.
	Local bool
	// Net is the kind of network that it came over, such as "ipv4" or "onion".
	Net string
	// PreferEvict marks a peer to be evicted before others.
	PreferEvict bool
	// Pending is true until the handshake is done.
	Pending bool
	// NoBan protects the peer from eviction.
	NoBan bool
}

// How many are protected for each merit. An attacker who wants to fill all
// places has to beat honest peers in each of these at the same time; each costs
// it something else. The numbers are Bitcoin Core's.
const (
	keepByGroup       = 4
	keepByPing        = 8
	keepByTx          = 4
	keepByBlockOnly   = 8
	keepByBlock       = 4
	minoritiesShareOf = 4 // a quarter of what is left goes to minority networks
)

// SelectEviction chooses which of the peers makes room for a newcomer, or none
// if all are worth protecting. It is a pure function; the order of the
// candidates does not matter if their ids differ.
func SelectEviction(peers []Candidate) (id uint64, ok bool) {
	left := slices.Clone(peers)
	left = slices.DeleteFunc(left, func(c Candidate) bool { return c.NoBan })
	// With a fixed order first, ties are broken the same way each time.
	slices.SortFunc(left, func(a, b Candidate) int { return cmp.Compare(a.ID, b.ID) })

	left = protect(left, keepByGroup, func(a, b Candidate) int { return cmp.Compare(b.Group, a.Group) }, nil)
	left = protect(left, keepByPing, func(a, b Candidate) int { return cmp.Compare(pingRank(a), pingRank(b)) }, nil)
	left = protect(left, keepByTx, func(a, b Candidate) int {
		return cmp.Or(b.LastTx.Compare(a.LastTx), prefer(a.RelaysTxs, b.RelaysTxs), prefer(!a.Bloom, !b.Bloom), a.Connected.Compare(b.Connected))
	}, nil)
	left = protect(left, keepByBlockOnly, func(a, b Candidate) int {
		return cmp.Or(prefer(!a.RelaysTxs, !b.RelaysTxs), b.LastBlock.Compare(a.LastBlock), prefer(a.Useful, b.Useful), a.Connected.Compare(b.Connected))
	}, func(c Candidate) bool { return !c.RelaysTxs && c.Useful })
	left = protect(left, keepByBlock, func(a, b Candidate) int {
		return cmp.Or(b.LastBlock.Compare(a.LastBlock), prefer(a.Useful, b.Useful), a.Connected.Compare(b.Connected))
	}, nil)
	left = protectByUptime(left)
	if len(left) == 0 {
		return 0, false
	}
	if slices.ContainsFunc(left, func(c Candidate) bool { return c.PreferEvict }) {
		left = slices.DeleteFunc(left, func(c Candidate) bool { return !c.PreferEvict })
	}
	return youngestOfLargestGroup(left), true
}

// pingRank puts peers whose ping is not known behind all others.
func pingRank(c Candidate) time.Duration {
	if c.MinPing <= 0 {
		return 1<<63 - 1
	}
	return c.MinPing
}

// prefer orders those for whom the condition holds first.
func prefer(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// protect takes the first count peers by the given order off the list, as far
// as they fulfil the condition (nil for none).
func protect(left []Candidate, count int, order func(a, b Candidate) int, only func(Candidate) bool) []Candidate {
	slices.SortStableFunc(left, order)
	n := min(count, len(left))
	head := slices.Clone(left[:n])
	if only == nil {
		return left[n:]
	}
	head = slices.DeleteFunc(head, only)
	return append(head, left[n:]...)
}

// protectByUptime protects the half that has been connected for longest. Up to
// half of these places go to peers of networks that few use, as these are slow
// and would lose in every other respect.
func protectByUptime(left []Candidate) []Candidate {
	total := len(left) / 2
	oldest := func(a, b Candidate) int {
		return cmp.Or(a.Connected.Compare(b.Connected), cmp.Compare(a.ID, b.ID))
	}
	nets := minorities(left)
	places := len(left) / minoritiesShareOf
	kept := 0
	for len(nets) > 0 && kept < places {
		// The same number for each network, rarest first; what one does not use
		// is shared again among the others.
		each := max(1, (places-kept)/len(nets))
		var still []string
		for _, net := range nets {
			n := min(each, places-kept)
			if n == 0 {
				break
			}
			members := make([]Candidate, 0, n)
			slices.SortFunc(left, oldest)
			for _, c := range left {
				if netOf(c) == net && len(members) < n {
					members = append(members, c)
				}
			}
			if len(members) == n {
				still = append(still, net)
			}
			kept += len(members)
			left = slices.DeleteFunc(left, func(c Candidate) bool { return slices.Contains(members, c) })
		}
		nets = still
	}
	slices.SortFunc(left, oldest)
	return left[min(len(left), total-kept):]
}

// rare reports whether peers of a network have places of their own. Whoever has
// a private address does not: it is as fast as any other, and one machine may
// have many.
func rare(net string) bool {
	return net == "cjdns" || net == "i2p" || net == netLocal || net == "onion"
}

// netLocal is the network of those who connect from this machine, among them all
// who come through Tor or another proxy.
const netLocal = "local"

// netOf returns the network that a peer counts for.
func netOf(c Candidate) string {
	if c.Local {
		return netLocal
	}
	return c.Net
}

// minorities returns the networks among the candidates that get places of their
// own, those with the fewest candidates first.
func minorities(left []Candidate) []string {
	count := make(map[string]int)
	var nets []string
	for _, c := range left {
		net := netOf(c)
		if !rare(net) {
			continue
		}
		if count[net] == 0 {
			nets = append(nets, net)
		}
		count[net]++
	}
	slices.SortFunc(nets, func(a, b string) int {
		return cmp.Or(cmp.Compare(count[a], count[b]), cmp.Compare(a, b))
	})
	return nets
}

// youngestOfLargestGroup picks from the network group with most members, where
// an attacker is most likely; of groups of one size from that with the youngest
// member.
func youngestOfLargestGroup(left []Candidate) uint64 {
	size := groupSizes(left)
	worst := slices.MaxFunc(left, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(size[a.Group], size[b.Group]), a.Connected.Compare(b.Connected), cmp.Compare(a.ID, b.ID))
	})
	return worst.ID
}

// groupSizes counts the peers of each network group.
func groupSizes(peers []Candidate) map[uint64]int {
	size := make(map[uint64]int)
	for _, c := range peers {
		size[c.Group]++
	}
	return size
}
