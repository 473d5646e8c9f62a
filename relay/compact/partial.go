package compact

import (
	"errors"
	"fmt"
	"iter"
	"math"

	"starling/chain/consensus"
	"starling/wire"
)

// ErrInvalid says that what the peer sent breaks the protocol: no honest peer
// sends it. ErrFailed says that the block cannot be rebuilt, by bad luck with
// short ids or because somebody has arranged it, which need not be the peer;
// it has to be fetched whole. Errors of this package wrap one of them.
var (
	ErrInvalid = errors.New("invalid compact block")
	ErrFailed  = errors.New("compact block can not be rebuilt")
)

// Txs is a walk over transactions with their witness ids. The ids are read at
// once, so they may change afterwards.
type Txs = iter.Seq2[*wire.Hash, *wire.Tx]

// Counts says where the transactions of a block came from.
type Counts struct {
	Prefilled int // in the compact block itself
	Pool      int // from the pool
	Extra     int // from those kept beside it
	Asked     int // had to be asked for
}

// Partial is a block that is being rebuilt.
type Partial struct {
	header wire.Header
	txs    []*wire.Tx // nil where one is missing
	counts Counts
	filled bool
}

// Open begins to rebuild a block, with the transactions of the pool (nil for
// none) and of extra (nil for none). The walk over the pool ends as soon as
// nothing is missing. It fails with [ErrInvalid] or [ErrFailed].
//
// It costs one SipHash for each transaction of the pool: about 4 ms for
// 100,000.
func Open(m *wire.MsgCmpctBlock, pool Txs, extra *Extra) (*Partial, error) {
	p := &Partial{header: m.Header}
	if err := p.place(m); err != nil {
		return nil, err
	}
	w, err := newWanted(m, p.txs)
	if err != nil {
		return nil, err
	}
	p.match(w, pool, extra)
	return p, nil
}

// place puts the prefilled transactions where they belong.
func (p *Partial) place(m *wire.MsgCmpctBlock) error {
	n := m.TxCount()
	switch {
	case n == 0:
		return fmt.Errorf("%w: it has no transactions", ErrInvalid)
	case n > math.MaxUint16:
		return fmt.Errorf("%w: it has %d transactions", ErrInvalid, n)
	}
	p.txs = make([]*wire.Tx, n)
	last := -1
	for i, pre := range m.Prefilled {
		at := int(pre.Index)
		// Whatever lies before is prefilled itself or has a short id.
		if at <= last || at > len(m.ShortIDs)+i {
			return fmt.Errorf("%w: prefilled transaction at %d", ErrInvalid, at)
		}
		if pre.Tx == nil || len(pre.Tx.In) == 0 && len(pre.Tx.Out) == 0 {
			return fmt.Errorf("%w: empty prefilled transaction at %d", ErrInvalid, at)
		}
		p.txs[at] = pre.Tx
		last = at
	}
	p.counts.Prefilled = len(m.Prefilled)
	return nil
}

// match looks for the wanted transactions among those at hand.
func (p *Partial) match(w *wanted, pool Txs, extra *Extra) {
	left := w.len()
	if left == 0 {
		return
	}
	seen := make([]bool, len(p.txs)) // something at hand had this short id
	if pool != nil {
		for id, tx := range pool {
			at, ok := w.find(id)
			switch {
			case !ok:
				continue
			case !seen[at]:
				p.txs[at], seen[at] = tx, true
				p.counts.Pool++
				left--
			case p.txs[at] != nil:
				// Two have this short id, and asking costs less than guessing.
				p.txs[at] = nil
				p.counts.Pool--
				left++
			}
			// A second one with the same short id might still come, but so
			// rarely that walking on would cost more.
			if left == 0 {
				return
			}
		}
	}
	fromExtra := make(map[uint16]bool)
	for _, tx := range extra.All() {
		id := tx.WTxID()
		at, ok := w.find(&id)
		switch {
		case !ok:
			continue
		case !seen[at]:
			p.txs[at], seen[at], fromExtra[at] = tx, true, true
			p.counts.Extra++
			left--
		case p.txs[at] != nil && p.txs[at].WTxID() != id:
			p.txs[at] = nil
			if fromExtra[at] {
				p.counts.Extra--
			} else {
				p.counts.Pool--
			}
			left++
		}
		if left == 0 {
			return
		}
	}
}

// Missing returns the positions of the transactions that are still needed, to
// be asked for with getblocktxn.
func (p *Partial) Missing() []uint16 {
	var missing []uint16
	for i, tx := range p.txs {
		if tx == nil {
			missing = append(missing, uint16(i))
		}
	}
	return missing
}

// Counts says where the transactions came from. Those that are missing are
// counted once Fill has put them in.
func (p *Partial) Counts() Counts { return p.counts }

// Fill completes the block with what was missing, in order, and checks that
// its transactions are those that the header commits to; segwit says whether
// witness commitments count at the block's height. It fails with [ErrInvalid]
// if txs does not fit what was missing, and with [ErrFailed] if the result is
// not the block, which a collision of short ids brings about too. It may be
// called once; the block's ids have been hashed.
func (p *Partial) Fill(txs []*wire.Tx, segwit bool) (*wire.Block, error) {
	if p.filled {
		return nil, fmt.Errorf("%w: it was completed before", ErrInvalid)
	}
	p.filled = true
	all := p.txs
	p.txs = nil
	next, size := 0, 0
	for i, tx := range all {
		if tx == nil {
			if next == len(txs) {
				return nil, fmt.Errorf("%w: %d transactions came, more are missing", ErrInvalid, len(txs))
			}
			tx = txs[next]
			all[i] = tx
			next++
		}
		size += tx.Size()
	}
	if next != len(txs) {
		return nil, fmt.Errorf("%w: %d transactions came, %d were missing", ErrInvalid, len(txs), next)
	}
	p.counts.Asked = next
	// A block cannot be larger, and what is may not even have an encoding.
	if size > wire.MaxBlockSize {
		return nil, fmt.Errorf("%w: it would have more than %d bytes", ErrFailed, size)
	}
	b := wire.NewBlock(p.header, all)
	if consensus.IsMutated(b, segwit) {
		return nil, fmt.Errorf("%w: the transactions are not those of the header", ErrFailed)
	}
	return b, nil
}
