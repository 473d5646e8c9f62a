package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wire"
)

type BlockchainInfo struct {
	Chain                string        `json:"chain" help:"the network: main, testnet4, signet, regtest or its own name"`
	Blocks               int32         `json:"blocks" help:"height of the tip"`
	Headers              int32         `json:"headers" help:"height of the best header"`
	BestBlockHash        string        `json:"bestblockhash" help:"hash of the tip"`
	Bits                 string        `json:"bits" help:"the tip's target in compact form"`
	Target               string        `json:"target" help:"the tip's target"`
	Difficulty           jsonrpc.Float `json:"difficulty" help:"the tip's difficulty"`
	Time                 int64         `json:"time" help:"the tip's time, in seconds since 1970"`
	MedianTime           int64         `json:"mediantime" help:"median time of the last 11 blocks"`
	VerificationProgress jsonrpc.Float `json:"verificationprogress" help:"how much of the chain is verified, from 0 to 1, estimated"`
	InitialBlockDownload bool          `json:"initialblockdownload" help:"whether the node is still catching up"`
	ChainWork            string        `json:"chainwork" help:"work in the best chain, in hexadecimal digits"`
	SizeOnDisk           int64         `json:"size_on_disk" help:"size of the block and undo files in bytes"`
	Pruned               bool          `json:"pruned" help:"whether old blocks are deleted"`
	PruneHeight          *int32        `json:"pruneheight,omitempty" help:"the first block that is still stored"`
	AutomaticPruning     *bool         `json:"automatic_pruning,omitempty" help:"whether blocks are deleted without being told"`
	PruneTargetSize      *int64        `json:"prune_target_size,omitempty" help:"the size to stay below, in bytes"`
	SignetChallenge      jsonrpc.Hex   `json:"signet_challenge,omitempty" help:"the script that blocks must satisfy"`
	Warnings             []string      `json:"warnings" help:"what the operator should know"`
}

type BlockHeader struct {
	Hash          string        `json:"hash" help:"the block's hash"`
	Confirmations int32         `json:"confirmations" help:"blocks from this one to the tip, both counted; -1 if it is not in the best chain"`
	Height        int32         `json:"height"`
	Version       int32         `json:"version"`
	VersionHex    string        `json:"versionHex" help:"the version in hexadecimal digits"`
	MerkleRoot    string        `json:"merkleroot"`
	Time          int64         `json:"time" help:"seconds since 1970"`
	MedianTime    int64         `json:"mediantime" help:"median time of the 11 blocks that end with this one"`
	Nonce         uint32        `json:"nonce"`
	Bits          string        `json:"bits" help:"the target in compact form"`
	Target        string        `json:"target" help:"the target"`
	Difficulty    jsonrpc.Float `json:"difficulty"`
	ChainWork     string        `json:"chainwork" help:"work in the chain up to this block, in hexadecimal digits"`
	NTx           uint32        `json:"nTx" help:"number of transactions; 0 if the block is not stored"`
	Previous      *string       `json:"previousblockhash,omitempty"`
	Next          *string       `json:"nextblockhash,omitempty"`
}

type BlockSizes struct {
	BlockHeader
	StrippedSize int `json:"strippedsize" help:"size in bytes without witnesses"`
	Size         int `json:"size" help:"size in bytes"`
	Weight       int `json:"weight" help:"weight (BIP141)"`
}

type Block struct {
	BlockSizes
	Tx []wire.Hash `json:"tx" help:"the ids of the transactions"`
}

type BlockWithTxs struct {
	BlockSizes
	Tx []Tx `json:"tx" help:"the transactions"`
}

type DeploymentInfo struct {
	Hash        string         `json:"hash" help:"the block looked at"`
	Height      int32          `json:"height"`
	ScriptFlags []string       `json:"script_flags" help:"the script rules in force in the block"`
	Deployments jsonrpc.Object `json:"deployments" help:"each soft fork by name"`
}

type Deployment struct {
	Type   string `json:"type"`
	Active bool   `json:"active"`
	Height int32  `json:"height"`
}

type Tip struct {
	Hash   wire.Hash `json:"hash" help:"the tip"`
	Height int32     `json:"height" help:"its height"`
}

type UnspentOutput struct {
	BestBlock     string `json:"bestblock" help:"the tip"`
	Confirmations int32  `json:"confirmations" help:"0 if it is unconfirmed"`
	Value         Amount `json:"value" help:"in coins"`
	Script        Script `json:"scriptPubKey"`
	Coinbase      bool   `json:"coinbase" help:"whether a coinbase made it"`
}

type TxOutSetInfo struct {
	Height       int32      `json:"height" help:"of the block that the answer belongs to"`
	BestBlock    wire.Hash  `json:"bestblock" help:"that block"`
	TxOuts       int64      `json:"txouts" help:"number of unspent outputs"`
	BogoSize     int64      `json:"bogosize" help:"a measure of size that does not depend on the database"`
	Serialized   *wire.Hash `json:"hash_serialized_3,omitempty" help:"hash of the set in order"`
	Muhash       *wire.Hash `json:"muhash,omitempty" help:"hash of the set in any order"`
	TotalAmount  Amount     `json:"total_amount" help:"in coins"`
	Transactions int64      `json:"transactions" help:"transactions with unspent outputs"`
	DiskSize     uint64     `json:"disk_size" help:"about the size of the set on disk in bytes"`
}

type ScannedCoin struct {
	TxID          wire.Hash   `json:"txid"`
	Vout          uint32      `json:"vout"`
	Script        jsonrpc.Hex `json:"scriptPubKey"`
	Desc          string      `json:"desc" help:"a descriptor of the script"`
	Amount        Amount      `json:"amount" help:"in coins"`
	Coinbase      bool        `json:"coinbase"`
	Height        int32       `json:"height"`
	BlockHash     wire.Hash   `json:"blockhash"`
	Confirmations int32       `json:"confirmations"`
}

type ScanResult struct {
	Success     bool          `json:"success" help:"whether the scan came to its end"`
	TxOuts      int64         `json:"txouts" help:"outputs looked at"`
	Height      int32         `json:"height"`
	BestBlock   wire.Hash     `json:"bestblock"`
	Unspents    []ScannedCoin `json:"unspents"`
	TotalAmount Amount        `json:"total_amount" help:"of all that was found, in coins"`
}

type ScanProgress struct {
	Progress int `json:"progress" help:"about how much is done, in percent"`
}

type ChainTip struct {
	Height    int32     `json:"height"`
	Hash      wire.Hash `json:"hash"`
	BranchLen int32     `json:"branchlen" help:"blocks between the tip and the best chain"`
	Status    string    `json:"status" help:"active, valid-fork, valid-headers, headers-only or invalid"`
}
