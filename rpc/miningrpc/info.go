package miningrpc

import (
	"context"

	"starling/chain/headertree"
	"starling/mining"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

func (a *api) miningInfoMethods() []*jsonrpc.Method {
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getmininginfo", Category: "Mining",
			Summary: "Tells how hard the next block is, how much work the network does, and how fast this node searches\nif it does."}, a.getMiningInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "getnetworkhashps", Category: "Mining",
			Summary:  "Estimates how many hashes a second the network computes.",
			Returns:  "Hashes per second",
			Examples: [][]any{{}, {-1, 1000}}}, a.getNetworkHashPS),
	}
}

func (a *api) getMiningInfo(context.Context, jsonrpc.None) (rpctypes.MiningInfo, error) {
	net, tip := a.network(), a.Chain.Tip()
	bits := headertree.NextBits(tip, max(a.Clock.Now().Unix(), mining.MinTime(tip, net)), net)
	r := rpctypes.MiningInfo{
		Blocks: tip.Height, Bits: describe.Bits(tip.Header.Bits), Difficulty: describe.Difficulty(tip.Header.Bits), Target: describe.Target(tip.Header.Bits),
		NetworkHashPS: jsonrpc.Float(mining.NetworkHashRate(tip, defaultHashPSBlocks, net)),
		Chain:         net.Name, SignetChallenge: net.SignetChallenge, Warnings: []string{},
		Next: rpctypes.NextBlock{Height: tip.Height + 1, Bits: describe.Bits(bits), Difficulty: describe.Difficulty(bits), Target: describe.Target(bits)},
	}
	if m := a.Miner; m != nil {
		r.PooledTx, r.BlockMinTxFee = m.Pooled(), rpctypes.Amount(m.MinFee())
		if last := m.LastSize(); last != nil {
			r.CurrentBlockWeight, r.CurrentBlockTx = &last.Weight, &last.Txs
		}
	}
	if a.Worker != nil {
		rate, _ := a.Worker.HashRate()
		r.Generate, r.HashesPerSec = true, (*jsonrpc.Float)(&rate)
	}
	return r, nil
}

// defaultHashPSBlocks is over how many blocks the network's rate is taken
// unless told otherwise.
const defaultHashPSBlocks = 120

type hashPSParams struct {
	Blocks int32 `rpc:"nblocks" default:"120" help:"Over how many blocks; -1 for those since the difficulty changed"`
	Height int32 `rpc:"height" default:"-1" help:"The last of them; -1 for the tip"`
}

func (a *api) getNetworkHashPS(_ context.Context, p hashPSParams) (jsonrpc.Float, error) {
	if p.Blocks < -1 || p.Blocks == 0 {
		return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid nblocks. Must be a positive number or -1.")
	}
	last := a.Chain.Tip()
	if p.Height < -1 || p.Height > last.Height {
		return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Block does not exist at specified height")
	}
	if p.Height >= 0 {
		last = last.Ancestor(p.Height)
	}
	return jsonrpc.Float(mining.NetworkHashRate(last, p.Blocks, a.network())), nil
}
