package rpctypes

import (
	"starling/rpc/jsonrpc"
	"starling/wire"
)

// BlockchainInfo is the result of getblockchaininfo.
type BlockchainInfo struct {
	Chain                string        `json:"chain" help:"the network: main, testnet4, signet, regtest or its own name"`
	Blocks               int32         `json:"blocks" help:"height of the tip"`
	Headers              int32         `json:"headers" help:"height of the best header"`
	BestBlockHash        string        `json:"bestblockhash" help:"hash of the tip"`
	Bits                 string        `json:"bits" help:"the tip's target in compact form, in hexadecimal digits"`
	Target               string        `json:"target" help:"the tip's target, in hexadecimal digits"`
	Difficulty           jsonrpc.Float `json:"difficulty" help:"the tip's difficulty, as a multiple of the least one"`
	Time                 int64         `json:"time" help:"the tip's time, in seconds since 1970"`
	MedianTime           int64         `json:"mediantime" help:"median time of the last 11 blocks, in seconds since 1970"`
	VerificationProgress jsonrpc.Float `json:"verificationprogress" help:"how much of the chain is verified, from 0 to 1, estimated"`
	InitialBlockDownload bool          `json:"initialblockdownload" help:"whether the node is in initial block download (IBD), still catching up"`
	ChainWork            string        `json:"chainwork" help:"work in the best chain, in hexadecimal digits"`
	SizeOnDisk           int64         `json:"size_on_disk" help:"size of the block and undo files in bytes"`
	Pruned               bool          `json:"pruned" help:"whether old blocks are deleted"`
	PruneHeight          *int32        `json:"pruneheight,omitempty" help:"height of the first block that is still stored; only if pruned"`
	AutomaticPruning     *bool         `json:"automatic_pruning,omitempty" help:"whether blocks are deleted without being told; only if pruned"`
	PruneTargetSize      *int64        `json:"prune_target_size,omitempty" help:"the size to stay below, in bytes; only if pruning is automatic"`
	SignetChallenge      jsonrpc.Hex   `json:"signet_challenge,omitempty" help:"the script that blocks must satisfy; only on signets"`
	Warnings             []string      `json:"warnings" help:"what the operator should know"`
}

// BlockHeader is a result of getblockheader, and the beginning of one of
// getblock.
type BlockHeader struct {
	Hash          string        `json:"hash" help:"the block's hash"`
	Confirmations int32         `json:"confirmations" help:"blocks from this one to the tip, both counted; -1 if it is not in the best chain"`
	Height        int32         `json:"height" help:"the block's height; the genesis block has 0"`
	Version       int32         `json:"version" help:"the block's version"`
	VersionHex    string        `json:"versionHex" help:"the version in hexadecimal digits"`
	MerkleRoot    string        `json:"merkleroot" help:"root of the merkle tree of the transactions' ids"`
	Time          int64         `json:"time" help:"the block's time, in seconds since 1970"`
	MedianTime    int64         `json:"mediantime" help:"median time of the 11 blocks that end with this one, in seconds since 1970"`
	Nonce         uint32        `json:"nonce" help:"the number that was found in the search for work"`
	Bits          string        `json:"bits" help:"the target in compact form, in hexadecimal digits"`
	Target        string        `json:"target" help:"the target, in hexadecimal digits"`
	Difficulty    jsonrpc.Float `json:"difficulty" help:"the difficulty, as a multiple of the least one"`
	ChainWork     string        `json:"chainwork" help:"work in the chain up to this block, in hexadecimal digits"`
	NTx           uint32        `json:"nTx" help:"number of transactions; 0 if the block is not stored"`
	Previous      *string       `json:"previousblockhash,omitempty" help:"hash of the block before it; only the genesis block has none"`
	Next          *string       `json:"nextblockhash,omitempty" help:"hash of the block after it in the best chain; left out for the tip and outside that chain"`
}

// BlockSizes is what [Block] and [BlockWithTxs], results of getblock, share.
type BlockSizes struct {
	BlockHeader
	StrippedSize int `json:"strippedsize" help:"size in bytes without witnesses"`
	Size         int `json:"size" help:"size in bytes"`
	Weight       int `json:"weight" help:"weight (BIP141)"`
}

// Block is the result of getblock with verbosity 1.
type Block struct {
	BlockSizes
	Tx []wire.Hash `json:"tx" help:"ids of the transactions, in order"`
}

// BlockWithTxs is the result of getblock with verbosity 2 or 3.
type BlockWithTxs struct {
	BlockSizes
	Tx []Tx `json:"tx" help:"the transactions, in order"`
}

// DeploymentInfo is the result of getdeploymentinfo.
type DeploymentInfo struct {
	Hash        string                  `json:"hash" help:"hash of the block looked at"`
	Height      int32                   `json:"height" help:"its height"`
	ScriptFlags []string                `json:"script_flags" help:"the script rules in force in that block"`
	Deployments jsonrpc.Map[Deployment] `json:"deployments" key:"name" help:"each soft fork by name"`
}

