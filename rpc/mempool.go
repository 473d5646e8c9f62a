package rpc

import (
	"context"

	"starling/mempool"
	"starling/wire"
)

func (a *mempoolAPI) mempoolMethods() []*Method {
	const category = "Blockchain"
	id := "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	several := []Shape{
		{When: "if verbose is false", Like: []wire.Hash{}, Help: "The ids of the transactions"},
		{When: "if verbose is true", Like: Object{}, Help: "Each transaction by id, as getmempoolentry describes it"},
	}
	return []*Method{
		define(Method{Name: "getmempoolinfo", Category: category,
			Summary: "Returns figures of all unconfirmed transactions together."}, a.getMempoolInfo),
		define(Method{Name: "getrawmempool", Category: category,
			Summary:  "Returns all unconfirmed transactions, those first that miners want most.",
			Results:  append(several[:2:2], Shape{When: "if mempool_sequence is true", Like: rawMempoolSequence{}}),
			Examples: [][]any{{}, {true}}}, a.getRawMempool),
		define(Method{Name: "getmempoolentry", Category: category,
			Summary:  "Describes an unconfirmed transaction and how it stands among the others.",
			Examples: [][]any{{id}}}, a.getMempoolEntry),
		define(Method{Name: "getmempoolancestors", Category: category,
			Summary: "Returns the unconfirmed transactions that an unconfirmed one depends on, directly or not.",
			Results: several, Examples: [][]any{{id}}}, a.getMempoolAncestors),
		define(Method{Name: "getmempooldescendants", Category: category,
			Summary: "Returns the unconfirmed transactions that depend on an unconfirmed one, directly or not.",
			Results: several, Examples: [][]any{{id}}}, a.getMempoolDescendants),
		define(Method{Name: "getmempoolcluster", Category: category,
			Summary:  "Returns the unconfirmed transactions that hang together with one, in the groups in which miners\ntake them.",
			Examples: [][]any{{id}}}, a.getMempoolCluster),
		define(Method{Name: "gettxspendingprevout", Category: category,
			Summary:  "Tells which unconfirmed transactions spend the outputs given.",
			Examples: [][]any{{[]any{map[string]any{"txid": id, "vout": 3}}}}}, a.getTxSpendingPrevOut),
	}
}

type mempoolInfo struct {
	Loaded          bool   `json:"loaded" help:"whether the saved mempool has been read"`
	Size            int    `json:"size" help:"number of transactions"`
	Bytes           int64  `json:"bytes" help:"their virtual bytes"`
	Usage           int64  `json:"usage" help:"memory that they take"`
	TotalFee        Amount `json:"total_fee" help:"their fees, without what prioritisetransaction adds"`
	MaxMempool      int64  `json:"maxmempool" help:"the memory that they may take"`
	MinFee          Amount `json:"mempoolminfee" help:"what a transaction must pay now for 1,000 virtual bytes"`
	MinRelayFee     Amount `json:"minrelaytxfee" help:"what one must pay at the least"`
	IncrementalFee  Amount `json:"incrementalrelayfee" help:"what a replacement must pay on top"`
	Unbroadcast     int    `json:"unbroadcastcount" help:"own transactions that no peer has asked for yet"`
	FullRBF         bool   `json:"fullrbf" help:"true: any transaction may be replaced"`
	BareMultiSig    bool   `json:"permitbaremultisig" help:"whether bare multi-signature outputs are taken"`
	DataCarrier     int    `json:"maxdatacarriersize" help:"bytes that OP_RETURN outputs of a transaction may have"`
	MaxClusterCount int    `json:"limitclustercount" help:"transactions that may hang together"`
	MaxClusterVSize int64  `json:"limitclustersize" help:"virtual bytes that may"`
}

