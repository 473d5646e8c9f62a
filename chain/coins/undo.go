package coins

import "starling/wire"

// Undo is what a block took out of the UTXO set: for each transaction but the
// coinbase, the coins its inputs spent, in order.
type Undo struct {
	Spent [][]Coin
}

// Append adds the encoding of u to dst, in the form of Bitcoin Core's undo
// files.
func (u *Undo) Append(dst []byte) []byte {
	dst = wire.AppendCompactSize(dst, uint64(len(u.Spent)))
	for _, tx := range u.Spent {
		dst = wire.AppendCompactSize(dst, uint64(len(tx)))
		for i := range tx {
			c := &tx[i]
			code := uint64(c.Height) << 1
			if c.Coinbase {
				code |= 1
			}
			dst = appendVarInt(dst, code)
			if c.Height > 0 {
				dst = append(dst, 0) // a transaction version, once
			}
			dst = c.appendOut(dst)
		}
	}
	return dst
}

// minUndoCoin is the smallest encoded coin: height code, amount, form, hash or
// empty plain script.
const minUndoCoin = 3

// DecodeUndo reads an encoding made by [Undo.Append]. Plain scripts are views
// into b.
func DecodeUndo(b []byte) (*Undo, error) {
	c := wire.NewCursor(b, "undo")
	n := c.Count(wire.MaxBlockSize, 1)
	u := &Undo{Spent: make([][]Coin, 0, n)}
	for range n {
		k := c.Count(wire.MaxBlockSize, minUndoCoin)
		if c.Err() != nil {
			return nil, ErrEncoding
		}
		tx := make([]Coin, k)
		d := decoder{b: b[c.Offset():]}
		for i := range tx {
			tx[i] = d.coin(true)
		}
		if d.failed {
			return nil, ErrEncoding
		}
		c.Bytes(c.Left() - len(d.b))
		u.Spent = append(u.Spent, tx)
	}
	if c.End() != nil {
		return nil, ErrEncoding
	}
	return u, nil
}
