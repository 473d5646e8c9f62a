package server

import "starling/wire"

// filteredTxs are the transactions of a block that follow a merkleblock, without
// their witnesses: 1 MB at most, and not the block, which may be larger.
type filteredTxs struct {
	raw  []byte
	ends []int // where each ends in raw
	done int   // how many were taken
}

// next returns the next transaction, or nil.
func (f *filteredTxs) next() (wire.Message, error) {
	if f == nil || f.done == len(f.ends) {
		return nil, nil
	}
	from := 0
	if f.done > 0 {
		from = f.ends[f.done-1]
	}
	tx, err := wire.ParseTx(f.raw[from:f.ends[f.done]])
	if err != nil {
		return nil, err
	}
	f.done++
	return &wire.MsgTx{Tx: tx, Base: true}, nil
}

// filtered returns what the peer's filter leaves of a block whose ids have been
// hashed (BIP37), and keeps the transactions that are to follow. It returns nil if
// the filter is gone.
func (w *order) filtered(b *wire.Block) wire.Message {
	f := w.s.bloom.Load()
	if f == nil {
		return nil
	}
	m, matched := f.block(b)
	w.follow = &filteredTxs{}
	for _, i := range matched {
		w.follow.raw = b.Txs[i].AppendBase(w.follow.raw)
		w.follow.ends = append(w.follow.ends, len(w.follow.raw))
	}
	return m
}
