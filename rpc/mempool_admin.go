package rpc

import (
	"context"
	"errors"

	"starling/mempool"
	"starling/mempool/policy"
	"starling/wire"
)

func (a *mempoolAPI) mempoolAdminMethods() []*Method {
	id := "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	return []*Method{
		define(Method{Name: "savemempool", Category: "Blockchain",
			Summary: "Writes the unconfirmed transactions to disk, from where the next start reads them."}, a.saveMempool),
		define(Method{Name: "prioritisetransaction", Category: "Mining",
			Summary:  "Lets a transaction count as paying more or less than it does, here and in the blocks that this\nnode makes. It may come later. Repeated calls add up.",
			Returns:  "true",
			Examples: [][]any{{id, 0.0, 10000}}}, a.prioritiseTransaction),
		define(Method{Name: "getprioritisedtransactions", Category: "Mining",
			Summary: "Returns what prioritisetransaction has set, for each transaction.",
			Results: []Shape{{Like: Object{}, Help: "By id: fee_delta, in_mempool, and modified_fee if it is there; in satoshi"}}},
			a.getPrioritisedTransactions),
		define(Method{Name: "getorphantxs", Category: "Blockchain",
			Summary: "Returns the transactions that peers sent and whose parents are not known.",
			Results: []Shape{
				{When: "if verbosity is 0", Like: []wire.Hash{}, Help: "Their ids"},
				{When: "if verbosity is 1 or 2", Like: []orphanResult{}},
			},
			Examples: [][]any{{}, {2}}}, a.getOrphanTxs),
	}
}

func (a *mempoolAPI) saveMempool(context.Context, none) (savedMempool, error) {
	p := a.Pool
	if p.File() == "" {
		return savedMempool{}, Errorf(CodeMisc, "This node does not save its mempool")
	}
	switch err := p.Save(); {
	case errors.Is(err, mempool.ErrNotLoaded):
		return savedMempool{}, Errorf(CodeMisc, "The mempool was not loaded yet")
	case err != nil:
		return savedMempool{}, Errorf(CodeMisc, "Unable to dump mempool to disk: %v", err)
	}
	return savedMempool{p.File()}, nil
}

type prioritiseParams struct {
	TxID  wire.Hash `rpc:"txid" help:"The transaction's id"`
	Dummy *float64  `rpc:"dummy" help:"Zero; it had a meaning once"`
	Delta *int64    `rpc:"fee_delta" help:"What to add to its fee, in satoshi; negative to take away"`
}

func (a *mempoolAPI) prioritiseTransaction(_ context.Context, p prioritiseParams) (bool, error) {
	switch {
	case p.Dummy != nil && *p.Dummy != 0:
		return false, Errorf(CodeInvalidParam, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.")
	case p.Delta == nil:
		return false, Errorf(CodeInvalidParam, "fee_delta is missing")
	case *p.Delta > maxMoney || *p.Delta < -maxMoney:
		return false, Errorf(CodeInvalidParam, "fee_delta is out of range")
	}
	// A transaction with dust must leave with its child; a fee of its own would
	// keep it.
	if e := a.Pool.Get(p.TxID); e != nil && policy.HasDust(e.Tx, mempool.DefaultDustFee) {
		return false, Errorf(CodeInvalidParam, "Priority is not supported for transactions with dust outputs.")
	}
	a.Pool.Prioritise(p.TxID, *p.Delta)
	return true, nil
}

func (a *mempoolAPI) getPrioritisedTransactions(context.Context, none) (Object, error) {
	r := Object{}
	for _, d := range a.Pool.Prioritised() {
		p := prioritised{Delta: d.Delta, InPool: d.Entry != nil}
		if d.Entry != nil {
			p.Modified = &d.Entry.ModifiedFee
		}
		r = append(r, Member{d.TxID.String(), p})
	}
	return r, nil
}

type orphanParams struct {
	Verbosity int `rpc:"verbosity" default:"0" help:"0 for ids, 1 for descriptions, 2 with the bytes of the transactions"`
}

func (a *mempoolAPI) getOrphanTxs(_ context.Context, p orphanParams) (any, error) {
	if p.Verbosity < 0 || p.Verbosity > 2 {
		return nil, Errorf(CodeInvalidParam, "Invalid verbosity value %d", p.Verbosity)
	}
	orphans := a.Orphans.Orphans()
	if p.Verbosity == 0 {
		ids := make([]wire.Hash, len(orphans))
		for i, o := range orphans {
			ids[i] = o.Tx.TxID()
		}
		return ids, nil
	}
	all := make([]orphanResult, len(orphans))
	for i, o := range orphans {
		all[i] = orphanResult{
			TxID: o.Tx.TxID(), WTxID: o.Tx.WTxID(), Bytes: o.Tx.Size(), VSize: o.Tx.VSize(), Weight: o.Tx.Weight(), From: orEmpty(o.From),
		}
		if p.Verbosity == 2 {
			all[i].Hex = o.Tx.Bytes()
		}
	}
	return all, nil
}
