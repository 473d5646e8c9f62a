package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// MempoolInfo is the result of getmempoolinfo.
type MempoolInfo struct {
	Loaded          bool   `json:"loaded" help:"whether the saved mempool has been read"`
	Size            int    `json:"size" help:"number of transactions"`
	Bytes           int64  `json:"bytes" help:"sum of their sizes, in virtual bytes"`
	Usage           int64  `json:"usage" help:"memory that they take, in bytes"`
	TotalFee        Amount `json:"total_fee" help:"sum of their fees without what prioritisetransaction adds, in coins"`
	MaxMempool      int64  `json:"maxmempool" help:"memory that they may take, in bytes"`
	MinFee          Amount `json:"mempoolminfee" help:"least fee rate that gets in now, in coins for 1,000 virtual bytes"`
	MinRelayFee     Amount `json:"minrelaytxfee" help:"least fee rate that ever gets in, in coins for 1,000 virtual bytes"`
	IncrementalFee  Amount `json:"incrementalrelayfee" help:"what a replacement must pay on top, in coins for 1,000 virtual bytes"`
	Unbroadcast     int    `json:"unbroadcastcount" help:"number of own transactions that no peer has asked for yet"`
	FullRBF         bool   `json:"fullrbf" help:"true: any transaction may be replaced"`
	BareMultiSig    bool   `json:"permitbaremultisig" help:"whether bare multi-signature outputs are taken"`
	DataCarrier     int    `json:"maxdatacarriersize" help:"how many bytes the OP_RETURN outputs of a transaction may have"`
	MaxClusterCount int    `json:"limitclustercount" help:"how many transactions may hang together"`
	MaxClusterVSize int64  `json:"limitclustersize" help:"how many virtual bytes may hang together"`
}

// MempoolFees is what an unconfirmed transaction pays, in a [MempoolEntry].
type MempoolFees struct {
	Base       Amount `json:"base" help:"what it pays, in coins"`
	Modified   Amount `json:"modified" help:"the same with what prioritisetransaction adds, in coins"`
	Ancestor   Amount `json:"ancestor" help:"the modified fees of it and its ancestors, in coins"`
	Descendant Amount `json:"descendant" help:"the modified fees of it and its descendants, in coins"`
	Chunk      Amount `json:"chunk" help:"the modified fees of its chunk, in coins"`
}

// MempoolEntry describes an unconfirmed transaction: the result of
// getmempoolentry and, for each transaction, a result of getrawmempool,
// getmempoolancestors and getmempooldescendants.
type MempoolEntry struct {
	VSize           int64       `json:"vsize" help:"its size in virtual bytes; more if it has many signature operations"`
	Weight          int64       `json:"weight" help:"its weight (BIP141)"`
	Time            int64       `json:"time" help:"when it came, in seconds since 1970"`
	Height          int32       `json:"height" help:"height of the tip when it came"`
	DescendantCount int         `json:"descendantcount" help:"number of those that depend on it, itself counted"`
	DescendantSize  int64       `json:"descendantsize" help:"sum of their sizes, in virtual bytes"`
	AncestorCount   int         `json:"ancestorcount" help:"number of those that it depends on, itself counted"`
	AncestorSize    int64       `json:"ancestorsize" help:"sum of their sizes, in virtual bytes"`
	ChunkWeight     int64       `json:"chunkweight" help:"weight of its chunk, those that miners take together with it"`
	WTxID           wire.Hash   `json:"wtxid" help:"the id with witness"`
	Fees            MempoolFees `json:"fees" help:"what it and its relatives pay"`
	Depends         []wire.Hash `json:"depends" help:"ids of its unconfirmed parents"`
	SpentBy         []wire.Hash `json:"spentby" help:"ids of its unconfirmed children"`
	Replaceable     bool        `json:"bip125-replaceable" help:"whether it or an ancestor says that it may be replaced; any may"`
	Unbroadcast     bool        `json:"unbroadcast" help:"whether no peer has asked for it yet"`
}

// MempoolSequence is the result of getrawmempool with mempool_sequence.
type MempoolSequence struct {
	TxIDs    []wire.Hash `json:"txids" help:"ids of the unconfirmed transactions"`
	Sequence uint64      `json:"mempool_sequence" help:"the number of the next change"`
}

// MempoolChunk is a group of transactions in the result of getmempoolcluster.
type MempoolChunk struct {
	Fee    Amount      `json:"chunkfee" help:"sum of the modified fees, in coins"`
	Weight int64       `json:"chunkweight" help:"sum of the weights"`
	TxIDs  []wire.Hash `json:"txs" help:"ids of its transactions, in the order of a block"`
}

// MempoolCluster is the result of getmempoolcluster.
type MempoolCluster struct {
	Weight  int64          `json:"clusterweight" help:"sum of the weights of all its transactions"`
	TxCount int            `json:"txcount" help:"number of its transactions"`
	Chunks  []MempoolChunk `json:"chunks" help:"its chunks, those first that miners take first"`
}

// SpendingPrevOut is an output in the result of gettxspendingprevout.
type SpendingPrevOut struct {
	TxID     wire.Hash   `json:"txid" help:"id of the transaction that made the output"`
	Vout     int         `json:"vout" help:"the output's place in that transaction"`
	Spending *wire.Hash  `json:"spendingtxid,omitempty" help:"id of the unconfirmed transaction that spends it; left out if none does"`
	Tx       jsonrpc.Hex `json:"spendingtx,omitempty" help:"bytes of that transaction; only if they were asked for"`
}

// SavedMempool is the result of savemempool.
type SavedMempool struct {
	File string `json:"filename" help:"path of the file that was written"`
}

