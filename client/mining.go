package client

import (
	"context"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// GetMiningInfo tells how hard the next block is and how much work the network
// does.
func (c *Client) GetMiningInfo(ctx context.Context) (rpctypes.MiningInfo, error) {
	return get[rpctypes.MiningInfo](ctx, c, "getmininginfo", none{})
}

// GetNetworkHashPS estimates how many hashes a second the network computes, from
// so many blocks up to a height. -1 stands for those since the difficulty
// changed, and for the tip.
func (c *Client) GetNetworkHashPS(ctx context.Context, blocks, height int32) (jsonrpc.Float, error) {
	return get[jsonrpc.Float](ctx, c, "getnetworkhashps", struct {
		Blocks int32 `json:"nblocks"`
		Height int32 `json:"height"`
	}{blocks, height})
}

// TemplateRequest is what is asked of GetBlockTemplate.
type TemplateRequest struct {
	Rules      []string `json:"rules"` // the soft forks that the caller understands; segwit must be among them
	LongPollID string   `json:"longpollid,omitempty"`
}

// templateArgs are the arguments of getblocktemplate.
type templateArgs struct {
	Request any `json:"template_request"`
}

// GetBlockTemplate returns what a new block needs. With the id of an older
// template it waits for something better.
func (c *Client) GetBlockTemplate(ctx context.Context, r TemplateRequest) (rpctypes.BlockTemplate, error) {
	return get[rpctypes.BlockTemplate](ctx, c, "getblocktemplate", templateArgs{r})
}

// GetBlockTemplateProposal tells what would be wrong with a block, had it the
// work; the empty string is nothing.
func (c *Client) GetBlockTemplateProposal(ctx context.Context, block jsonrpc.Hex) (string, error) {
	return get[string](ctx, c, "getblocktemplate", templateArgs{struct {
		Mode string      `json:"mode"`
		Data jsonrpc.Hex `json:"data"`
	}{"proposal", block}})
}

// SubmitBlock gives the node a block. It returns why it was not accepted, in the
// words of BIP22; the empty string says that it was.
func (c *Client) SubmitBlock(ctx context.Context, block jsonrpc.Hex) (string, error) {
	return get[string](ctx, c, "submitblock", struct {
		Block jsonrpc.Hex `json:"hexdata"`
	}{block})
}

// SubmitHeader gives the node a block header.
func (c *Client) SubmitHeader(ctx context.Context, header jsonrpc.Hex) error {
	return c.call(ctx, "submitheader", struct {
		Header jsonrpc.Hex `json:"hexdata"`
	}{header}, nil)
}

// GenerateToAddress makes blocks that pay an address, where they are made on
// demand, and returns their hashes.
func (c *Client) GenerateToAddress(ctx context.Context, blocks int, address string) ([]wire.Hash, error) {
	return get[[]wire.Hash](ctx, c, "generatetoaddress", struct {
		Blocks  int    `json:"nblocks"`
		Address string `json:"address"`
	}{blocks, address})
}

// GenerateToDescriptor makes blocks that pay a descriptor, where they are made on
// demand, and returns their hashes.
func (c *Client) GenerateToDescriptor(ctx context.Context, blocks int, descriptor string) ([]wire.Hash, error) {
	return get[[]wire.Hash](ctx, c, "generatetodescriptor", struct {
		Blocks     int    `json:"num_blocks"`
		Descriptor string `json:"descriptor"`
	}{blocks, descriptor})
}

// GenerateBlock makes one block with transactions, each in hexadecimal digits or
// by its id, that pays an address or a descriptor. Unless submit is set the block
// is only returned.
func (c *Client) GenerateBlock(ctx context.Context, output string, txs []string, submit bool) (rpctypes.GeneratedBlock, error) {
	if txs == nil {
		txs = []string{}
	}
	return get[rpctypes.GeneratedBlock](ctx, c, "generateblock", struct {
		Output string   `json:"output"`
		Txs    []string `json:"transactions"`
		Submit bool     `json:"submit"`
	}{output, txs, submit})
}
