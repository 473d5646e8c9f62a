package mempoolrpc

import (
	"context"
	"errors"

	"starling/mempool"
	"starling/mempool/policy"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func (a *api) mempoolAdminMethods() []*jsonrpc.Method {
	id := "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "savemempool", Category: "Blockchain",
			Summary: "Writes the unconfirmed transactions to disk, from where the next start reads them."}, a.saveMempool),
		jsonrpc.Define(jsonrpc.Method{Name: "prioritisetransaction", Category: "Mining",
			Summary:  "Lets a transaction count as paying more or less than it does, here and in the blocks that this\nnode makes. It may come later. Repeated calls add up.",
			Returns:  "true",
			Examples: [][]any{{id, 0.0, 10000}}}, a.prioritiseTransaction),
		jsonrpc.Define(jsonrpc.Method{Name: "getprioritisedtransactions", Category: "Mining",
			Summary: "Returns what prioritisetransaction has set, for each transaction.",
			Results: []jsonrpc.Shape{{Like: jsonrpc.Map[rpctypes.PrioritisedTx]{}, Key: "txid", Help: "By id"}}},
			a.getPrioritisedTransactions),
		jsonrpc.Define(jsonrpc.Method{Name: "getorphantxs", Category: "Blockchain",
			Summary: "Returns the transactions that peers sent and whose parents are not known.",
			Results: []jsonrpc.Shape{
				{When: "if verbosity is 0", Like: []wire.Hash{}, Help: "Their ids"},
				{When: "if verbosity is 1 or 2", Like: []rpctypes.OrphanTx{}},
			},
			Examples: [][]any{{}, {2}}}, a.getOrphanTxs),
	}
}

func (a *api) saveMempool(context.Context, jsonrpc.None) (rpctypes.SavedMempool, error) {
	p := a.Pool
	if p.File() == "" {
		return rpctypes.SavedMempool{}, jsonrpc.Errorf(jsonrpc.CodeMisc, "This node does not save its mempool")
	}
	switch err := p.Save(); {
	case errors.Is(err, mempool.ErrNotLoaded):
		return rpctypes.SavedMempool{}, jsonrpc.Errorf(jsonrpc.CodeMisc, "The mempool was not loaded yet")
	case err != nil:
		return rpctypes.SavedMempool{}, jsonrpc.Errorf(jsonrpc.CodeMisc, "Unable to dump mempool to disk: %v", err)
	}
	return rpctypes.SavedMempool{File: p.File()}, nil
}

type prioritiseParams struct {
	TxID  wire.Hash `rpc:"txid" help:"The transaction's id"`
	Dummy *float64  `rpc:"dummy" help:"Zero; it had a meaning once"`
	Delta *int64    `rpc:"fee_delta" help:"What to add to its fee, in satoshi; negative to take away"`
}

func (a *api) prioritiseTransaction(_ context.Context, p prioritiseParams) (bool, error) {
	switch {
	case p.Dummy != nil && *p.Dummy != 0:
		return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.")
	case p.Delta == nil:
		return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "fee_delta is missing")
	case *p.Delta > rpctypes.MaxMoney || *p.Delta < -rpctypes.MaxMoney:
		return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "fee_delta is out of range")
	}
	// A transaction with dust must leave with its child; a fee of its own would
	// keep it.
	if e := a.Pool.Get(p.TxID); e != nil && policy.HasDust(e.Tx, mempool.DefaultDustFee) {
		return false, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Priority is not supported for transactions with dust outputs.")
	}
	a.Pool.Prioritise(p.TxID, *p.Delta)
	return true, nil
}

func (a *api) getPrioritisedTransactions(context.Context, jsonrpc.None) (jsonrpc.Map[rpctypes.PrioritisedTx], error) {
	r := jsonrpc.Map[rpctypes.PrioritisedTx]{}
	for _, d := range a.Pool.Prioritised() {
		p := rpctypes.PrioritisedTx{Delta: d.Delta, InPool: d.Entry != nil}
		if d.Entry != nil {
			p.Modified = &d.Entry.ModifiedFee
		}
		r = append(r, jsonrpc.Entry[rpctypes.PrioritisedTx]{Name: d.TxID.String(), Value: p})
	}
	return r, nil
}

type orphanParams struct {
	Verbosity int `rpc:"verbosity" default:"0" help:"0 for ids, 1 for descriptions, 2 with the bytes of the transactions"`
}

func (a *api) getOrphanTxs(_ context.Context, p orphanParams) (any, error) {
	if p.Verbosity < 0 || p.Verbosity > 2 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid verbosity value %d", p.Verbosity)
	}
	orphans := a.Orphans.Orphans()
	if p.Verbosity == 0 {
		ids := make([]wire.Hash, len(orphans))
		for i, o := range orphans {
			ids[i] = o.Tx.TxID()
		}
		return ids, nil
	}
	all := make([]rpctypes.OrphanTx, len(orphans))
	for i, o := range orphans {
		all[i] = rpctypes.OrphanTx{
			TxID: o.Tx.TxID(), WTxID: o.Tx.WTxID(), Bytes: o.Tx.Size(), VSize: o.Tx.VSize(), Weight: o.Tx.Weight(), From: make([]uint64, len(o.From)),
		}
		for j, id := range o.From {
			all[i].From[j] = uint64(id)
		}
		if p.Verbosity == 2 {
			all[i].Hex = o.Tx.Bytes()
		}
	}
	return all, nil
}