// Deployment is a soft fork in the result of getdeploymentinfo.
type Deployment struct {
	Type   string `json:"type" help:"buried: its height is history"`
	Active bool   `json:"active" help:"whether it is in force in the block after the one looked at"`
	Height int32  `json:"height" help:"height of the first block in which it is"`
}

// Tip is the result of waitfornewblock, waitforblock and waitforblockheight.
type Tip struct {
	Hash   wire.Hash `json:"hash" help:"hash of the tip"`
	Height int32     `json:"height" help:"its height"`
}

// UnspentOutput is the result of gettxout.
type UnspentOutput struct {
	BestBlock     string `json:"bestblock" help:"hash of the tip that the answer belongs to"`
	Confirmations int32  `json:"confirmations" help:"blocks from that of the output to the tip, both counted; 0 if it is unconfirmed"`
	Value         Amount `json:"value" help:"its amount, in coins"`
	Script        Script `json:"scriptPubKey" help:"the script that it pays to"`
	Coinbase      bool   `json:"coinbase" help:"whether a coinbase made it"`
}

// TxOutSetInfo is the result of gettxoutsetinfo.
type TxOutSetInfo struct {
	Height       int32      `json:"height" help:"height of the block that the answer belongs to"`
	BestBlock    wire.Hash  `json:"bestblock" help:"hash of that block"`
	TxOuts       int64      `json:"txouts" help:"number of unspent outputs (UTXOs)"`
	BogoSize     int64      `json:"bogosize" help:"a measure of size that does not depend on the database"`
	Serialized   *wire.Hash `json:"hash_serialized_3,omitempty" help:"hash of the set in order; only for hash_type hash_serialized_3"`
	Muhash       *wire.Hash `json:"muhash,omitempty" help:"hash of the set in any order; only for hash_type muhash"`
	TotalAmount  Amount     `json:"total_amount" help:"sum of the outputs, in coins"`
	Transactions int64      `json:"transactions" help:"number of transactions with unspent outputs"`
	DiskSize     uint64     `json:"disk_size" help:"about the size of the set on disk, in bytes"`
}

// ScannedCoin is an output in the result of scantxoutset.
type ScannedCoin struct {
	TxID          wire.Hash   `json:"txid" help:"id of the transaction that made it"`
	Vout          uint32      `json:"vout" help:"the output's place in that transaction"`
	Script        jsonrpc.Hex `json:"scriptPubKey" help:"the script that it pays to"`
	Desc          string      `json:"desc" help:"a descriptor of the script"`
	Amount        Amount      `json:"amount" help:"its amount, in coins"`
	Coinbase      bool        `json:"coinbase" help:"whether a coinbase made it"`
	Height        int32       `json:"height" help:"height of the block that made it"`
	BlockHash     wire.Hash   `json:"blockhash" help:"hash of that block"`
	Confirmations int32       `json:"confirmations" help:"blocks from that one to the tip, both counted"`
}

// ScanResult is the result of scantxoutset when a scan is started.
type ScanResult struct {
	Success     bool          `json:"success" help:"whether the scan came to its end"`
	TxOuts      int64         `json:"txouts" help:"number of outputs looked at"`
	Height      int32         `json:"height" help:"height of the block that the answer belongs to"`
	BestBlock   wire.Hash     `json:"bestblock" help:"hash of that block"`
	Unspents    []ScannedCoin `json:"unspents" help:"the unspent outputs that were found"`
	TotalAmount Amount        `json:"total_amount" help:"sum of what was found, in coins"`
}

// ScanProgress is the result of scantxoutset while a scan runs.
type ScanProgress struct {
	Progress int `json:"progress" help:"about how much is done, in percent"`
}

// BlockFilter is the result of getblockfilter.
type BlockFilter struct {
	Filter jsonrpc.Hex `json:"filter" help:"the filter"`
	Header wire.Hash   `json:"header" help:"what chains it to the filters of the blocks before"`
}

// BlockScan is the result of scanblocks when a scan is started.
type BlockScan struct {
	From      int32       `json:"from_height" help:"height of the first block looked at"`
	To        int32       `json:"to_height" help:"height of the last block looked at"`
	Relevant  []wire.Hash `json:"relevant_blocks" help:"hashes of the blocks that may have something"`
	Completed bool        `json:"completed" help:"whether the scan came to its end"`
}

// BlockScanProgress is the result of scanblocks while a scan runs.
type BlockScanProgress struct {
	Progress int   `json:"progress" help:"how much is done, in percent"`
	Height   int32 `json:"current_height" help:"height of the block that is looked at"`
}

// ChainTip is the end of a branch in the result of getchaintips.
type ChainTip struct {
	Height    int32     `json:"height" help:"height of the branch's last block"`
	Hash      wire.Hash `json:"hash" help:"hash of that block"`
	BranchLen int32     `json:"branchlen" help:"number of blocks between it and the best chain; 0 for the tip"`
	Status    string    `json:"status" help:"active, valid-fork, valid-headers, headers-only or invalid"`
}
