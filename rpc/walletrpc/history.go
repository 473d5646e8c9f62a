package walletrpc

import (
	"context"
	"errors"

	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wallet"
	"starling/wire"
)

func (a *api) walletHistoryMethods() []*jsonrpc.Method {
	const category = walletCategory
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "listtransactions", Category: category,
			Summary:  "Lists the newest payments by and to the wallet, the oldest of them first.",
			Examples: [][]any{{}, {"*", 20, 100}}}, a.listTransactions),
		jsonrpc.Define(jsonrpc.Method{Name: "listsinceblock", Category: category,
			Summary:  "Lists the payments by and to the wallet in the blocks after one, and those that are unconfirmed.",
			Examples: [][]any{{}, {exampleID, 6}}}, a.listSinceBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "gettransaction", Category: category,
			Summary:  "Tells all about a transaction of the wallet.",
			Examples: [][]any{{exampleID}, {exampleID, false, true}}}, a.getTransaction),
		jsonrpc.Define(jsonrpc.Method{Name: "abandontransaction", Category: category,
			Summary:  "Gives up an unconfirmed transaction that the node does not have, so that its coins can be spent\notherwise.",
			Examples: [][]any{{exampleID}}}, a.abandonTransaction),
	}
}

func describeTx(e *wallet.Entry) rpctypes.WalletTxInfo {
	t := rpctypes.WalletTxInfo{
		Confirmations: e.Depth, Generated: e.Generated, TxID: e.ID, WTxID: e.Tx.WTxID(),
		Conflicts: describe.OrEmpty(e.Conflicts), PoolConflicts: describe.OrEmpty(e.PoolConflicts),
		To: e.To, Time: e.Time, TimeReceived: e.Time, Comment: e.Comment, Replaceable: "no",
	}
	switch {
	case e.Depth > 0:
		t.BlockHash, t.BlockHeight, t.BlockIndex, t.BlockTime = &e.Block, &e.Height, &e.Index, &e.BlockTime
	default:
		t.Trusted = &e.Trusted
		if e.Depth == 0 && e.Replaceable {
			t.Replaceable = "yes"
		}
	}
	if e.ReplacedBy != (wire.Hash{}) {
		t.ReplacedBy = &e.ReplacedBy
	}
	if e.Replaces != (wire.Hash{}) {
		t.Replaces = &e.Replaces
	}
	return t
}

func describeDetail(e *wallet.Entry, d *wallet.Detail) rpctypes.TxDetail {
	r := rpctypes.TxDetail{
		Address: d.Address, ParentDescs: d.ParentDescs, Category: string(d.Category), Amount: rpctypes.Amount(d.Amount), Vout: d.Output,
		Abandoned: e.Abandoned,
	}
	if d.HasLabel {
		r.Label = &d.Label
	}
	if d.Category == wallet.Send && e.HasFee {
		fee := rpctypes.Amount(-e.Fee)
		r.Fee = &fee
	}
	return r
}

type listTxParams struct {
	Label     string `rpc:"label" default:"\"*\"" help:"Only payments to addresses with this label"`
	Count     int    `rpc:"count" default:"10" help:"How many"`
	Skip      int    `rpc:"skip" default:"0" help:"How many of the newest to leave out"`
	WatchOnly bool   `rpc:"include_watchonly" default:"false" help:"Has no effect"`
}

func (a *api) listTransactions(ctx context.Context, p listTxParams) ([]rpctypes.HistoryEntry, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Count < 0:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Negative count")
	case p.Skip < 0:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Negative from")
	case p.Label == "":
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Label argument must be a valid label name or \"*\".")
	}
	keep := func(e *wallet.Entry, d *wallet.Detail) bool { return listed(e, d) && labelled(d, p.Label) }
	all := []rpctypes.HistoryEntry{}
	const enough = 1 << 40
	for _, e := range w.HistoryTail(min(p.Count, enough)+min(p.Skip, enough), keep) {
		all = append(all, entries(&e, keep)...)
	}
	end := max(0, len(all)-p.Skip)
	return all[max(0, end-p.Count):end], nil
}

// listed reports whether lists of payments show an output: change they leave
// out, and what can not arrive any more.
func listed(e *wallet.Entry, d *wallet.Detail) bool {
	return !d.Change && (d.Category == wallet.Send || e.Depth >= 0)
}

// labelled reports whether a payment is to an address with a label; * is any.
func labelled(d *wallet.Detail, label string) bool {
	return label == "*" || d.Category != wallet.Send && d.HasLabel && d.Label == label
}

func entries(e *wallet.Entry, keep func(*wallet.Entry, *wallet.Detail) bool) []rpctypes.HistoryEntry {
	var all []rpctypes.HistoryEntry
	t := describeTx(e)
	for i := range e.Details {
		if d := &e.Details[i]; keep(e, d) {
			all = append(all, rpctypes.HistoryEntry{TxDetail: describeDetail(e, d), WalletTxInfo: t})
		}
	}
	return all
}

type getTxParams struct {
	TxID      wire.Hash `rpc:"txid" help:"Its id"`
	WatchOnly bool      `rpc:"include_watchonly" default:"false" help:"Has no effect"`
	Verbose   bool      `rpc:"verbose" default:"false" help:"Also decode it"`
}

func (a *api) getTransaction(ctx context.Context, p getTxParams) (rpctypes.WalletTx, error) {
	var r rpctypes.WalletTx
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	e, err := w.Entry(p.TxID)
	if err != nil {
		return r, walletError(err)
	}
	r = rpctypes.WalletTx{WalletTxInfo: describeTx(&e), Details: []rpctypes.TxDetail{}, Hex: e.Tx.Bytes()}
	r.Amount = rpctypes.Amount(e.Credit - e.Debit)
	if e.Unripe {
		r.Amount = 0
	}
	if e.HasFee {
		r.Amount += rpctypes.Amount(e.Fee)
		fee := rpctypes.Amount(-e.Fee)
		r.Fee = &fee
	}
	for i := range e.Details {
		if d := &e.Details[i]; listed(&e, d) {
			r.Details = append(r.Details, describeDetail(&e, d))
		}
	}
	if p.Verbose {
		d := describe.TxDescriber{Net: a.network()}
		tx := d.Describe(e.Tx, false)
		r.Decoded = &tx
	}
	r.Last.Hash, r.Last.Height = w.Position()
	return r, nil
}

type txidParams struct {
	TxID wire.Hash `rpc:"txid" help:"Its id"`
}

func (a *api) abandonTransaction(ctx context.Context, p txidParams) (jsonrpc.Null, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	err = w.Abandon(p.TxID)
	var payment *wallet.PaymentError
	if errors.As(err, &payment) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%s", payment.Reason)
	}
	return nil, walletError(err)
}
