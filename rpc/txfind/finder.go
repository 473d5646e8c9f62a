package txfind

import (
	"context"

	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// Finder finds transactions and outputs wherever a node has them. It is
// immutable, and safe for concurrent use.
type Finder struct {
	Chain Chain
	Pool  Pool  // nil for none
	Index Index // nil if the node keeps none
}

// Chain is the chain with its unspent outputs.
type Chain interface {
	Headers() *headertree.Tree
	Tip() *headertree.Node
	ParsedBlock(n *headertree.Node) (*wire.Block, error)
	Undo(n *headertree.Node) (*coins.Undo, error)
	Coin(op wire.OutPoint) (c coins.Coin, ok bool, at *headertree.Node, err error)
}

// Pool is the mempool.
type Pool interface {
	Get(txid wire.Hash) *mempool.Entry
	Spender(op wire.OutPoint) (*mempool.Entry, bool)
}

// Index finds confirmed transactions by id.
type Index interface {
	// FindTx returns the transaction and its block; ok is false if the index
	// does not have it.
	FindTx(id wire.Hash) (tx *wire.Tx, block wire.Hash, ok bool, err error)
	// Height returns how far the index has got, and whether it has reached
	// the tip.
	Height() (height int32, synced bool)
	// WaitSynced waits until the index has every block of the best chain, or
	// until ctx ends.
	WaitSynced(ctx context.Context) error
}

// Found is a transaction and where it is.
type Found struct {
	Tx    *wire.Tx
	Block *headertree.Node // nil if it is unconfirmed

	at int // its place in the block, or -1 if unknown
}

// Unconfirmed returns a transaction of the mempool, or nil.
func (f *Finder) Unconfirmed(id wire.Hash) *wire.Tx {
	if f.Pool != nil {
		if e := f.Pool.Get(id); e != nil {
			return e.Tx
		}
	}
	return nil
}

// IsSpent reports whether an unconfirmed transaction spends an output.
func (f *Finder) IsSpent(op wire.OutPoint) bool {
	if f.Pool != nil {
		_, spent := f.Pool.Spender(op)
		return spent
	}
	return false
}

// Output finds an output that a transaction may spend: an unspent one, or one
// of an unconfirmed transaction. ok is false if there is none.
func (f *Finder) Output(op wire.OutPoint) (out wire.TxOut, ok bool, err error) {
	if tx := f.Unconfirmed(op.Hash); tx != nil && int64(op.Index) < int64(len(tx.Out)) {
		return tx.Out[op.Index], true, nil
	}
	coin, ok, _, err := f.Chain.Coin(op)
	return wire.TxOut{Value: coin.Value, Script: coin.Script}, ok, err
}

// Find looks for a transaction in a block if one is given, and otherwise
// wherever transactions can be found by id.
func (f *Finder) Find(ctx context.Context, id wire.Hash, block *wire.Hash) (Found, error) {
	if block != nil {
		n := f.Chain.Headers().Lookup(*block)
		if n == nil {
			return Found{}, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Block hash not found")
		}
		b, err := f.Chain.ParsedBlock(n)
		if err != nil {
			return Found{}, jsonrpc.Errorf(jsonrpc.CodeMisc, "Block not available")
		}
		for i := range b.Txs {
			if b.Txs[i].TxID() == id {
				return Found{Tx: &b.Txs[i], Block: n, at: i}, nil
			}
		}
		return Found{}, notFound("No such transaction found in the provided block")
	}
	if tx := f.Unconfirmed(id); tx != nil {
		return Found{Tx: tx, at: -1}, nil
	}
	if f.Index == nil {
		return Found{}, notFound("No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries")
	}
	tx, hash, ok, err := f.Confirmed(ctx, id)
	if err != nil {
		return Found{}, err
	}
	if ok {
		return Found{Tx: tx, Block: f.Chain.Headers().Lookup(hash), at: -1}, nil
	}
	if _, synced := f.Index.Height(); !synced {
		return Found{}, notFound("No such mempool transaction. Blockchain transactions are still in the process of being indexed")
	}
	return Found{}, notFound("No such mempool or blockchain transaction")
}

// maxIndexLag is how many blocks the transaction index may be behind for a
// call to wait for it: a day's, which take it seconds.
const maxIndexLag = 144

// Confirmed asks the transaction index, if there is one; ok is false if there is
// none. If the index is about to reach the tip, it waits for it, so that a
// transaction is found as soon as its block is there.
func (f *Finder) Confirmed(ctx context.Context, id wire.Hash) (tx *wire.Tx, block wire.Hash, ok bool, err error) {
	if f.Index == nil {
		return nil, wire.Hash{}, false, nil
	}
	if height, synced := f.Index.Height(); !synced && f.Chain.Tip().Height-height <= maxIndexLag {
		if err := f.Index.WaitSynced(ctx); err != nil {
			return nil, wire.Hash{}, false, err
		}
	}
	return f.Index.FindTx(id)
}

func notFound(what string) error {
	return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%s. Use gettransaction for wallet transactions.", what)
}

// SpentBy returns what a confirmed transaction spends, or nil if that is not
// known any more.
func (f *Finder) SpentBy(t Found) []coins.Coin {
	if t.Block == nil || t.Tx.IsCoinbase() {
		return nil
	}
	undo, err := f.Chain.Undo(t.Block)
	if err != nil {
		return nil
	}
	at := t.at
	if at < 0 {
		b, err := f.Chain.ParsedBlock(t.Block)
		if err != nil {
			return nil
		}
		for i := range b.Txs {
			if b.Txs[i].TxID() == t.Tx.TxID() {
				at = i
			}
		}
	}
	if at < 1 || at > len(undo.Spent) {
		return nil
	}
	return undo.Spent[at-1]
}