func (a *mempoolAPI) getMempoolInfo(context.Context, none) (mempoolInfo, error) {
	i := a.Pool.Info()
	return mempoolInfo{
		Loaded: i.Loaded, Size: i.Count, Bytes: i.VSize, Usage: i.Usage, TotalFee: Amount(i.TotalFee), MaxMempool: i.MaxBytes,
		MinFee: Amount(i.MinFee), MinRelayFee: Amount(i.MinRelayFee), IncrementalFee: Amount(i.Incremental),
		Unbroadcast: i.Unbroadcast, FullRBF: true, BareMultiSig: i.PermitBareMultiSig, DataCarrier: i.DataCarrier,
		MaxClusterCount: i.MaxClusterCount, MaxClusterVSize: i.MaxClusterVSize,
	}, nil
}

type mempoolFees struct {
	Base       Amount `json:"base" help:"what it pays"`
	Modified   Amount `json:"modified" help:"with what prioritisetransaction adds"`
	Ancestor   Amount `json:"ancestor" help:"the modified fees of it and its ancestors"`
	Descendant Amount `json:"descendant" help:"the modified fees of it and its descendants"`
	Chunk      Amount `json:"chunk" help:"the modified fees of its chunk"`
}

// mempoolEntry describes an unconfirmed transaction.
type mempoolEntry struct {
	VSize           int64       `json:"vsize" help:"virtual bytes; more if it has many signature operations"`
	Weight          int64       `json:"weight"`
	Time            int64       `json:"time" help:"when it came"`
	Height          int32       `json:"height" help:"of the tip when it came"`
	DescendantCount int         `json:"descendantcount" help:"those that depend on it, and itself"`
	DescendantSize  int64       `json:"descendantsize" help:"their virtual bytes"`
	AncestorCount   int         `json:"ancestorcount" help:"those that it depends on, and itself"`
	AncestorSize    int64       `json:"ancestorsize" help:"their virtual bytes"`
	ChunkWeight     int64       `json:"chunkweight" help:"weight of those that miners take with it"`
	WTxID           wire.Hash   `json:"wtxid" help:"the id with witness"`
	Fees            mempoolFees `json:"fees" help:"in coins"`
	Depends         []wire.Hash `json:"depends" help:"its unconfirmed parents"`
	SpentBy         []wire.Hash `json:"spentby" help:"its unconfirmed children"`
	Replaceable     bool        `json:"bip125-replaceable" help:"whether it or an ancestor says that it may be replaced; any may"`
	Unbroadcast     bool        `json:"unbroadcast" help:"whether no peer has asked for it yet"`
}

func describeEntry(d *mempool.Details, replaceable bool) mempoolEntry {
	e := d.Entry
	return mempoolEntry{
		VSize: e.VSize, Weight: e.Weight, Time: e.Time.Unix(), Height: e.Height,
		DescendantCount: d.DescendantCount, DescendantSize: d.DescendantSize,
		AncestorCount: d.AncestorCount, AncestorSize: d.AncestorSize,
		ChunkWeight: d.ChunkWeight, WTxID: e.WTxID,
		Fees: mempoolFees{
			Base: Amount(e.Fee), Modified: Amount(e.ModifiedFee), Ancestor: Amount(d.AncestorFees),
			Descendant: Amount(d.DescendantFees), Chunk: Amount(d.ChunkFee),
		},
		Depends: orEmpty(d.Parents), SpentBy: orEmpty(d.Children), Replaceable: replaceable, Unbroadcast: d.Unbroadcast,
	}
}

