package compacttest

import (
	"bytes"
	"errors"
	"fmt"

	"starling/relay/compact"
	"starling/wire"
)

// Result says what rebuilding a block took.
type Result struct {
	compact.Counts
	BlockBytes   int // of the block
	CompactBytes int // of the compact block
	AskBytes     int // of the request for what was missing
	TxsBytes     int // of the answer to it
}

// Bytes returns how many bytes travelled instead of the block's.
func (r Result) Bytes() int { return r.CompactBytes + r.AskBytes + r.TxsBytes }

// Pool returns transactions as [compact.Open] takes them.
func Pool(txs []*wire.Tx) compact.Txs {
	return func(yield func(*wire.Hash, *wire.Tx) bool) {
		for _, tx := range txs {
			if id := tx.WTxID(); !yield(&id, tx) {
				return
			}
		}
	}
}

// Some returns those transactions of a block, without its coinbase, that have
// says are to be known.
func Some(b *wire.Block, have func(i int) bool) []*wire.Tx {
	var txs []*wire.Tx
	for i := 1; i < len(b.Txs); i++ {
		if have(i) {
			txs = append(txs, &b.Txs[i])
		}
	}
	return txs
}

// Rebuild sends a block, whose ids have been hashed, as a compact block to a
// node with the given pool, has it ask for what is missing, and compares what
// it then has with the block. Every message is encoded and decoded on its way.
func Rebuild(b *wire.Block, nonce uint64, pool compact.Txs, extra *compact.Extra, segwit bool) (Result, error) {
	r := Result{BlockBytes: b.Size()}
	m, err := compact.Build(b, nonce)
	if err != nil {
		return r, err
	}
	got, err := travel(m, &r.CompactBytes)
	if err != nil {
		return r, err
	}
	p, err := compact.Open(got, pool, extra)
	if err != nil {
		return r, err
	}
	var txs []*wire.Tx
	if missing := p.Missing(); len(missing) > 0 {
		ask, err := travel(&wire.MsgGetBlockTxn{BlockHash: b.Hash(), Indexes: missing}, &r.AskBytes)
		if err != nil {
			return r, err
		}
		answer, err := compact.Answer(b, ask)
		if err != nil {
			return r, err
		}
		if answer, err = travel(answer, &r.TxsBytes); err != nil {
			return r, err
		}
		txs = answer.Txs
	}
	again, err := p.Fill(txs, segwit)
	r.Counts = p.Counts()
	if err != nil {
		return r, err
	}
	if !bytes.Equal(again.Bytes(), b.Bytes()) {
		return r, errors.New("the rebuilt block is another one")
	}
	for i := range b.Txs {
		if again.Txs[i].TxID() != b.Txs[i].TxID() || again.Txs[i].WTxID() != b.Txs[i].WTxID() {
			return r, fmt.Errorf("transaction %d has other ids", i)
		}
	}
	return r, nil
}

// travel encodes a message, decodes it again and adds its size to bytes.
func travel[M wire.Message](m M, bytes *int) (M, error) {
	payload := m.AppendPayload(nil)
	*bytes += len(payload)
	got, err := wire.Decode(m.Command(), payload)
	if err != nil {
		var none M
		return none, err
	}
	return got.(M), nil
}
