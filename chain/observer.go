package chain

import (
	"time"

	"starling/chain/headertree"
	"starling/wire"
)

// Observer sees what happens to headers and blocks, to measure or trace it.
// Its methods are called on the path of the work and must not block.
type Observer interface {
	// HeadersAccepted follows added new headers; best has the most work.
	HeadersAccepted(added int, best *headertree.Node)
	// BlockChecked comes when a block's work, merkle roots and context-free
	// rules hold, before its scripts are checked.
	BlockChecked(n *headertree.Node, b *wire.Block, took CheckTimes)
	// BlockConnected follows each block that joins the best chain.
	BlockConnected(n *headertree.Node, s ConnectStats)
	// BlockDisconnected follows each block that leaves the best chain.
	BlockDisconnected(n *headertree.Node)
	// BlockRejected follows each block that breaks a rule.
	BlockRejected(hash wire.Hash, err error)
	// TipChanged comes when readers see a new tip.
	TipChanged(n *headertree.Node)
	// Flushed follows each write of the UTXO set.
	Flushed(coins int, took time.Duration)
}

// CheckTimes says how long the stages before connecting took.
type CheckTimes struct {
	Parse time.Duration // parsing and hashing ids
	Check time.Duration // context-free and contextual rules
	Store time.Duration // appending to the block file
}

// ConnectStats says what connecting a block took.
type ConnectStats struct {
	Txs, Inputs, Bytes int
	ScriptsChecked     bool // false below the assume-valid block

	Load    time.Duration // waiting for the block to be read and parsed
	Lookup  time.Duration // finding the spent coins
	Scripts time.Duration // checking amounts, lock times and scripts
	Undo    time.Duration // writing the undo record
	Apply   time.Duration // changing the UTXO set
}

// NopObserver observes nothing. Embed it to observe only some events.
type NopObserver struct{}

func (NopObserver) HeadersAccepted(int, *headertree.Node)                  {}
func (NopObserver) BlockChecked(*headertree.Node, *wire.Block, CheckTimes) {}
func (NopObserver) BlockConnected(*headertree.Node, ConnectStats)          {}
func (NopObserver) BlockDisconnected(*headertree.Node)                     {}
func (NopObserver) BlockRejected(wire.Hash, error)                         {}
func (NopObserver) TipChanged(*headertree.Node)                            {}
func (NopObserver) Flushed(int, time.Duration)                             {}
