package wire

import (
	"encoding/binary"
	"iter"
)

const (
	// MaxBlockSize is the largest serialised block that can be valid, in
	// bytes: its weight is at most 4,000,000 and a witness byte weighs one.
	MaxBlockSize = 4_000_000

	// WitnessScale is how many weight units a byte outside the witness has
	// (BIP141).
	WitnessScale = 4

	// minTxInSize is an outpoint, an empty script and a sequence number.
	minTxInSize = OutPointSize + 1 + 4
	// minTxOutSize is a value and an empty script.
	minTxOutSize = 8 + 1
	// minTxSize is version, no inputs, no outputs, lock time.
	minTxSize = 4 + 1 + 1 + 4

	// SequenceFinal is the sequence number that opts out of lock time.
	SequenceFinal = 0xffffffff
)

// TxIn is one input: a view into its transaction.
type TxIn struct {
	PrevOut  OutPoint
	Sequence uint32
	Script   []byte // signature script
	Witness  Witness
}

// TxOut is one output: a view into its transaction.
type TxOut struct {
	Value  int64  // in satoshi
	Script []byte // public key script
}

// Witness is the stack of witness items of one input, as views. The zero
// value is the empty stack.
//
// All inputs of a block share one set, so that a witness takes 16 bytes and
// none is allocated on its own.
type Witness struct {
	set   *witnessSet
	first uint32 // position in set.offs of the first item
	n     uint32 // number of items
}

// witnessSet holds the items of any number of witnesses.
type witnessSet struct {
	raw  []byte   // what the offsets refer to
	offs []uint32 // where each item's length prefix starts
}

// NewWitness encodes items as a witness. It copies them.
func NewWitness(items ...[]byte) Witness {
	if len(items) == 0 {
		return Witness{}
	}
	set := &witnessSet{offs: make([]uint32, len(items))}
	for i, it := range items {
		set.offs[i] = uint32(len(set.raw))
		set.raw = AppendVarBytes(set.raw, it)
	}
	return Witness{set: set, n: uint32(len(items))}
}

// Len returns the number of items.
func (w Witness) Len() int { return int(w.n) }

// Item returns item i as a view. It panics if there is none.
func (w Witness) Item(i int) []byte {
	if uint(i) >= uint(w.n) {
		panic("wire: no such witness item")
	}
	// The item's bounds were checked when the witness was parsed.
	n, start := knownSize(w.set.raw, int(w.set.offs[int(w.first)+i]))
	return w.set.raw[start : start+n : start+n]
}

// Items returns all items, in order.
func (w Witness) Items() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range int(w.n) {
			if !yield(w.Item(i)) {
				return
			}
		}
	}
}

// Stack returns the items as a slice of views.
func (w Witness) Stack() [][]byte {
	if w.n == 0 {
		return nil
	}
	s := make([][]byte, w.n)
	for i := range s {
		s[i] = w.Item(i)
	}
	return s
}

// Append adds the encoding of w, count and items, to dst.
func (w Witness) Append(dst []byte) []byte {
	dst = AppendCompactSize(dst, uint64(w.Len()))
	for it := range w.Items() {
		dst = AppendVarBytes(dst, it)
	}
	return dst
}

// Tx is a transaction: its bytes, and views into them. It is immutable once
// made and safe for concurrent use. Make one with [ParseTx] or [NewTx].
type Tx struct {
	Version  int32
	LockTime uint32
	In       []TxIn
	Out      []TxOut

	raw      []byte
	pos      uint32 // where raw starts in what it was parsed from
	witness  uint32 // where in raw the witness starts; 0 if there is none
	hashed   bool   // whether the ids below have been filled in
	txid     Hash
	wtxid    Hash
	baseSize uint32 // length without marker, flag and witness
}

// ParseTx parses one transaction that fills all of raw, as BIP144 encodes it,
// and hashes its ids. The transaction keeps raw.
func ParseTx(raw []byte) (*Tx, error) {
	c := NewCursor(raw, "tx")
	tx := c.tx()
	if err := c.End(); err != nil {
		return nil, err
	}
	return tx, nil
}

// ParseBaseTx parses one transaction that fills all of raw, in the encoding
// without witnesses, and hashes its ids. It is the only one for a transaction
// that has no inputs yet, whose number of inputs [ParseTx] takes for the
// marker of a witness. The transaction keeps raw.
func ParseBaseTx(raw []byte) (*Tx, error) {
	c := NewCursor(raw, "tx")
	tx := &Tx{raw: raw, baseSize: uint32(len(raw)), Version: int32(c.Uint32())}
	tx.In = make([]TxIn, c.Count(MaxBlockSize/minTxInSize, minTxInSize))
	for i := range tx.In {
		in := &tx.In[i]
		in.PrevOut.Hash, in.PrevOut.Index = c.Hash(), c.Uint32()
		in.Script, in.Sequence = c.VarBytes(MaxBlockSize), c.Uint32()
	}
	tx.Out = make([]TxOut, c.Count(MaxBlockSize/minTxOutSize, minTxOutSize))
	for i := range tx.Out {
		tx.Out[i] = TxOut{Value: int64(c.Uint64()), Script: c.VarBytes(MaxBlockSize)}
	}
	tx.LockTime = c.Uint32()
	if err := c.End(); err != nil {
		return nil, err
	}
	tx.fillIDs(nil)
	return tx, nil
}

