package walletrpc

import (
	"context"

	"starling/chain/headertree"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wallet"
	"starling/wire"
)

type sinceParams struct {
	Block     string  `rpc:"blockhash" default:"\"\"" help:"The block; left out, all payments are listed"`
	Target    int     `rpc:"target_confirmations" default:"1" help:"How deep the block named in lastblock is"`
	WatchOnly bool    `rpc:"include_watchonly" default:"false" help:"Has no effect"`
	Removed   bool    `rpc:"include_removed" default:"true" help:"Also what was only in blocks that left the chain"`
	Change    bool    `rpc:"include_change" default:"false" help:"Also the wallet's own change, as a payment by it and to it"`
	Label     *string `rpc:"label" help:"Only payments to addresses with this label"`
}

func (a *api) listSinceBlock(ctx context.Context, p sinceParams) (rpctypes.SinceBlock, error) {
	r := rpctypes.SinceBlock{Transactions: []rpctypes.HistoryEntry{}}
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	if p.Target < 1 {
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter")
	}
	if p.Label != nil {
		if err := checkLabel(*p.Label); err != nil {
			return r, err
		}
	}
	var block *headertree.Node // the block that was asked for
	from := int32(-1)          // the fork between its chain and the best one
	if p.Block != "" {
		hash, err := jsonrpc.ParseHash("blockhash", p.Block)
		if err != nil {
			return r, err
		}
		if block = a.Chain.Headers().Lookup(hash); block == nil {
			return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Block not found")
		}
		fork := block
		for !a.Chain.Contains(fork) {
			fork = fork.Parent
		}
		from = fork.Height
	}
	show := func(lost bool) func(*wallet.Entry, *wallet.Detail) bool {
		return func(e *wallet.Entry, d *wallet.Detail) bool {
			return (p.Change || !d.Change) && (lost || d.Category == wallet.Send || e.Depth >= 0) &&
				(p.Label == nil || labelled(d, *p.Label))
		}
	}
	_, tip := w.Position()
	byID := map[wire.Hash]*wallet.Entry{}
	for _, e := range w.History() {
		byID[e.ID] = &e
		// What can not confirm any more is as old as the block that says so.
		if e.Depth == 0 || e.Height > from {
			r.Transactions = append(r.Transactions, entries(&e, show(false))...)
		}
	}
	if p.Removed {
		r.Removed = []rpctypes.HistoryEntry{}
		for n := block; n != nil && n.Height > from; n = n.Parent {
			b, err := a.Chain.ParsedBlock(n)
			if err != nil {
				return r, jsonrpc.Errorf(jsonrpc.CodeInternal, "Can't read block from disk")
			}
			for i := range b.Txs {
				if e := byID[b.Txs[i].TxID()]; e != nil {
					r.Removed = append(r.Removed, entries(e, show(true))...)
				}
			}
		}
	}
	if last := a.Chain.At(max(0, tip+1-int32(min(p.Target, 1<<30)))); last != nil {
		r.LastBlock = last.Hash
	}
	return r, nil
}
