package bloom

import (
	"starling/chain/consensus"
	"starling/wire"
)

// MatchBlock returns what a filter leaves of a block: the message with the proof,
// and the places of the relevant transactions, which are to follow it. The ids of
// the block have been hashed.
func (f *Filter) MatchBlock(b *wire.Block) (m *wire.MsgMerkleBlock, matched []int) {
	ids, hit := make([]wire.Hash, len(b.Txs)), make([]bool, len(b.Txs))
	for i := range b.Txs {
		ids[i] = b.Txs[i].TxID()
		// In order, as one transaction may make the next relevant.
		if hit[i] = f.Match(&b.Txs[i]); hit[i] {
			matched = append(matched, i)
		}
	}
	tree := consensus.NewPartialMerkleTree(ids, func(i int) bool { return hit[i] })
	return &wire.MsgMerkleBlock{Header: b.Header, Total: tree.Total, Hashes: tree.Hashes, Flags: tree.Flags}, matched
}
