package client

import (
	"context"
	"time"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// hashArg is a block's hash as most methods have it.
type hashArg struct {
	Hash wire.Hash `json:"blockhash"`
}

// GetBlockchainInfo tells how far the node is and what it knows of the chain.
func (c *Client) GetBlockchainInfo(ctx context.Context) (rpctypes.BlockchainInfo, error) {
	return get[rpctypes.BlockchainInfo](ctx, c, "getblockchaininfo", none{})
}

// GetBlockCount returns the height of the tip.
func (c *Client) GetBlockCount(ctx context.Context) (int32, error) {
	return get[int32](ctx, c, "getblockcount", none{})
}

// GetBestBlockHash returns the hash of the tip.
func (c *Client) GetBestBlockHash(ctx context.Context) (wire.Hash, error) {
	return get[wire.Hash](ctx, c, "getbestblockhash", none{})
}

// GetBlockHash returns the hash of the block at a height of the best chain.
func (c *Client) GetBlockHash(ctx context.Context, height int32) (wire.Hash, error) {
	return get[wire.Hash](ctx, c, "getblockhash", struct {
		Height int32 `json:"height"`
	}{height})
}

// headerArgs are the arguments of getblockheader.
type headerArgs struct {
	hashArg
	Verbose bool `json:"verbose"`
}

// GetBlockHeader describes the header of a block.
func (c *Client) GetBlockHeader(ctx context.Context, hash wire.Hash) (rpctypes.BlockHeader, error) {
	return get[rpctypes.BlockHeader](ctx, c, "getblockheader", headerArgs{hashArg{hash}, true})
}

// GetBlockHeaderHex returns the 80 bytes of a block's header.
func (c *Client) GetBlockHeaderHex(ctx context.Context, hash wire.Hash) (jsonrpc.Hex, error) {
	return get[jsonrpc.Hex](ctx, c, "getblockheader", headerArgs{hashArg{hash}, false})
}

// blockArgs are the arguments of getblock.
type blockArgs struct {
	hashArg
	Verbosity int `json:"verbosity"`
}

// GetBlock describes a block, with the ids of its transactions.
func (c *Client) GetBlock(ctx context.Context, hash wire.Hash) (rpctypes.Block, error) {
	return get[rpctypes.Block](ctx, c, "getblock", blockArgs{hashArg{hash}, 1})
}

// GetBlockHex returns a block's bytes.
func (c *Client) GetBlockHex(ctx context.Context, hash wire.Hash) (jsonrpc.Hex, error) {
	return get[jsonrpc.Hex](ctx, c, "getblock", blockArgs{hashArg{hash}, 0})
}

// GetBlockTxs describes a block and its transactions; with prevouts set also the
// outputs that they spend.
func (c *Client) GetBlockTxs(ctx context.Context, hash wire.Hash, prevouts bool) (rpctypes.BlockWithTxs, error) {
	verbosity := 2
	if prevouts {
		verbosity = 3
	}
	return get[rpctypes.BlockWithTxs](ctx, c, "getblock", blockArgs{hashArg{hash}, verbosity})
}

// GetDifficulty returns the difficulty of the tip as a multiple of the least one.
func (c *Client) GetDifficulty(ctx context.Context) (jsonrpc.Float, error) {
	return get[jsonrpc.Float](ctx, c, "getdifficulty", none{})
}

// GetDeploymentInfo tells which soft forks are in force at a block; nil is the
// tip.
func (c *Client) GetDeploymentInfo(ctx context.Context, at *wire.Hash) (rpctypes.DeploymentInfo, error) {
	return get[rpctypes.DeploymentInfo](ctx, c, "getdeploymentinfo", struct {
		At *wire.Hash `json:"blockhash,omitempty"`
	}{at})
}

// WaitForNewBlock waits until the tip is another than the one known, nil for the
// present one, or until the time is up; 0 is for ever. It returns the tip.
func (c *Client) WaitForNewBlock(ctx context.Context, known *wire.Hash, timeout time.Duration) (rpctypes.Tip, error) {
	return get[rpctypes.Tip](ctx, c, "waitfornewblock", struct {
		Timeout int64      `json:"timeout"`
		Known   *wire.Hash `json:"current_tip,omitempty"`
	}{timeout.Milliseconds(), known})
}

// WaitForBlock waits until a block is the tip, or until the time is up; 0 is for
// ever. It returns the tip.
func (c *Client) WaitForBlock(ctx context.Context, hash wire.Hash, timeout time.Duration) (rpctypes.Tip, error) {
	return get[rpctypes.Tip](ctx, c, "waitforblock", struct {
		hashArg
		Timeout int64 `json:"timeout"`
	}{hashArg{hash}, timeout.Milliseconds()})
}

// WaitForBlockHeight waits until the tip has at least a height, or until the time
// is up; 0 is for ever. It returns the tip.
func (c *Client) WaitForBlockHeight(ctx context.Context, height int32, timeout time.Duration) (rpctypes.Tip, error) {
	return get[rpctypes.Tip](ctx, c, "waitforblockheight", struct {
		Height  int32 `json:"height"`
		Timeout int64 `json:"timeout"`
	}{height, timeout.Milliseconds()})
}

// GetChainTips returns the ends of all known branches.
func (c *Client) GetChainTips(ctx context.Context) ([]rpctypes.ChainTip, error) {
	return get[[]rpctypes.ChainTip](ctx, c, "getchaintips", none{})
}

// InvalidateBlock declares a block invalid, as if it broke a rule.
func (c *Client) InvalidateBlock(ctx context.Context, hash wire.Hash) error {
	return c.call(ctx, "invalidateblock", hashArg{hash}, nil)
}

// ReconsiderBlock takes back that a block, its ancestors and its descendants are
// invalid.
func (c *Client) ReconsiderBlock(ctx context.Context, hash wire.Hash) error {
	return c.call(ctx, "reconsiderblock", hashArg{hash}, nil)
}

// PreciousBlock prefers a block over others with as much work.
func (c *Client) PreciousBlock(ctx context.Context, hash wire.Hash) error {
	return c.call(ctx, "preciousblock", hashArg{hash}, nil)
}

// VerifyChain checks the last blocks again, 0 for all of them, as thoroughly as
// level says, from 0 to 4. It reports whether they are sound.
func (c *Client) VerifyChain(ctx context.Context, level, blocks int32) (bool, error) {
	return get[bool](ctx, c, "verifychain", struct {
		Level  int32 `json:"checklevel"`
		Blocks int32 `json:"nblocks"`
	}{level, blocks})
}

// PruneBlockchain deletes old blocks up to a height, and returns the height of
// the last one that was deleted.
func (c *Client) PruneBlockchain(ctx context.Context, height int32) (int32, error) {
	return get[int32](ctx, c, "pruneblockchain", struct {
		Height int32 `json:"height"`
	}{height})
}

// GetTxOut returns an unspent output (UTXO), or nil if there is none. With
// mempool set, unconfirmed transactions count.
func (c *Client) GetTxOut(ctx context.Context, op wire.OutPoint, mempool bool) (*rpctypes.UnspentOutput, error) {
	return get[*rpctypes.UnspentOutput](ctx, c, "gettxout", struct {
		TxID    wire.Hash `json:"txid"`
		N       uint32    `json:"n"`
		Mempool bool      `json:"include_mempool"`
	}{op.Hash, op.Index, mempool})
}

// GetTxOutSetInfo returns statistics about all unspent outputs. hashType is
// hash_serialized_3, muhash or none, which is the fastest.
func (c *Client) GetTxOutSetInfo(ctx context.Context, hashType string) (rpctypes.TxOutSetInfo, error) {
	return get[rpctypes.TxOutSetInfo](ctx, c, "gettxoutsetinfo", struct {
		HashType string `json:"hash_type"`
	}{hashType})
}

// Descriptor names scripts.
type Descriptor struct {
	Desc  string    `json:"desc"`
	Range *[2]int64 `json:"range,omitempty"` // the first and the last index, for those with a range
}

// scanArgs are the arguments of scantxoutset.
type scanArgs struct {
	Action  string       `json:"action"`
	Objects []Descriptor `json:"scanobjects,omitempty"`
}

// ScanTxOutSet looks through all unspent outputs for those that descriptors
// name.
func (c *Client) ScanTxOutSet(ctx context.Context, of ...Descriptor) (rpctypes.ScanResult, error) {
	return get[rpctypes.ScanResult](ctx, c, "scantxoutset", scanArgs{"start", of})
}

// ScanTxOutSetStatus tells how far a scan is, or returns nil if none runs.
func (c *Client) ScanTxOutSetStatus(ctx context.Context) (*rpctypes.ScanProgress, error) {
	return get[*rpctypes.ScanProgress](ctx, c, "scantxoutset", scanArgs{Action: "status"})
}

// ScanTxOutSetAbort ends a scan, and reports whether there was one.
func (c *Client) ScanTxOutSetAbort(ctx context.Context) (bool, error) {
	return get[bool](ctx, c, "scantxoutset", scanArgs{Action: "abort"})
}

// GetBlockFilter returns the compact filter of a block.
func (c *Client) GetBlockFilter(ctx context.Context, hash wire.Hash) (rpctypes.BlockFilter, error) {
	return get[rpctypes.BlockFilter](ctx, c, "getblockfilter", hashArg{hash})
}

// ScanBlocksOptions says which blocks [Client.ScanBlocks] looks at, and how.
type ScanBlocksOptions struct {
	From int32  // height of the first
	To   *int32 // height of the last; nil for the tip
	// Check looks into the blocks whose filters match.
	Check bool
}

// scanBlocksArgs are the arguments of scanblocks.
type scanBlocksArgs struct {
	Action string       `json:"action"`
	Of     []Descriptor `json:"scanobjects,omitempty"`
	From   int32        `json:"start_height,omitempty"`
	To     *int32       `json:"stop_height,omitempty"`
	Check  bool         `json:"filter_false_positives,omitempty"`
}

// ScanBlocks looks through the compact filters of blocks for those that may make
// or spend outputs that descriptors name. Of may be nil for all blocks.
func (c *Client) ScanBlocks(ctx context.Context, of *ScanBlocksOptions, what ...Descriptor) (rpctypes.BlockScan, error) {
	if of == nil {
		of = new(ScanBlocksOptions)
	}
	return get[rpctypes.BlockScan](ctx, c, "scanblocks", scanBlocksArgs{"start", what, of.From, of.To, of.Check})
}

// ScanBlocksStatus tells how far a scan of filters is, or returns nil if none runs.
func (c *Client) ScanBlocksStatus(ctx context.Context) (*rpctypes.BlockScanProgress, error) {
	return get[*rpctypes.BlockScanProgress](ctx, c, "scanblocks", scanBlocksArgs{Action: "status"})
}

// ScanBlocksAbort ends a scan of filters, and reports whether there was one.
func (c *Client) ScanBlocksAbort(ctx context.Context) (bool, error) {
	return get[bool](ctx, c, "scanblocks", scanBlocksArgs{Action: "abort"})
}

// GetTxOutProof proves that transactions are in a block: the one named, or if it
// is nil the one that the node finds them in.
func (c *Client) GetTxOutProof(ctx context.Context, ids []wire.Hash, block *wire.Hash) (jsonrpc.Hex, error) {
	return get[jsonrpc.Hex](ctx, c, "gettxoutproof", struct {
		IDs   []wire.Hash `json:"txids"`
		Block *wire.Hash  `json:"blockhash,omitempty"`
	}{ids, block})
}

// VerifyTxOutProof returns the transactions that a proof proves to be in a block
// of the best chain; none if the proof is bad.
func (c *Client) VerifyTxOutProof(ctx context.Context, proof jsonrpc.Hex) ([]wire.Hash, error) {
	return get[[]wire.Hash](ctx, c, "verifytxoutproof", struct {
		Proof jsonrpc.Hex `json:"proof"`
	}{proof})
}
