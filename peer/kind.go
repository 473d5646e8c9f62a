package peer

import (
	"slices"
	"strings"
)

// Kind tells who opened a session and what it is for. It never changes.
type Kind uint8

const (
	// Inbound is a session that the other side opened.
	Inbound Kind = iota
	// OutboundFull exchanges blocks, transactions and addresses.
	OutboundFull
	// BlockRelayOnly exchanges blocks and nothing else, so that an observer of
	// transactions and addresses does not learn of it.
	BlockRelayOnly
	// Feeler only finds out whether a node is there; it ends after the
	// handshake.
	Feeler
	// AddrFetch asks a node for addresses and ends when it has answered.
	AddrFetch
	// Manual was opened because a person asked for it.
	Manual
)

// String returns Bitcoin Core's name for the kind, as getpeerinfo has it.
func (k Kind) String() string {
	switch k {
	case Inbound:
		return "inbound"
	case OutboundFull:
		return "outbound-full-relay"
	case BlockRelayOnly:
		return "block-relay-only"
	case Feeler:
		return "feeler"
	case AddrFetch:
		return "addr-fetch"
	case Manual:
		return "manual"
	}
	return "unknown"
}

// Outbound reports whether this side opened the session.
func (k Kind) Outbound() bool { return k != Inbound }

// RelaysTxs reports whether transactions are exchanged on sessions of this
// kind.
func (k Kind) RelaysTxs() bool { return k != BlockRelayOnly && k != Feeler && k != AddrFetch }

// Permissions are what a chosen peer may do beyond what any peer may. They
// have the meaning that Bitcoin Core's -whitelist gives them.
type Permissions uint16

const (
	// PermBloomFilter allows bloom filters even where they are not offered.
	PermBloomFilter Permissions = 1 << iota
	// PermRelay allows transactions even where none are accepted from peers.
	PermRelay
	// PermForceRelay relays its transactions even if they are known already;
	// implies PermRelay.
	PermForceRelay
	// PermDownload serves old blocks beyond the limit on upload.
	PermDownload
	// PermNoBan neither bans nor disconnects for misbehaviour; implies
	// PermDownload.
	PermNoBan
	// PermMempool answers the mempool message.
	PermMempool
	// PermAddr answers getaddr without limit and from the book itself.
	PermAddr
)

// permissionNames are Core's names, in the order of the bits.
var permissionNames = [...]string{"bloomfilter", "relay", "forcerelay", "download", "noban", "mempool", "addr"}

// Has reports whether all permissions of q are among p.
func (p Permissions) Has(q Permissions) bool { return p&q == q }

// Names returns Core's names of the permissions, as getpeerinfo lists them.
func (p Permissions) Names() []string {
	names := []string{}
	for i, n := range permissionNames {
		if p&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// String returns the names, separated by commas.
func (p Permissions) String() string { return strings.Join(p.Names(), ",") }

// ParsePermissions reads a comma-separated list of Core's names, "all"
// included, and adds what they imply. The second result names the first
// unknown word, or is empty.
func ParsePermissions(s string) (Permissions, string) {
	var p Permissions
	for w := range strings.SplitSeq(s, ",") {
		if w == "" {
			continue
		}
		if w == "all" {
			p |= 1<<len(permissionNames) - 1
			continue
		}
		i := slices.Index(permissionNames[:], w)
		if i < 0 {
			return 0, w
		}
		p |= 1 << i
	}
	if p.Has(PermForceRelay) {
		p |= PermRelay
	}
	if p.Has(PermNoBan) {
		p |= PermDownload
	}
	return p, ""
}
