package mempoolrpc

import (
	"context"
	"math"

	"starling/mempool"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func (a *api) entryMethods() []*jsonrpc.Method {
	const category = "Blockchain"
	id := "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	several := []jsonrpc.Shape{
		{When: "if verbose is false", Like: []wire.Hash{}, Help: "The ids of the transactions"},
		{When: "if verbose is true", Like: jsonrpc.Map[rpctypes.MempoolEntry]{}, Key: "txid", Help: "Each transaction by id, as getmempoolentry describes it"},
	}
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getmempoolinfo", Category: category,
			Summary: "Returns figures of all unconfirmed transactions together."}, a.getMempoolInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "getrawmempool", Category: category,
			Summary:  "Returns all unconfirmed transactions, those first that miners want most.",
			Results:  append(several[:2:2], jsonrpc.Shape{When: "if mempool_sequence is true", Like: rpctypes.MempoolSequence{}}),
			Examples: [][]any{{}, {true}}}, a.getRawMempool),
		jsonrpc.Define(jsonrpc.Method{Name: "getmempoolentry", Category: category,
			Summary:  "Describes an unconfirmed transaction and how it stands among the others.",
			Examples: [][]any{{id}}}, a.getMempoolEntry),
		jsonrpc.Define(jsonrpc.Method{Name: "getmempoolancestors", Category: category,
			Summary: "Returns the unconfirmed transactions that an unconfirmed one depends on, directly or not.",
			Results: several, Examples: [][]any{{id}}}, a.getMempoolAncestors),
		jsonrpc.Define(jsonrpc.Method{Name: "getmempooldescendants", Category: category,
			Summary: "Returns the unconfirmed transactions that depend on an unconfirmed one, directly or not.",
			Results: several, Examples: [][]any{{id}}}, a.getMempoolDescendants),
		jsonrpc.Define(jsonrpc.Method{Name: "getmempoolcluster", Category: category,
			Summary:  "Returns the unconfirmed transactions that hang together with one, in the groups in which miners\ntake them.",
			Examples: [][]any{{id}}}, a.getMempoolCluster),
		jsonrpc.Define(jsonrpc.Method{Name: "gettxspendingprevout", Category: category,
			Summary:  "Tells which unconfirmed transactions spend the outputs given.",
			Examples: [][]any{{[]any{map[string]any{"txid": id, "vout": 3}}}}}, a.getTxSpendingPrevOut),
	}
}

func (a *api) getMempoolInfo(context.Context, jsonrpc.None) (rpctypes.MempoolInfo, error) {
	i := a.Pool.Info()
	return rpctypes.MempoolInfo{
		Loaded: i.Loaded, Size: i.Count, Bytes: i.VSize, Usage: i.Usage, TotalFee: rpctypes.Amount(i.TotalFee), MaxMempool: i.MaxBytes,
		MinFee: rpctypes.Amount(i.MinFee), MinRelayFee: rpctypes.Amount(i.MinRelayFee), IncrementalFee: rpctypes.Amount(i.Incremental),
		Unbroadcast: i.Unbroadcast, FullRBF: true, BareMultiSig: i.PermitBareMultiSig, DataCarrier: i.DataCarrier,
		MaxClusterCount: i.MaxClusterCount, MaxClusterVSize: i.MaxClusterVSize,
	}, nil
}

func describeEntry(d *mempool.Details, replaceable bool) rpctypes.MempoolEntry {
	e := d.Entry
	return rpctypes.MempoolEntry{
		VSize: e.VSize, Weight: e.Weight, Time: e.Time.Unix(), Height: e.Height,
		DescendantCount: d.DescendantCount, DescendantSize: d.DescendantSize,
		AncestorCount: d.AncestorCount, AncestorSize: d.AncestorSize,
		ChunkWeight: d.ChunkWeight, WTxID: e.WTxID,
		Fees: rpctypes.MempoolFees{
			Base: rpctypes.Amount(e.Fee), Modified: rpctypes.Amount(e.ModifiedFee), Ancestor: rpctypes.Amount(d.AncestorFees),
			Descendant: rpctypes.Amount(d.DescendantFees), Chunk: rpctypes.Amount(d.ChunkFee),
		},
		Depends: describe.OrEmpty(d.Parents), SpentBy: describe.OrEmpty(d.Children), Replaceable: replaceable, Unbroadcast: d.Unbroadcast,
	}
}

// signals reports whether a transaction says by itself that it may be replaced
// (BIP125).
func signals(tx *wire.Tx) bool {
	for i := range tx.In {
		if tx.In[i].Sequence < wire.SequenceFinal-1 {
			return true
		}
	}
	return false
}

// entry describes one unconfirmed transaction; ok is false if there is none.
func (a *api) entry(txid wire.Hash) (r rpctypes.MempoolEntry, ok bool) {
	d, ok := a.Pool.Details(txid)
	if !ok {
		return r, false
	}
	replaceable := signals(d.Entry.Tx)
	if !replaceable {
		up, _ := a.Pool.Ancestors(txid)
		for _, e := range up {
			replaceable = replaceable || signals(e.Tx)
		}
	}
	return describeEntry(&d, replaceable), true
}

type rawMempoolParams struct {
	Verbose  bool `rpc:"verbose" default:"false" help:"Whether to describe the transactions"`
	Sequence bool `rpc:"mempool_sequence" default:"false" help:"Whether to add a number that grows with each change; not if verbose"`
}

