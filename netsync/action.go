package netsync

import (
	"fmt"

	"starling/wire"
)

// PeerID names one link. The caller chooses it and never uses one twice.
type PeerID uint64

// Action is something the caller has to do now. The kinds are [SendGetHeaders],
// [SendGetBlocks], [SendGetData], [SendHeaders], [SendInv], [SendCmpct],
// [SendCmpctBlock], [Presyncing], [Misbehaved] and [Disconnect]. Actions of one list for one peer are to be done in order.
type Action interface {
	// Target is the peer that the action concerns.
	Target() PeerID
}

// SendGetHeaders asks the peer for the headers after the locator.
type SendGetHeaders struct {
	Peer    PeerID
	Locator []wire.Hash
	Stop    wire.Hash // zero for as many as the peer gives
}

// SendGetBlocks asks the peer to announce the blocks after the locator.
type SendGetBlocks struct {
	Peer    PeerID
	Locator []wire.Hash
	Stop    wire.Hash // zero for as many as the peer gives
}

// SendGetData asks the peer for blocks, in the order in which they are wanted.
type SendGetData struct {
	Peer PeerID
	Inv  []wire.InvVect
}

// SendHeaders announces blocks by their headers (BIP130).
type SendHeaders struct {
	Peer    PeerID
	Headers []wire.Header
}

// SendInv announces blocks by their hashes.
type SendInv struct {
	Peer PeerID
	Inv  []wire.InvVect
}

// Presyncing tells the operator how far the headers of a chain have come that
// has not shown its work, and of which nothing is kept yet. It comes now and then
// during the initial download, for the chain that has come furthest.
type Presyncing struct {
	Peer   PeerID
	Height int32
	Second bool    // the work is shown, and the headers come again
	Share  float64 // of the headers that the chain has by the clock, from 0 to 1
}

// Misbehaved reports that the peer broke a rule that an honest peer keeps. What
// follows is the caller's decision.
type Misbehaved struct {
	Peer    PeerID
	Offence Offence
	Err     error // what was wrong; may be nil
}

// Disconnect asks for the end of the link. The Manager has already given its
// blocks to others and ignores what still arrives; [Manager.PeerDown] is still
// due when the link is gone.
type Disconnect struct {
	Peer   PeerID
	Reason Reason
	// Awaited names what the peer was asked for and did not send; empty if it is
	// not that.
	Awaited string
}

// Target implements [Action].
func (a SendGetHeaders) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a SendGetBlocks) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a SendGetData) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a SendHeaders) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a SendInv) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a Presyncing) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a Misbehaved) Target() PeerID { return a.Peer }

// Target implements [Action].
func (a Disconnect) Target() PeerID { return a.Peer }

// Offence is a way in which a peer can misbehave while the chain is fetched.
type Offence uint8

const (
	// InvalidHeader is a header that breaks a rule for good, or that lacks its
	// proof of work.
	InvalidHeader Offence = iota
	// BrokenSequence is a headers message whose headers do not follow each
	// other.
	BrokenSequence
	// InvalidCompactBlock is a compact block, or transactions for one, as no
	// honest peer sends them.
	InvalidCompactBlock
	// OnInvalidBlock is a header that builds on a block which is known to be
	// invalid.
	OnInvalidBlock
)

// String returns the offence in words.
func (o Offence) String() string {
	switch o {
	case InvalidHeader:
		return "invalid header"
	case BrokenSequence:
		return "headers that do not follow each other"
	case InvalidCompactBlock:
		return "invalid compact block"
	case OnInvalidBlock:
		return "block on an invalid one"
	}
	return fmt.Sprintf("offence %d", uint8(o))
}

// Reason is why a link should end. It is an error, so that it can be passed on
// as the cause of a disconnect and be found with errors.Is.
type Reason uint8

const (
	// StalledWindow: the peer holds up the whole download window.
	StalledWindow Reason = iota
	// BlockTimeout: a block was not delivered in time.
	BlockTimeout
	// HeadersTimeout: the headers of the chain were not delivered in time.
	HeadersTimeout
	// ChainBehind: the peer's best chain stayed behind ours.
	ChainBehind
	// ChainTooWeak: the peer's whole chain has less work than the network's
	// minimum.
	ChainTooWeak
	// GetBlocksStalled: the peer announced blocks and delivered none of them.
	GetBlocksStalled
	// OnBadChain: the peer follows a chain with a block that is invalid here.
	OnBadChain
)

// Error says the reason in words.
func (r Reason) Error() string {
	switch r {
	case StalledWindow:
		return "peer is stalling the block download"
	case BlockTimeout:
		return "timeout downloading a block"
	case HeadersTimeout:
		return "timeout downloading headers"
	case ChainBehind:
		return "peer's chain stayed behind ours"
	case ChainTooWeak:
		return "peer's chain has less work than the network's minimum"
	case GetBlocksStalled:
		return "peer announced blocks and delivered none"
	case OnBadChain:
		return "peer follows a chain with an invalid block"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}
