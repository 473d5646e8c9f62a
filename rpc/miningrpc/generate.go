package miningrpc

import (
	"context"
	"errors"

	"starling/address"
	"starling/chain/consensus"
	"starling/mining"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func (a *api) generateMethods() []*jsonrpc.Method {
	const category = "Mining"
	addr := "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "generatetoaddress", Category: category, Waits: true,
			Summary:  "Makes blocks at once with transactions of the pool and pays their subsidy and fees to an address.\nOnly where blocks are made on demand.",
			Returns:  "The hashes of the blocks",
			Examples: [][]any{{11, addr}}}, a.generateToAddress),
		jsonrpc.Define(jsonrpc.Method{Name: "generateblock", Category: category, Waits: true,
			Summary:  "Makes one block at once with the transactions given. Only where blocks are made on demand.",
			Examples: [][]any{{addr, []string{}}}}, a.generateBlock),
		jsonrpc.Define(jsonrpc.Method{Name: "generatetodescriptor", Category: category, Waits: true,
			Summary:  "Makes blocks at once with transactions of the pool and pays their subsidy and fees to a descriptor.\nOnly where blocks are made on demand.",
			Returns:  "The hashes of the blocks",
			Examples: [][]any{{11, "addr(" + addr + ")"}}}, a.generateToDescriptor),
	}
}

// defaultTries is how many nonces are tried unless told otherwise.
const defaultTries = 1_000_000

// mayGenerate refuses networks on which blocks are not made by command.
func (a *api) mayGenerate() error {
	if !a.network().MineOnDemand {
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "Blocks of network %s are not made on demand", a.network().Name)
	}
	if a.Miner == nil {
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "This node makes no blocks")
	}
	return nil
}

type generateParams struct {
	N        int    `rpc:"nblocks" help:"How many blocks"`
	Address  string `rpc:"address" help:"Where subsidy and fees go"`
	MaxTries int64  `rpc:"maxtries" default:"1000000" help:"How many nonces to try in all"`
}

// maxGenerate is how many blocks one call may make.
const maxGenerate = 100_000

func (a *api) generateToAddress(ctx context.Context, p generateParams) ([]wire.Hash, error) {
	if err := a.mayGenerate(); err != nil {
		return nil, err
	}
	to, err := address.Decode(p.Address, a.network())
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Error: Invalid address")
	}
	return a.generate(ctx, to.Script(), p.N, p.MaxTries)
}

type generateDescriptorParams struct {
	N          int    `rpc:"num_blocks" help:"How many blocks"`
	Descriptor string `rpc:"descriptor" help:"Where subsidy and fees go"`
	MaxTries   int64  `rpc:"maxtries" default:"1000000" help:"How many nonces to try in all"`
}

func (a *api) generateToDescriptor(ctx context.Context, p generateDescriptorParams) ([]wire.Hash, error) {
	if err := a.mayGenerate(); err != nil {
		return nil, err
	}
	scripts, err := rpcargs.DescriptorScripts(p.Descriptor, a.network())
	if err != nil {
		return nil, err
	}
	return a.generate(ctx, scripts[min(2, len(scripts)-1)], p.N, p.MaxTries)
}

func (a *api) generate(ctx context.Context, script []byte, n int, maxTries int64) ([]wire.Hash, error) {
	if n < 0 || n > maxGenerate || maxTries < 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "nblocks must be from 0 to %d, and maxtries not negative", maxGenerate)
	}
	hashes, err := a.Miner.Generate(ctx, script, n, uint64(maxTries))
	if err != nil {
		return nil, generateError(err)
	}
	if hashes == nil {
		hashes = []wire.Hash{}
	}
	return hashes, nil
}

// generateError turns a miner's error into Core's.
func generateError(err error) error {
	var rule *consensus.RuleError
	switch {
	case errors.As(err, &rule):
		return jsonrpc.Errorf(jsonrpc.CodeVerify, "TestBlockValidity failed: %v", rule)
	case errors.Is(err, mining.ErrNoNonce):
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "Failed to make block.")
	default:
		return err
	}
}

type generateBlockParams struct {
	Output string   `rpc:"output" help:"Where the subsidy goes: an address or a descriptor"`
	Txs    []string `rpc:"transactions" item:"rawtx/txid" help:"Transactions in hexadecimal digits, or ids of unconfirmed ones"`
	Submit bool     `rpc:"submit" default:"true" help:"Whether the node takes the block; false only returns it"`
}

func (a *api) generateBlock(ctx context.Context, p generateBlockParams) (rpctypes.GeneratedBlock, error) {
	var r rpctypes.GeneratedBlock
	if err := a.mayGenerate(); err != nil {
		return r, err
	}
	script, err := a.outputScript(p.Output)
	if err != nil {
		return r, err
	}
	txs := make([]*wire.Tx, len(p.Txs))
	for i, s := range p.Txs {
		if id, err := wire.HashFromString(s); err == nil {
			if txs[i] = a.Txs.Unconfirmed(id); txs[i] == nil {
				return r, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Transaction %s not in mempool.", s)
			}
			continue
		}
		tx, ok := rpcargs.DecodeTx(s)
		if !ok {
			return r, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Transaction decode failed for %s. Make sure the tx has at least one input.", s)
		}
		txs[i] = tx
	}
	b, err := a.Miner.Block(ctx, script, txs, p.Submit, defaultTries)
	if err != nil {
		return r, generateError(err)
	}
	r.Hash = b.Hash()
	if !p.Submit {
		r.Hex = b.Bytes()
	}
	return r, nil
}

// outputScript reads a descriptor or an address.
func (a *api) outputScript(s string) ([]byte, error) {
	if scripts, err := rpcargs.DescriptorScripts(s, a.network()); err == nil {
		// Of combo() the witness form is taken, as elsewhere.
		return scripts[min(2, len(scripts)-1)], nil
	}
	to, err := address.Decode(s, a.network())
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Error: Invalid address or descriptor")
	}
	return to.Script(), nil
}
