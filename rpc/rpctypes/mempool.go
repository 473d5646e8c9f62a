package rpctypes

import (
	"starling/netsync/txdownload"
	"starling/rpc/jsonrpc"
	"starling/wire"
)

type MempoolInfo struct {
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

type MempoolFees struct {
	Base       Amount `json:"base" help:"what it pays"`
	Modified   Amount `json:"modified" help:"with what prioritisetransaction adds"`
	Ancestor   Amount `json:"ancestor" help:"the modified fees of it and its ancestors"`
	Descendant Amount `json:"descendant" help:"the modified fees of it and its descendants"`
	Chunk      Amount `json:"chunk" help:"the modified fees of its chunk"`
}

// MempoolEntry describes an unconfirmed transaction.
type MempoolEntry struct {
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
	Fees            MempoolFees `json:"fees" help:"in coins"`
	Depends         []wire.Hash `json:"depends" help:"its unconfirmed parents"`
	SpentBy         []wire.Hash `json:"spentby" help:"its unconfirmed children"`
	Replaceable     bool        `json:"bip125-replaceable" help:"whether it or an ancestor says that it may be replaced; any may"`
	Unbroadcast     bool        `json:"unbroadcast" help:"whether no peer has asked for it yet"`
}

type MempoolSequence struct {
	TxIDs    []wire.Hash `json:"txids"`
	Sequence uint64      `json:"mempool_sequence" help:"the number of the next change"`
}

type MempoolChunk struct {
	Fee    Amount      `json:"chunkfee" help:"the modified fees"`
	Weight int64       `json:"chunkweight"`
	TxIDs  []wire.Hash `json:"txs" help:"in the order of a block"`
}

type MempoolCluster struct {
	Weight  int64          `json:"clusterweight" help:"of all together"`
	TxCount int            `json:"txcount"`
	Chunks  []MempoolChunk `json:"chunks" help:"those first that miners take first"`
}

type SpendingPrevOut struct {
	TxID     wire.Hash   `json:"txid" help:"of the output"`
	Vout     int         `json:"vout"`
	Spending *wire.Hash  `json:"spendingtxid,omitempty" help:"the transaction that spends it, if any"`
	Tx       jsonrpc.Hex `json:"spendingtx,omitempty" help:"its bytes, if they were asked for"`
}

type SavedMempool struct {
	File string `json:"filename" help:"the file that was written"`
}

type PrioritisedTx struct {
	Delta    int64  `json:"fee_delta"`
	InPool   bool   `json:"in_mempool"`
	Modified *int64 `json:"modified_fee,omitempty"`
}

type OrphanTx struct {
	TxID   wire.Hash           `json:"txid"`
	WTxID  wire.Hash           `json:"wtxid" help:"the id with witness"`
	Bytes  int                 `json:"bytes" help:"its size"`
	VSize  int                 `json:"vsize" help:"in virtual bytes (BIP141)"`
	Weight int                 `json:"weight"`
	From   []txdownload.PeerID `json:"from" help:"the peers who told of it"`
	Hex    jsonrpc.Hex         `json:"hex,omitempty" help:"its bytes"`
}

type SmartFee struct {
	Rate   *Amount  `json:"feerate,omitempty" help:"in coins for 1,000 virtual bytes"`
	Errors []string `json:"errors,omitempty" help:"why there is none"`
	Blocks int      `json:"blocks" help:"the number of blocks that it is good for"`
}

type FeeRange struct {
	Start     jsonrpc.Float `json:"startrange"`
	End       jsonrpc.Float `json:"endrange"`
	Within    jsonrpc.Float `json:"withintarget"`
	Confirmed jsonrpc.Float `json:"totalconfirmed"`
	InMempool jsonrpc.Float `json:"inmempool"`
	Left      jsonrpc.Float `json:"leftmempool"`
}

type RawFee struct {
	Rate   *Amount       `json:"feerate,omitempty"`
	Decay  jsonrpc.Float `json:"decay"`
	Scale  int           `json:"scale"`
	Pass   *FeeRange     `json:"pass,omitempty"`
	Fail   *FeeRange     `json:"fail,omitempty"`
	Errors []string      `json:"errors,omitempty"`
}

// EffectiveFees says what a transaction pays and what it was judged by.
type EffectiveFees struct {
	Base      Amount      `json:"base" help:"what it pays"`
	Effective *Amount     `json:"effective-feerate,omitempty" help:"what counted, in coins for 1,000 virtual bytes"`
	Includes  []wire.Hash `json:"effective-includes,omitempty" help:"the ids with witness of those that this was computed over"`
}

type TestAccept struct {
	TxID       wire.Hash      `json:"txid"`
	WTxID      wire.Hash      `json:"wtxid" help:"the id with witness"`
	PackageErr string         `json:"package-error,omitempty" help:"why they can not be tested together"`
	Allowed    *bool          `json:"allowed,omitempty" help:"whether it would be taken; left out if they can not be tested together"`
	VSize      int64          `json:"vsize,omitempty" help:"virtual bytes; more if it has many signature operations"`
	Fees       *EffectiveFees `json:"fees,omitempty" help:"if it would be taken"`
	Reason     string         `json:"reject-reason,omitempty" help:"why not"`
	Details    string         `json:"reject-details,omitempty" help:"more about it"`
}

type PackageTx struct {
	TxID  wire.Hash      `json:"txid"`
	Other *wire.Hash     `json:"other-wtxid,omitempty" help:"the id with witness of the same transaction with another witness, which was there before"`
	VSize int64          `json:"vsize,omitempty" help:"virtual bytes; more if it has many signature operations"`
	Fees  *EffectiveFees `json:"fees,omitempty"`
	Error string         `json:"error,omitempty" help:"why it was not taken"`
}

type PackageResult struct {
	Message  string         `json:"package_msg" help:"success, or what is wrong"`
	Txs      jsonrpc.Object `json:"tx-results" help:"what became of each, by id with witness"`
	Replaced []wire.Hash    `json:"replaced-transactions" help:"the ids of those that left for them"`
}
