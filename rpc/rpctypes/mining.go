package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wire"
)

type GeneratedBlock struct {
	Hash wire.Hash   `json:"hash" help:"the block's hash"`
	Hex  jsonrpc.Hex `json:"hex,omitempty" help:"its bytes, if it was not submitted"`
}

type MiningInfo struct {
	Blocks             int32          `json:"blocks" help:"height of the tip"`
	CurrentBlockWeight *int64         `json:"currentblockweight,omitempty" help:"weight of the last block that was assembled here"`
	CurrentBlockTx     *int           `json:"currentblocktx,omitempty" help:"transactions in it"`
	Bits               string         `json:"bits" help:"the tip's target in compact form"`
	Difficulty         jsonrpc.Float  `json:"difficulty"`
	Target             string         `json:"target" help:"the tip's target"`
	BlockMinTxFee      Amount         `json:"blockmintxfee" help:"least fee rate of what gets into a block, for 1,000 virtual bytes"`
	NetworkHashPS      jsonrpc.Float  `json:"networkhashps" help:"hashes per second of the network, estimated"`
	PooledTx           int            `json:"pooledtx" help:"transactions that wait to be mined"`
	Chain              string         `json:"chain"`
	Generate           bool           `json:"generate" help:"whether this node searches for blocks"`
	HashesPerSec       *jsonrpc.Float `json:"hashespersec,omitempty" help:"hashes per second of this node while it searches"`
	Next               NextBlock      `json:"next" help:"the block after the tip"`
	SignetChallenge    jsonrpc.Hex    `json:"signet_challenge,omitempty" help:"the script that blocks must satisfy"`
	Warnings           []string       `json:"warnings"`
}

type NextBlock struct {
	Height     int32         `json:"height"`
	Bits       string        `json:"bits"`
	Difficulty jsonrpc.Float `json:"difficulty"`
	Target     string        `json:"target"`
}

type TemplateTx struct {
	Data    jsonrpc.Hex `json:"data" help:"its bytes"`
	TxID    wire.Hash   `json:"txid"`
	Hash    wire.Hash   `json:"hash" help:"its hash with witnesses"`
	Depends []int       `json:"depends" help:"places in this list, from 1 on, of what must come before it"`
	Fee     int64       `json:"fee" help:"what it pays, in satoshi"`
	SigOps  int         `json:"sigops" help:"the cost of its signature operations, as sigoplimit counts"`
	Weight  int64       `json:"weight"`
}

type BlockTemplate struct {
	Capabilities      []string       `json:"capabilities"`
	Version           int32          `json:"version" help:"of the block"`
	Rules             []string       `json:"rules" help:"soft forks in force; one with ! must be understood"`
	VBAvailable       jsonrpc.Object `json:"vbavailable" help:"bits of soft forks that may be signalled"`
	VBRequired        int            `json:"vbrequired" help:"bits that must be set"`
	PreviousBlockHash wire.Hash      `json:"previousblockhash"`
	Transactions      []TemplateTx   `json:"transactions" help:"what comes after the coinbase"`
	CoinbaseAux       jsonrpc.Object `json:"coinbaseaux"`
	CoinbaseValue     int64          `json:"coinbasevalue" help:"subsidy and fees, in satoshi"`
	LongPollID        string         `json:"longpollid" help:"ask with it to wait for something better"`
	Target            string         `json:"target"`
	MinTime           int64          `json:"mintime" help:"the earliest time that the block may have, in seconds since 1970"`
	Mutable           []string       `json:"mutable" help:"what may be changed"`
	NonceRange        string         `json:"noncerange"`
	SigOpLimit        int            `json:"sigoplimit"`
	SizeLimit         int            `json:"sizelimit" help:"in bytes"`
	WeightLimit       int            `json:"weightlimit,omitempty"`
	CurTime           int64          `json:"curtime" help:"the time now, in seconds since 1970"`
	Bits              string         `json:"bits" help:"the target in compact form"`
	Height            int32          `json:"height"`
	SignetChallenge   jsonrpc.Hex    `json:"signet_challenge,omitempty" help:"the script that the block must satisfy"`
	Commitment        jsonrpc.Hex    `json:"default_witness_commitment,omitempty" help:"the output script that commits to the witnesses"`
}