// PrioritisedTx is what prioritisetransaction has set for a transaction, in the
// result of getprioritisedtransactions.
type PrioritisedTx struct {
	Delta    int64  `json:"fee_delta" help:"what is added to its fee, in satoshi; below zero if it counts less"`
	InPool   bool   `json:"in_mempool" help:"whether it is in the mempool"`
	Modified *int64 `json:"modified_fee,omitempty" help:"its fee with what is added, in satoshi; only if it is in the mempool"`
}

// OrphanTx is a transaction whose parents are not known, in the result of
// getorphantxs.
type OrphanTx struct {
	TxID   wire.Hash   `json:"txid" help:"the transaction's id"`
	WTxID  wire.Hash   `json:"wtxid" help:"the id with witness"`
	Bytes  int         `json:"bytes" help:"its size in bytes"`
	VSize  int         `json:"vsize" help:"its size in virtual bytes (BIP141)"`
	Weight int         `json:"weight" help:"its weight (BIP141)"`
	From   []uint64    `json:"from" help:"ids of the peers who told of it, as getpeerinfo gives them"`
	Hex    jsonrpc.Hex `json:"hex,omitempty" help:"its bytes; only for verbosity 2"`
}

// SmartFee is the result of estimatesmartfee.
type SmartFee struct {
	Rate   *Amount  `json:"feerate,omitempty" help:"the fee rate in coins for 1,000 virtual bytes; left out if there is no estimate"`
	Errors []string `json:"errors,omitempty" help:"why there is none"`
	Blocks int      `json:"blocks" help:"within how many blocks the estimate confirms"`
}

// FeeRange is a range of fee rates in a [RawFee]: how those that paid so much
// fared. Older ones count less, so that numbers need not be whole.
type FeeRange struct {
	Start     jsonrpc.Float `json:"startrange" help:"the lowest fee rate of the range, in satoshi for 1,000 virtual bytes"`
	End       jsonrpc.Float `json:"endrange" help:"the highest, in satoshi for 1,000 virtual bytes"`
	Within    jsonrpc.Float `json:"withintarget" help:"number of transactions that were confirmed in time"`
	Confirmed jsonrpc.Float `json:"totalconfirmed" help:"number of those that were confirmed at all"`
	InMempool jsonrpc.Float `json:"inmempool" help:"number of those in the mempool that have waited for longer"`
	Left      jsonrpc.Float `json:"leftmempool" help:"number of those that left unconfirmed after longer"`
}

// RawFee is a horizon in the result of estimaterawfee.
type RawFee struct {
	Rate   *Amount       `json:"feerate,omitempty" help:"the fee rate in coins for 1,000 virtual bytes; left out if there is no estimate"`
	Decay  jsonrpc.Float `json:"decay" help:"what older transactions count after each block, from 0 to 1"`
	Scale  int           `json:"scale" help:"by how many blocks targets are told apart"`
	Pass   *FeeRange     `json:"pass,omitempty" help:"the lowest range that satisfies the threshold; left out if none does"`
	Fail   *FeeRange     `json:"fail,omitempty" help:"the highest range that does not; left out if all do"`
	Errors []string      `json:"errors,omitempty" help:"why there is no estimate"`
}

// EffectiveFees says what a transaction pays and what it was judged by, in the
// results of testmempoolaccept and submitpackage.
type EffectiveFees struct {
	Base      Amount      `json:"base" help:"what it pays, in coins"`
	Effective *Amount     `json:"effective-feerate,omitempty" help:"the fee rate that counted, in coins for 1,000 virtual bytes; left out if it was there before"`
	Includes  []wire.Hash `json:"effective-includes,omitempty" help:"ids with witness of those that this was computed over"`
}

// TestAccept is a transaction in the result of testmempoolaccept.
type TestAccept struct {
	TxID       wire.Hash      `json:"txid" help:"the transaction's id"`
	WTxID      wire.Hash      `json:"wtxid" help:"the id with witness"`
	PackageErr string         `json:"package-error,omitempty" help:"why they can not be tested together"`
	Allowed    *bool          `json:"allowed,omitempty" help:"whether it would be taken; left out if they can not be tested together"`
	VSize      int64          `json:"vsize,omitempty" help:"its size in virtual bytes, more if it has many signature operations; only if it would be taken"`
	Fees       *EffectiveFees `json:"fees,omitempty" help:"what it pays; only if it would be taken"`
	Reason     string         `json:"reject-reason,omitempty" help:"why it would not be taken, in a word or two"`
	Details    string         `json:"reject-details,omitempty" help:"more about that"`
}

// PackageTx is a transaction in the result of submitpackage.
type PackageTx struct {
	TxID  wire.Hash      `json:"txid" help:"the transaction's id"`
	Other *wire.Hash     `json:"other-wtxid,omitempty" help:"id with witness of the same transaction with another witness, which was there before"`
	VSize int64          `json:"vsize,omitempty" help:"its size in virtual bytes, more if it has many signature operations; only if it was taken"`
	Fees  *EffectiveFees `json:"fees,omitempty" help:"what it pays; only if it was taken"`
	Error string         `json:"error,omitempty" help:"why it was not taken"`
}

// PackageResult is the result of submitpackage.
type PackageResult struct {
	Message  string                 `json:"package_msg" help:"success, or what is wrong"`
	Txs      jsonrpc.Map[PackageTx] `json:"tx-results" key:"wtxid" help:"what became of each, by id with witness"`
	Replaced []wire.Hash            `json:"replaced-transactions" help:"ids of those that left for them"`
}
