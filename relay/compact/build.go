package compact

import (
	"errors"
	"fmt"
	"math"

	"starling/wire"
)

// ErrTooMany is returned for a block with more transactions than a compact
// block can number. No such block can be valid.
var ErrTooMany = errors.New("the block has too many transactions for a compact block")

// Build returns the compact form of a block. The coinbase, which nobody can
// have, is in it; all other transactions are short ids. Nonce must be drawn at
// random for each block, or for each peer, so that nobody can make
// transactions ahead whose short ids collide.
//
// The block's ids must have been hashed. What is returned shares its memory.
func Build(b *wire.Block, nonce uint64) (*wire.MsgCmpctBlock, error) {
	if len(b.Txs) == 0 || len(b.Txs) > math.MaxUint16 {
		return nil, ErrTooMany
	}
	m := &wire.MsgCmpctBlock{
		Header: b.Header, Nonce: nonce,
		ShortIDs:  make([]uint64, len(b.Txs)-1),
		Prefilled: []wire.PrefilledTx{{Index: 0, Tx: &b.Txs[0]}},
	}
	key := NewKey(&m.Header, nonce)
	for i := range m.ShortIDs {
		id := b.Txs[i+1].WTxID()
		m.ShortIDs[i] = key.ShortID(&id)
	}
	return m, nil
}

// Answer returns the transactions of the block that a peer asks for. It fails
// with [ErrInvalid] if one of them is beyond the block's end, which no honest
// peer asks for. What is returned shares the block's memory.
func Answer(b *wire.Block, m *wire.MsgGetBlockTxn) (*wire.MsgBlockTxn, error) {
	out := &wire.MsgBlockTxn{BlockHash: m.BlockHash, Txs: make([]*wire.Tx, len(m.Indexes))}
	for i, at := range m.Indexes {
		if int(at) >= len(b.Txs) {
			return nil, fmt.Errorf("%w: transaction %d of a block with %d is asked for", ErrInvalid, at, len(b.Txs))
		}
		out.Txs[i] = &b.Txs[at]
	}
	return out, nil
}
