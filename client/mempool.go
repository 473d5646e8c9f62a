package client

import (
	"context"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// txArg is a transaction's id.
type txArg struct {
	TxID wire.Hash `json:"txid"`
}

// familyArgs are the arguments of methods about relatives of a transaction.
type familyArgs struct {
	txArg
	Verbose bool `json:"verbose"`
}

// GetMempoolInfo returns figures of all unconfirmed transactions together.
func (c *Client) GetMempoolInfo(ctx context.Context) (rpctypes.MempoolInfo, error) {
	return get[rpctypes.MempoolInfo](ctx, c, "getmempoolinfo", none{})
}

// GetRawMempool returns the ids of all unconfirmed transactions, those first that
// miners want most.
func (c *Client) GetRawMempool(ctx context.Context) ([]wire.Hash, error) {
	return get[[]wire.Hash](ctx, c, "getrawmempool", none{})
}

// GetRawMempoolVerbose describes all unconfirmed transactions, by id.
func (c *Client) GetRawMempoolVerbose(ctx context.Context) (jsonrpc.Map[rpctypes.MempoolEntry], error) {
	return get[jsonrpc.Map[rpctypes.MempoolEntry]](ctx, c, "getrawmempool", struct {
		Verbose bool `json:"verbose"`
	}{true})
}

// GetRawMempoolSequence returns the ids of all unconfirmed transactions, with the
// number of the next change.
func (c *Client) GetRawMempoolSequence(ctx context.Context) (rpctypes.MempoolSequence, error) {
	return get[rpctypes.MempoolSequence](ctx, c, "getrawmempool", struct {
		Sequence bool `json:"mempool_sequence"`
	}{true})
}

// GetMempoolEntry describes an unconfirmed transaction.
func (c *Client) GetMempoolEntry(ctx context.Context, id wire.Hash) (rpctypes.MempoolEntry, error) {
	return get[rpctypes.MempoolEntry](ctx, c, "getmempoolentry", txArg{id})
}

// GetMempoolAncestors returns the ids of the unconfirmed transactions that one
// depends on.
func (c *Client) GetMempoolAncestors(ctx context.Context, id wire.Hash) ([]wire.Hash, error) {
	return get[[]wire.Hash](ctx, c, "getmempoolancestors", familyArgs{txArg{id}, false})
}

// GetMempoolAncestorsVerbose describes them, by id.
func (c *Client) GetMempoolAncestorsVerbose(ctx context.Context, id wire.Hash) (jsonrpc.Map[rpctypes.MempoolEntry], error) {
	return get[jsonrpc.Map[rpctypes.MempoolEntry]](ctx, c, "getmempoolancestors", familyArgs{txArg{id}, true})
}

// GetMempoolDescendants returns the ids of the unconfirmed transactions that
// depend on one.
func (c *Client) GetMempoolDescendants(ctx context.Context, id wire.Hash) ([]wire.Hash, error) {
	return get[[]wire.Hash](ctx, c, "getmempooldescendants", familyArgs{txArg{id}, false})
}

// GetMempoolDescendantsVerbose describes them, by id.
func (c *Client) GetMempoolDescendantsVerbose(ctx context.Context, id wire.Hash) (jsonrpc.Map[rpctypes.MempoolEntry], error) {
	return get[jsonrpc.Map[rpctypes.MempoolEntry]](ctx, c, "getmempooldescendants", familyArgs{txArg{id}, true})
}

// GetMempoolCluster returns the unconfirmed transactions that hang together with
// one, in the groups in which miners take them.
func (c *Client) GetMempoolCluster(ctx context.Context, id wire.Hash) (rpctypes.MempoolCluster, error) {
	return get[rpctypes.MempoolCluster](ctx, c, "getmempoolcluster", txArg{id})
}

// outPoint is an output as arguments name it.
type outPoint struct {
	TxID wire.Hash `json:"txid"`
	Vout uint32    `json:"vout"`
}

func outPoints(ops []wire.OutPoint) []outPoint {
	out := make([]outPoint, len(ops))
	for i, op := range ops {
		out[i] = outPoint{op.Hash, op.Index}
	}
	return out
}

// GetTxSpendingPrevOut tells which unconfirmed transactions spend outputs, with
// their bytes if bytes is set.
func (c *Client) GetTxSpendingPrevOut(ctx context.Context, ops []wire.OutPoint, bytes bool) ([]rpctypes.SpendingPrevOut, error) {
	return get[[]rpctypes.SpendingPrevOut](ctx, c, "gettxspendingprevout", struct {
		Outputs []outPoint `json:"outputs"`
		Bytes   bool       `json:"return_spending_tx"`
	}{outPoints(ops), bytes})
}

// EstimateSmartFee estimates what a transaction must pay to get into one of the
// next blocks. mode is economical, the default, or conservative.
func (c *Client) EstimateSmartFee(ctx context.Context, blocks int, mode string) (rpctypes.SmartFee, error) {
	return get[rpctypes.SmartFee](ctx, c, "estimatesmartfee", struct {
		Blocks int    `json:"conf_target"`
		Mode   string `json:"estimate_mode,omitempty"`
	}{blocks, mode})
}

// EstimateRawFee shows what estimates are based on, by horizon. threshold is the
// share that must have been confirmed in time; 0 means 0.95.
func (c *Client) EstimateRawFee(ctx context.Context, blocks int, threshold float64) (jsonrpc.Map[rpctypes.RawFee], error) {
	return get[jsonrpc.Map[rpctypes.RawFee]](ctx, c, "estimaterawfee", struct {
		Blocks    int     `json:"conf_target"`
		Threshold float64 `json:"threshold,omitempty"`
	}{blocks, threshold})
}

// SaveMempool writes the unconfirmed transactions to disk.
func (c *Client) SaveMempool(ctx context.Context) (rpctypes.SavedMempool, error) {
	return get[rpctypes.SavedMempool](ctx, c, "savemempool", none{})
}

// PrioritiseTransaction lets a transaction count as paying more than it does, or
// less; delta is in satoshi.
func (c *Client) PrioritiseTransaction(ctx context.Context, id wire.Hash, delta int64) (bool, error) {
	return get[bool](ctx, c, "prioritisetransaction", struct {
		txArg
		Delta int64 `json:"fee_delta"`
	}{txArg{id}, delta})
}

// GetPrioritisedTransactions returns what PrioritiseTransaction has set, by id.
func (c *Client) GetPrioritisedTransactions(ctx context.Context) (jsonrpc.Map[rpctypes.PrioritisedTx], error) {
	return get[jsonrpc.Map[rpctypes.PrioritisedTx]](ctx, c, "getprioritisedtransactions", none{})
}

// orphanArgs are the arguments of getorphantxs.
type orphanArgs struct {
	Verbosity int `json:"verbosity"`
}

// GetOrphanTxs returns the ids of the transactions whose parents are not known.
func (c *Client) GetOrphanTxs(ctx context.Context) ([]wire.Hash, error) {
	return get[[]wire.Hash](ctx, c, "getorphantxs", orphanArgs{0})
}

// GetOrphanTxsVerbose describes them, with their bytes if bytes is set.
func (c *Client) GetOrphanTxsVerbose(ctx context.Context, bytes bool) ([]rpctypes.OrphanTx, error) {
	verbosity := 1
	if bytes {
		verbosity = 2
	}
	return get[[]rpctypes.OrphanTx](ctx, c, "getorphantxs", orphanArgs{verbosity})
}

// FeeLimits keep one from paying too much by mistake.
type FeeLimits struct {
	MaxFeeRate *rpctypes.Amount `json:"maxfeerate,omitempty"`    // for 1,000 virtual bytes; nil means 0.10 coins, 0 no limit
	MaxBurn    *rpctypes.Amount `json:"maxburnamount,omitempty"` // in an output that nobody can spend; nil means 0
}

// SendRawTransaction takes a transaction into the mempool and has peers told of
// it. It returns its id.
func (c *Client) SendRawTransaction(ctx context.Context, tx jsonrpc.Hex, o *FeeLimits) (wire.Hash, error) {
	return get[wire.Hash](ctx, c, "sendrawtransaction", struct {
		Tx jsonrpc.Hex `json:"hexstring"`
		*FeeLimits
	}{tx, o})
}

// TestMempoolAccept tells whether transactions would be taken into the mempool,
// each on top of those before it. maxFeeRate is as in [FeeLimits].
func (c *Client) TestMempoolAccept(ctx context.Context, txs []jsonrpc.Hex, maxFeeRate *rpctypes.Amount) ([]rpctypes.TestAccept, error) {
	return get[[]rpctypes.TestAccept](ctx, c, "testmempoolaccept", struct {
		Txs        []jsonrpc.Hex    `json:"rawtxs"`
		MaxFeeRate *rpctypes.Amount `json:"maxfeerate,omitempty"`
	}{txs, maxFeeRate})
}

// SubmitPackage takes a transaction with its unconfirmed parents, which come
// before it, into the mempool.
func (c *Client) SubmitPackage(ctx context.Context, txs []jsonrpc.Hex, o *FeeLimits) (rpctypes.PackageResult, error) {
	return get[rpctypes.PackageResult](ctx, c, "submitpackage", struct {
		Txs []jsonrpc.Hex `json:"package"`
		*FeeLimits
	}{txs, o})
}