// orEmpty makes nil an empty list, as JSON tells them apart.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
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
func (a *mempoolAPI) entry(txid wire.Hash) (r mempoolEntry, ok bool) {
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

type rawMempoolSequence struct {
	TxIDs    []wire.Hash `json:"txids"`
	Sequence uint64      `json:"mempool_sequence" help:"the number of the next change"`
}

func (a *mempoolAPI) getRawMempool(_ context.Context, p rawMempoolParams) (any, error) {
	switch {
	case p.Verbose && p.Sequence:
		return nil, Errorf(CodeInvalidParam, "Verbose results cannot contain mempool sequence values.")
	case p.Verbose:
		all := Object{}
		replaceable := map[wire.Hash]bool{}
		a.Pool.Each(func(d mempool.Details) bool {
			r := signals(d.Entry.Tx)
			for _, id := range d.Parents { // they came before
				r = r || replaceable[id]
			}
			replaceable[d.Entry.TxID] = r
			all = append(all, Member{d.Entry.TxID.String(), describeEntry(&d, r)})
			return true
		})
		return all, nil
	}
	// The number is read first: what comes in between is told again.
	seq := a.Pool.Sequence()
	ids := txids(a.Pool.Entries())
	if p.Sequence {
		return rawMempoolSequence{ids, seq}, nil
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

func notInMempool() error { return Errorf(CodeInvalidAddress, "Transaction not in mempool") }

func (a *mempoolAPI) getMempoolEntry(_ context.Context, p poolTxParams) (mempoolEntry, error) {
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

func (a *mempoolAPI) getMempoolAncestors(_ context.Context, p poolFamilyParams) (any, error) {
	all, ok := a.Pool.Ancestors(p.TxID)
	return a.family(all, ok, p.Verbose)
}

func (a *mempoolAPI) getMempoolDescendants(_ context.Context, p poolFamilyParams) (any, error) {
	all, ok := a.Pool.Descendants(p.TxID)
	return a.family(all, ok, p.Verbose)
}

func (a *mempoolAPI) family(all []*mempool.Entry, ok, verbose bool) (any, error) {
	if !ok {
		return nil, notInMempool()
	}
	if !verbose {
		return txids(all), nil
	}
	r := Object{}
	for _, e := range all {
		if d, ok := a.entry(e.TxID); ok { // it may have left meanwhile
			r = append(r, Member{e.TxID.String(), d})
		}
	}
	return r, nil
}

type mempoolChunk struct {
	Fee    Amount      `json:"chunkfee" help:"the modified fees"`
	Weight int64       `json:"chunkweight"`
	TxIDs  []wire.Hash `json:"txs" help:"in the order of a block"`
}

type mempoolCluster struct {
	Weight  int64          `json:"clusterweight" help:"of all together"`
	TxCount int            `json:"txcount"`
	Chunks  []mempoolChunk `json:"chunks" help:"those first that miners take first"`
}

func (a *mempoolAPI) getMempoolCluster(_ context.Context, p poolTxParams) (mempoolCluster, error) {
	r := mempoolCluster{Chunks: []mempoolChunk{}}
	chunks := a.Pool.Cluster(p.TxID)
	if chunks == nil {
		return r, notInMempool()
	}
	for _, c := range chunks {
		r.Weight += c.Weight
		r.TxCount += len(c.Entries)
		r.Chunks = append(r.Chunks, mempoolChunk{Amount(c.Fee), c.Weight, txids(c.Entries)})
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

type spending struct {
	TxID     wire.Hash  `json:"txid" help:"of the output"`
	Vout     int        `json:"vout"`
	Spending *wire.Hash `json:"spendingtxid,omitempty" help:"the transaction that spends it, if any"`
	Tx       Hex        `json:"spendingtx,omitempty" help:"its bytes, if they were asked for"`
}

func (a *mempoolAPI) getTxSpendingPrevOut(_ context.Context, p spendingParams) ([]spending, error) {
	if len(p.Outputs) == 0 {
		return nil, Errorf(CodeInvalidParam, "Invalid parameter, outputs are missing")
	}
	o := spendingOptions{MempoolOnly: true}
	if p.Options != nil {
		o = *p.Options
	}
	r := make([]spending, len(p.Outputs))
	for i, out := range p.Outputs {
		if out.Vout < 0 {
			return nil, Errorf(CodeInvalidParam, "Invalid parameter, vout cannot be negative")
		}
		r[i] = spending{TxID: out.TxID, Vout: out.Vout}
		e, ok := a.Pool.Spender(wire.OutPoint{Hash: out.TxID, Index: uint32(out.Vout)})
		switch {
		case ok:
			r[i].Spending = &e.TxID
			if o.ReturnTx {
				r[i].Tx = e.Tx.Bytes()
			}
		case !o.MempoolOnly:
			return nil, Errorf(CodeMisc, "Mempool lacks a relevant spend, and txospenderindex is unavailable.")
		}
	}
	return r, nil
}
