package mempool

import (
	"fmt"

	"starling/chain/headertree"
)

// RemovalReason says why a transaction left the pool.
type RemovalReason uint8

const (
	RemovedExpiry    RemovalReason = iota // it waited too long
	RemovedSizeLimit                      // the pool was full and others paid more
	RemovedReorg                          // it is not valid on the new chain
	RemovedBlock                          // a block holds it
	RemovedConflict                       // a block holds one that spends the same
	RemovedReplaced                       // another took its place for a higher fee
)

// String returns Core's name of the reason.
func (r RemovalReason) String() string {
	switch r {
	case RemovedExpiry:
		return "expiry"
	case RemovedSizeLimit:
		return "sizelimit"
	case RemovedReorg:
		return "reorg"
	case RemovedBlock:
		return "block"
	case RemovedConflict:
		return "conflict"
	case RemovedReplaced:
		return "replaced"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Observer sees what enters and leaves the pool. Its methods are called one at
// a time and in order, with the pool locked: they must neither block nor call
// the pool.
type Observer interface {
	TxAdded(e *Entry)
	TxRemoved(e *Entry, why RemovalReason)
	// TipMoved follows all that a new tip has added and removed, just before
	// readers see the tip. connected holds the blocks, lowest first, that
	// joined the chain since the last call.
	TipMoved(tip *headertree.Node, connected []*headertree.Node)
}

// NopObserver observes nothing. Embed it to observe only some events.
type NopObserver struct{}

func (NopObserver) TxAdded(*Entry)                                {}
func (NopObserver) TxRemoved(*Entry, RemovalReason)               {}
func (NopObserver) TipMoved(*headertree.Node, []*headertree.Node) {}
