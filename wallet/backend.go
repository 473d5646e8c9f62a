package wallet

import (
	"context"

	"starling/chain"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// Chain is what a wallet needs of the chain. [starling/chain.Chain] has it but
// for Lookup, see [OverChain].
type Chain interface {
	Network() *params.Network
	// Tip returns the block at the end of the best chain.
	Tip() *headertree.Node
	// TipChanged returns a channel that is closed when the tip next changes.
	TipChanged() <-chan struct{}
	// At returns the block of the best chain at a height, or nil.
	At(height int32) *headertree.Node
	// Contains reports whether a block is in the best chain.
	Contains(n *headertree.Node) bool
	// Lookup finds a header by its hash, or returns nil.
	Lookup(hash wire.Hash) *headertree.Node
	// ParsedBlock reads a block, with the ids of its transactions hashed.
	ParsedBlock(n *headertree.Node) (*wire.Block, error)
	// HoldBlocks keeps the blocks above a height from being pruned; who is how
	// the log calls the one who needs them.
	HoldBlocks(who string, height int32) *chain.Hold
	// Coin returns the unspent output at op as of the tip.
	Coin(op wire.OutPoint) (out wire.TxOut, ok bool, err error)
	// IsInitialDownload reports whether the node is still catching up.
	IsInitialDownload() bool
}

// Pool is what a wallet needs of the unconfirmed transactions of the node. Its
// methods may be called from any goroutine, with no lock of the wallet held.
type Pool interface {
	// Submit hands a transaction to the node: it is checked, kept and
	// announced until it is in a block. It succeeds for one that is there
	// already. The error says why the node refuses it.
	Submit(ctx context.Context, tx *wire.Tx) error
	// Has reports whether a transaction is among the unconfirmed ones.
	Has(txid wire.Hash) bool
	// Tx returns an unconfirmed transaction, or nil.
	Tx(txid wire.Hash) *wire.Tx
	// All returns all unconfirmed transactions, parents before children.
	All() []*wire.Tx
	// MinFee returns what a transaction must pay at present to be taken, in
	// satoshi for 1,000 virtual bytes.
	MinFee() int64
	// IncrementalFee returns by how much more a replacement must pay, in
	// satoshi for 1,000 virtual bytes.
	IncrementalFee() int64
	// EstimateFee returns what should get a transaction into one of the next
	// target blocks, in satoshi for 1,000 virtual bytes; ok is false if that
	// is not known.
	EstimateFee(target int, conservative bool) (rate int64, ok bool)
	// Package returns how many unconfirmed ancestors and descendants a
	// transaction has, itself included, and the virtual size and fees of the
	// ancestors; ok is false if it is not there.
	Package(txid wire.Hash) (p Package, ok bool)
}

// Package describes the relatives of an unconfirmed transaction, itself
// included.
type Package struct {
	Ancestors, Descendants int
	AncestorSize           int64 // in virtual bytes
	AncestorFees           int64 // in satoshi
}
