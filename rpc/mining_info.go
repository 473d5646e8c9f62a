package rpc

import (
	"context"

	"starling/chain/headertree"
	"starling/mining"
)

func (a *miningAPI) miningInfoMethods() []*Method {
	return []*Method{
		define(Method{Name: "getmininginfo", Category: "Mining",
			Summary: "Tells how hard the next block is, how much work the network does, and how fast this node searches\nif it does."}, a.getMiningInfo),
		define(Method{Name: "getnetworkhashps", Category: "Mining",
			Summary:  "Estimates how many hashes a second the network computes.",
			Returns:  "Hashes per second",
			Examples: [][]any{{}, {-1, 1000}}}, a.getNetworkHashPS),
	}
}

func (a *miningAPI) getMiningInfo(context.Context, none) (miningInfo, error) {
	net, tip := a.network(), a.Chain.Tip()
	bits := headertree.NextBits(tip, max(a.Clock.Now().Unix(), mining.MinTime(tip, net)), net)
	r := miningInfo{
		Blocks: tip.Height, Bits: bitsHex(tip.Header.Bits), Difficulty: difficulty(tip.Header.Bits), Target: targetHex(tip.Header.Bits),
		NetworkHashPS: Float(mining.NetworkHashRate(tip, defaultHashPSBlocks, net)),
		Chain:         net.Name, SignetChallenge: net.SignetChallenge, Warnings: []string{},
		Next: nextBlock{Height: tip.Height + 1, Bits: bitsHex(bits), Difficulty: difficulty(bits), Target: targetHex(bits)},
	}
	if m := a.Miner; m != nil {
		r.PooledTx, r.BlockMinTxFee = m.Pooled(), Amount(m.MinFee())
		if last := m.LastSize(); last != nil {
			r.CurrentBlockWeight, r.CurrentBlockTx = &last.Weight, &last.Txs
		}
	}
	if a.Worker != nil {
		rate, _ := a.Worker.HashRate()
		r.Generate, r.HashesPerSec = true, (*Float)(&rate)
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

func (a *miningAPI) getNetworkHashPS(_ context.Context, p hashPSParams) (Float, error) {
	if p.Blocks < -1 || p.Blocks == 0 {
		return 0, Errorf(CodeInvalidParam, "Invalid nblocks. Must be a positive number or -1.")
	}
	last := a.Chain.Tip()
	if p.Height < -1 || p.Height > last.Height {
		return 0, Errorf(CodeInvalidParam, "Block does not exist at specified height")
	}
	if p.Height >= 0 {
		last = last.Ancestor(p.Height)
	}
	return Float(mining.NetworkHashRate(last, p.Blocks, a.network())), nil
}