// NewTx encodes a transaction and returns it parsed. It has a witness if any
// input has one. Without inputs it has the encoding that only [ParseBaseTx]
// reads. It panics if the transaction is larger than any block.
func NewTx(version int32, in []TxIn, out []TxOut, lockTime uint32) *Tx {
	segwit := false
	for i := range in {
		segwit = segwit || in[i].Witness.Len() > 0
	}
	raw := binary.LittleEndian.AppendUint32(nil, uint32(version))
	if segwit {
		raw = append(raw, 0, 1)
	}
	raw = AppendCompactSize(raw, uint64(len(in)))
	for i := range in {
		raw = in[i].PrevOut.Append(raw)
		raw = AppendVarBytes(raw, in[i].Script)
		raw = binary.LittleEndian.AppendUint32(raw, in[i].Sequence)
	}
	raw = AppendCompactSize(raw, uint64(len(out)))
	for i := range out {
		raw = out[i].Append(raw)
	}
	if segwit {
		for i := range in {
			raw = in[i].Witness.Append(raw)
		}
	}
	raw = binary.LittleEndian.AppendUint32(raw, lockTime)
	parse := ParseTx
	if len(in) == 0 {
		parse = ParseBaseTx
	}
	tx, err := parse(raw)
	if err != nil {
		// Only what the comment above names gets here.
		panic("wire: NewTx made a transaction that does not parse: " + err.Error())
	}
	return tx
}

// Append adds the encoding of o to dst.
func (o *TxOut) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(o.Value))
	return AppendVarBytes(dst, o.Script)
}

// Bytes returns the transaction as it travels, witness included. The caller
// must not change it.
func (t *Tx) Bytes() []byte { return t.raw }

// HasWitness reports whether any input has a witness.
func (t *Tx) HasWitness() bool { return t.witness != 0 }

// IsCoinbase reports whether the transaction has the form of a coinbase: one
// input that spends the null outpoint.
func (t *Tx) IsCoinbase() bool { return len(t.In) == 1 && t.In[0].PrevOut.IsNull() }

// TxID returns the double SHA-256 of the transaction without its witness.
func (t *Tx) TxID() Hash {
	switch {
	case t.hashed:
		return t.txid
	case t.witness == 0:
		return DoubleHash(t.raw)
	}
	return DoubleHash(t.AppendBase(make([]byte, 0, t.baseSize)))
}

// WTxID returns the double SHA-256 of the whole transaction (BIP141).
func (t *Tx) WTxID() Hash {
	if t.hashed {
		return t.wtxid
	}
	return DoubleHash(t.raw)
}

// fillIDs hashes the ids and keeps them. It must not run concurrently with
// any other use of t. scratch is memory to work in; what is returned is the
// same, perhaps grown, for the next transaction.
func (t *Tx) fillIDs(scratch []byte) []byte {
	t.wtxid = DoubleHash(t.raw)
	t.txid = t.wtxid
	if t.witness != 0 {
		// Copying the few bytes together costs far less than hashing them
		// piece by piece through a hash.Hash.
		scratch = t.AppendBase(scratch[:0])
		t.txid = DoubleHash(scratch)
	}
	t.hashed = true
	return scratch
}

// Size returns the length of the transaction in bytes, witness included.
func (t *Tx) Size() int { return len(t.raw) }

// BaseSize returns the length in bytes without the witness.
func (t *Tx) BaseSize() int { return int(t.baseSize) }

// Weight returns the transaction's weight in weight units (BIP141).
func (t *Tx) Weight() int { return t.BaseSize()*(WitnessScale-1) + t.Size() }

// VSize returns the weight in virtual bytes, rounded up.
func (t *Tx) VSize() int { return (t.Weight() + WitnessScale - 1) / WitnessScale }

// AppendBase adds the encoding without witness to dst, the form that peers
// without NODE_WITNESS get.
func (t *Tx) AppendBase(dst []byte) []byte {
	if t.witness == 0 {
		return append(dst, t.raw...)
	}
	dst = append(dst, t.raw[:4]...)
	dst = append(dst, t.raw[6:t.witness]...)
	return append(dst, t.raw[len(t.raw)-4:]...)
}