func (a *api) getRawMempool(_ context.Context, p rawMempoolParams) (any, error) {
	switch {
	case p.Verbose && p.Sequence:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Verbose results cannot contain mempool sequence values.")
	case p.Verbose:
		all := jsonrpc.Map[rpctypes.MempoolEntry]{}
		replaceable := map[wire.Hash]bool{}
		a.Pool.Each(func(d mempool.Details) bool {
			r := signals(d.Entry.Tx)
			for _, id := range d.Parents { // they came before
				r = r || replaceable[id]
			}
			replaceable[d.Entry.TxID] = r
			all = append(all, jsonrpc.Entry[rpctypes.MempoolEntry]{Name: d.Entry.TxID.String(), Value: describeEntry(&d, r)})
			return true
		})
		return all, nil
	}
	// The number is read first: what comes in between is told again.
	seq := a.Pool.Sequence()
	ids := txids(a.Pool.Entries())
	if p.Sequence {
		return rpctypes.MempoolSequence{TxIDs: ids, Sequence: seq}, nil
	}
	return ids, nil
}

func txids(entries []*mempool.Entry) []wire.Hash {
	ids := make([]wire.Hash, len(entries))
	for i, e := range entries {
		ids[i] = e.TxID
	}
	return ids
}

type poolTxParams struct {
	TxID wire.Hash `rpc:"txid" help:"The id of an unconfirmed transaction"`
}

func notInMempool() error {
	return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Transaction not in mempool")
}

func (a *api) getMempoolEntry(_ context.Context, p poolTxParams) (rpctypes.MempoolEntry, error) {
	r, ok := a.entry(p.TxID)
	if !ok {
		return r, notInMempool()
	}
	return r, nil
}

type poolFamilyParams struct {
	TxID    wire.Hash `rpc:"txid" help:"The id of an unconfirmed transaction"`
	Verbose bool      `rpc:"verbose" default:"false" help:"Whether to describe the transactions"`
}

func (a *api) getMempoolAncestors(_ context.Context, p poolFamilyParams) (any, error) {
	all, ok := a.Pool.Ancestors(p.TxID)
	return a.family(all, ok, p.Verbose)
}

func (a *api) getMempoolDescendants(_ context.Context, p poolFamilyParams) (any, error) {
	all, ok := a.Pool.Descendants(p.TxID)
	return a.family(all, ok, p.Verbose)
}

func (a *api) family(all []*mempool.Entry, ok, verbose bool) (any, error) {
	if !ok {
		return nil, notInMempool()
	}
	if !verbose {
		return txids(all), nil
	}
	r := jsonrpc.Map[rpctypes.MempoolEntry]{}
	for _, e := range all {
		if d, ok := a.entry(e.TxID); ok { // it may have left meanwhile
			r = append(r, jsonrpc.Entry[rpctypes.MempoolEntry]{Name: e.TxID.String(), Value: d})
		}
	}
	return r, nil
}

func (a *api) getMempoolCluster(_ context.Context, p poolTxParams) (rpctypes.MempoolCluster, error) {
	r := rpctypes.MempoolCluster{Chunks: []rpctypes.MempoolChunk{}}
	chunks := a.Pool.Cluster(p.TxID)
	if chunks == nil {
		return r, notInMempool()
	}
	for _, c := range chunks {
		r.Weight += c.Weight
		r.TxCount += len(c.Entries)
		r.Chunks = append(r.Chunks, rpctypes.MempoolChunk{Fee: rpctypes.Amount(c.Fee), Weight: c.Weight, TxIDs: txids(c.Entries)})
	}
	return r, nil
}

type outPointParam struct {
	TxID wire.Hash `rpc:"txid" help:"The transaction's id"`
	Vout int       `rpc:"vout" help:"The output's place in it"`
}

type spendingOptions struct {
	MempoolOnly bool `rpc:"mempool_only" default:"true" help:"False would ask an index that this node does not have"`
	ReturnTx    bool `rpc:"return_spending_tx" default:"false" help:"Whether to add the bytes of the transactions"`
}

type spendingParams struct {
	Outputs []outPointParam  `rpc:"outputs" item:"output" help:"The outputs"`
	Options *spendingOptions `rpc:"options,named" help:"What else to tell"`
}

func (a *api) getTxSpendingPrevOut(_ context.Context, p spendingParams) ([]rpctypes.SpendingPrevOut, error) {
	if len(p.Outputs) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, outputs are missing")
	}
	o := spendingOptions{MempoolOnly: true}
	if p.Options != nil {
		o = *p.Options
	}
	r := make([]rpctypes.SpendingPrevOut, len(p.Outputs))
	for i, out := range p.Outputs {
		if out.Vout < 0 {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, vout cannot be negative")
		}
		if out.Vout > math.MaxUint32 {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, vout is out of range")
		}
		r[i] = rpctypes.SpendingPrevOut{TxID: out.TxID, Vout: out.Vout}
		e, ok := a.Pool.Spender(wire.OutPoint{Hash: out.TxID, Index: uint32(out.Vout)})
		switch {
		case ok:
			r[i].Spending = &e.TxID
			if o.ReturnTx {
				r[i].Tx = e.Tx.Bytes()
			}
		case !o.MempoolOnly:
			return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Mempool lacks a relevant spend, and txospenderindex is unavailable.")
		}
	}
	return r, nil
}
