package chaintest

import (
	"encoding/binary"

	"starling/chain/consensus"
	"starling/params"
	"starling/script"
	"starling/wire"
)

// AnyoneCanSpend is the public key script OP_TRUE.
var AnyoneCanSpend = []byte{0x51}

// Block is a block and where it stands.
type Block struct {
	*wire.Block
	Height int32
}

// Maker makes blocks. Every block that it makes is different, also at the same
// height. It is for one goroutine.
type Maker struct {
	Net *params.Network

	// Spacing is how many seconds a block's time is after its parent's.
	Spacing uint32

	count uint64
}

// New returns a maker for net.
func New(net *params.Network) *Maker { return &Maker{Net: net, Spacing: 600} }

// Genesis returns the first block.
func (m *Maker) Genesis() Block { return Block{m.Net.Genesis, 0} }

// Next makes the block after parent with a coinbase, which takes the subsidy
// and fees, and the given transactions.
func (m *Maker) Next(parent Block, fees int64, txs ...*wire.Tx) Block {
	m.count++
	height := parent.Height + 1
	sig := script.AppendInt(nil, int64(height))
	sig = append(sig, 8)
	sig = binary.LittleEndian.AppendUint64(sig, m.count)
	coinbase := wire.NewTx(1,
		[]wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Sequence: wire.SequenceFinal, Script: sig}},
		[]wire.TxOut{{Value: consensus.Subsidy(height, m.Net) + fees, Script: AnyoneCanSpend}}, 0)
	all := append([]*wire.Tx{coinbase}, txs...)
	ids := make([]wire.Hash, len(all))
	for i, tx := range all {
		ids[i] = tx.TxID()
	}
	root, _ := consensus.MerkleRoot(ids)
	h := wire.Header{
		Version: 0x20000000, PrevBlock: parent.Hash(), MerkleRoot: root,
		Timestamp: parent.Header.Timestamp + m.Spacing, Bits: parent.Header.Bits,
	}
	for consensus.CheckProofOfWork(h.Hash(), h.Bits, m.Net) != nil {
		h.Nonce++
	}
	return Block{wire.NewBlock(h, all), height}
}

// Chain makes n blocks after parent.
func (m *Maker) Chain(parent Block, n int) []Block {
	blocks := make([]Block, 0, n)
	for range n {
		parent = m.Next(parent, 0)
		blocks = append(blocks, parent)
	}
	return blocks
}

// Coinbase returns the outpoint and value of a block's coinbase output.
func (b Block) Coinbase() (wire.OutPoint, int64) {
	return wire.OutPoint{Hash: b.Txs[0].TxID()}, b.Txs[0].Out[0].Value
}

// Spend makes a transaction that splits what op holds into parts equal
// outputs, less the fee.
func Spend(op wire.OutPoint, value, fee int64, parts int) *wire.Tx {
	out := make([]wire.TxOut, parts)
	for i := range out {
		out[i] = wire.TxOut{Value: (value - fee) / int64(parts), Script: AnyoneCanSpend}
	}
	return wire.NewTx(2, []wire.TxIn{{PrevOut: op, Sequence: wire.SequenceFinal}}, out, 0)
}
