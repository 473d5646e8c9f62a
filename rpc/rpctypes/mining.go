package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// GeneratedBlock is the result of generateblock.
type GeneratedBlock struct {
	Hash wire.Hash   `json:"hash" help:"the block's hash"`
	Hex  jsonrpc.Hex `json:"hex,omitempty" help:"its bytes; only if it was not submitted"`
}

// MiningInfo is the result of getmininginfo.
type MiningInfo struct {
	Blocks             int32          `json:"blocks" help:"height of the tip"`
	CurrentBlockWeight *int64         `json:"currentblockweight,omitempty" help:"weight of the last block that was assembled here; left out if none was"`
	CurrentBlockTx     *int           `json:"currentblocktx,omitempty" help:"number of transactions in it, its coinbase not counted"`
	Bits               string         `json:"bits" help:"the tip's target in compact form, in hexadecimal digits"`
	Difficulty         jsonrpc.Float  `json:"difficulty" help:"the tip's difficulty, as a multiple of the least one"`
	Target             string         `json:"target" help:"the tip's target, in hexadecimal digits"`
	BlockMinTxFee      Amount         `json:"blockmintxfee" help:"least fee rate of what gets into a block, in coins for 1,000 virtual bytes"`
	NetworkHashPS      jsonrpc.Float  `json:"networkhashps" help:"hashes per second of the network, estimated"`
	PooledTx           int            `json:"pooledtx" help:"number of transactions in the mempool"`
	Chain              string         `json:"chain" help:"the network: main, testnet4, signet, regtest or its own name"`
	Generate           bool           `json:"generate" help:"whether this node searches for blocks"`
	HashesPerSec       *jsonrpc.Float `json:"hashespersec,omitempty" help:"hashes per second of this node while it searches"`
	Next               NextBlock      `json:"next" help:"the block after the tip"`
	SignetChallenge    jsonrpc.Hex    `json:"signet_challenge,omitempty" help:"the script that blocks must satisfy; only on signets"`
	Warnings           []string       `json:"warnings" help:"what the operator should know"`
}

// NextBlock is the block after the tip in the result of getmininginfo.
type NextBlock struct {
	Height     int32         `json:"height" help:"its height"`
	Bits       string        `json:"bits" help:"its target in compact form, in hexadecimal digits"`
	Difficulty jsonrpc.Float `json:"difficulty" help:"its difficulty, as a multiple of the least one"`
	Target     string        `json:"target" help:"its target, in hexadecimal digits"`
}

// TemplateTx is a transaction in the result of getblocktemplate.
type TemplateTx struct {
	Data    jsonrpc.Hex `json:"data" help:"the transaction's bytes"`
	TxID    wire.Hash   `json:"txid" help:"the transaction's id"`
	Hash    wire.Hash   `json:"hash" help:"the id with witness"`
	Depends []int       `json:"depends" help:"places in this list, from 1 on, of what must come before it"`
	Fee     int64       `json:"fee" help:"what it pays, in satoshi"`
	SigOps  int         `json:"sigops" help:"the cost of its signature operations, as sigoplimit counts"`
	Weight  int64       `json:"weight" help:"its weight (BIP141)"`
}

// BlockTemplate is the result of getblocktemplate (BIP22, BIP23, BIP145).
type BlockTemplate struct {
	Capabilities      []string                 `json:"capabilities" help:"what else may be asked for"`
	Version           int32                    `json:"version" help:"the block's version"`
	Rules             []string                 `json:"rules" help:"soft forks in force; one with ! must be understood"`
	VBAvailable       jsonrpc.Map[int]         `json:"vbavailable" key:"name" help:"soft forks that may be signalled, each with its bit"`
	VBRequired        int                      `json:"vbrequired" help:"bits that must be set"`
	PreviousBlockHash wire.Hash                `json:"previousblockhash" help:"hash of the block before it, the tip"`
	Transactions      []TemplateTx             `json:"transactions" help:"what comes after the coinbase, in order"`
	CoinbaseAux       jsonrpc.Map[jsonrpc.Hex] `json:"coinbaseaux" key:"name" help:"data that the coinbase's script should hold"`
	CoinbaseValue     int64                    `json:"coinbasevalue" help:"subsidy and fees, in satoshi"`
	LongPollID        string                   `json:"longpollid" help:"ask with it to wait for something better"`
	Target            string                   `json:"target" help:"the target, in hexadecimal digits"`
	MinTime           int64                    `json:"mintime" help:"the earliest time that the block may have, in seconds since 1970"`
	Mutable           []string                 `json:"mutable" help:"what may be changed"`
	NonceRange        string                   `json:"noncerange" help:"the first and the last nonce to try, in hexadecimal digits"`
	SigOpLimit        int                      `json:"sigoplimit" help:"what the signature operations of the block may cost"`
	SizeLimit         int                      `json:"sizelimit" help:"how large the block may be, in bytes"`
	WeightLimit       int                      `json:"weightlimit,omitempty" help:"what the block may weigh; left out before segwit"`
	CurTime           int64                    `json:"curtime" help:"the time now, in seconds since 1970"`
	Bits              string                   `json:"bits" help:"the target in compact form, in hexadecimal digits"`
	Height            int32                    `json:"height" help:"the block's height"`
	SignetChallenge   jsonrpc.Hex              `json:"signet_challenge,omitempty" help:"the script that the block must satisfy; only on signets"`
	Commitment        jsonrpc.Hex              `json:"default_witness_commitment,omitempty" help:"the output script that commits to the witnesses; left out before segwit"`
}
