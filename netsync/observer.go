package netsync

import (
	"time"

	"starling/wire"
)

// Observer is told what happens, for metrics and traces. Its methods are called
// with the Manager's lock held: they must return at once and not call back.
type Observer interface {
	// HeadersReceived: a peer sent count headers, added of which were new.
	HeadersReceived(id PeerID, count, added int)
	// GateMoved: a chain without the minimum work has been walked to height;
	// second is true in the second pass over it.
	GateMoved(id PeerID, height int32, second bool)
	// BlockRequested: a block was asked of a peer; copies counts the peers that
	// it is in flight from now.
	BlockRequested(id PeerID, hash wire.Hash, copies int)
	// BlockReceived: a block arrived, took after it was asked of this peer;
	// took is zero if it was not asked for.
	BlockReceived(id PeerID, hash wire.Hash, took time.Duration)
	// CompactRead: a compact block of a peer was rebuilt, and this came of it;
	// asked is true if what was missing had been asked for.
	CompactRead(id PeerID, hash wire.Hash, r CompactResult, asked bool)
	// StallTimeout: the time that a peer may hold up the window has changed.
	StallTimeout(d time.Duration)
	// Dropped: a peer is to be disconnected.
	Dropped(id PeerID, why Reason)
}

// NoObserver ignores everything. Embed it to implement only a part.
type NoObserver struct{}

// HeadersReceived implements [Observer].
func (NoObserver) HeadersReceived(PeerID, int, int) {}

// GateMoved implements [Observer].
func (NoObserver) GateMoved(PeerID, int32, bool) {}

// BlockRequested implements [Observer].
func (NoObserver) BlockRequested(PeerID, wire.Hash, int) {}

// BlockReceived implements [Observer].
func (NoObserver) BlockReceived(PeerID, wire.Hash, time.Duration) {}

// CompactRead implements [Observer].
func (NoObserver) CompactRead(PeerID, wire.Hash, CompactResult, bool) {}

// StallTimeout implements [Observer].
func (NoObserver) StallTimeout(time.Duration) {}

// Dropped implements [Observer].
func (NoObserver) Dropped(PeerID, Reason) {}
