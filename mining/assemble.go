package mining

import (
	"context"
	"fmt"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/wire"
)

const (
	// DefaultReservedWeight is how much of a block, in weight units, is kept
	// for its header, the number of its transactions and its coinbase, as
	// Bitcoin Core has it. The coinbases that this package makes take a tenth
	// of it; others who use the template may need more.
	DefaultReservedWeight = 8000
	// MinReservedWeight is the least that can be kept.
	MinReservedWeight = 2000
	// reservedSigOps is kept for the signature operations of the coinbase, in
	// the units of the limit: 100 operations outside a witness.
	reservedSigOps = 400

	// DefaultMinFee is the fee rate below which no transaction gets into a
	// block, as Bitcoin Core has it: anything that the pool takes does.
	DefaultMinFee mempool.FeeRate = 1
)

// Draft is a block that obeys every rule but proof of work, and what it is
// made of. It is immutable.
type Draft struct {
	Block  *wire.Block
	Parent *headertree.Node
	// Txs are the transactions after the coinbase, in order.
	Txs []*mempool.Entry
	// Fees is what they pay in total, in satoshi.
	Fees int64
	// Sequence is the source's number when they were chosen.
	Sequence uint64
}

// weight returns the weight of the transactions after the coinbase.
func (d *Draft) weight() (w int64) {
	for _, e := range d.Txs {
		w += e.Weight
	}
	return w
}

// Assemble makes a block on the tip with the transactions that pay best, and
// pays subsidy and fees to script. That they may be in a block is the source's
// word; [Miner.Check] and the chain do not take it.
//
// Blocks of a signet lack the signature, which whoever uses the draft must
// add.
func (m *Miner) Assemble(script []byte) (*Draft, error) {
	d := &Draft{Sequence: m.source.Sequence()}
	var chosen []*mempool.Entry
	chosen, d.Parent = m.source.SelectAt(m.maxWeight-m.reserved, consensus.MaxSigOpsCost-reservedSigOps, m.minFee)
	net, now := m.chain.Network(), m.clock.Now()
	d.Txs = final(chosen, d.Parent, net.CSVHeight, now.Unix())
	txs := make([]*wire.Tx, len(d.Txs))
	for i, e := range d.Txs {
		txs[i] = e.Tx
		d.Fees += e.Fee
	}
	var err error
	d.Block, err = Template(Options{
		Network: net, Parent: d.Parent, Now: now, Script: script,
		Txs: txs, Fees: d.Fees, ExtraNonce: m.extra(), Unsigned: true, Unchecked: !net.IsSignet(),
	})
	if err != nil {
		return nil, err
	}
	m.last.Store(&Size{Weight: m.reserved + d.weight(), Txs: len(d.Txs)})
	return d, nil
}

// Check checks a draft by all rules but proof of work, scripts included, as
// long as its parent is the tip.
func (m *Miner) Check(ctx context.Context, d *Draft) error {
	if err := m.chain.CheckProposal(ctx, d.Block); err != nil {
		return fmt.Errorf("mining: a draft on %v breaks a rule: %w", d.Parent.Hash, err)
	}
	return nil
}

// final leaves out what a block on parent may not hold yet, and what spends
// it. The pool should hold nothing of that kind.
func final(chosen []*mempool.Entry, parent *headertree.Node, csvHeight int32, now int64) []*mempool.Entry {
	height, cutoff := parent.Height+1, now
	if height >= csvHeight {
		cutoff = parent.MedianTime()
	}
	var left map[wire.Hash]bool
	kept := make([]*mempool.Entry, 0, len(chosen))
	for _, e := range chosen {
		ok := consensus.IsFinal(e.Tx, height, cutoff)
		if left != nil {
			for i := range e.Tx.In {
				ok = ok && !left[e.Tx.In[i].PrevOut.Hash]
			}
		}
		if ok {
			kept = append(kept, e)
			continue
		}
		if left == nil {
			left = make(map[wire.Hash]bool)
		}
		left[e.TxID] = true
	}
	return kept
}
