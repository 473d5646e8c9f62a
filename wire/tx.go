package wire

import (
	"encoding/binary"
	"iter"
	"slices"
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
type Witness struct {
	raw  []byte   // what the offsets refer to
	offs []uint32 // where each item's length prefix starts
}

// NewWitness encodes items as a witness. It copies them.
func NewWitness(items ...[]byte) Witness {
	var w Witness
	for _, it := range items {
		w.offs = append(w.offs, uint32(len(w.raw)))
		w.raw = AppendVarBytes(w.raw, it)
	}
	return w
}

// Len returns the number of items.
func (w Witness) Len() int { return len(w.offs) }

// Item returns item i as a view. It panics if there is none.
func (w Witness) Item(i int) []byte {
	// The bounds were checked when the witness was parsed.
	b := w.raw[w.offs[i]:]
	n, skip := uint64(b[0]), 1
	switch b[0] {
	case 0xfd:
		n, skip = uint64(binary.LittleEndian.Uint16(b[1:])), 3
	case 0xfe:
		n, skip = uint64(binary.LittleEndian.Uint32(b[1:])), 5
	}
	end := skip + int(n)
	return b[skip:end:end]
}

// Items returns all items, in order.
func (w Witness) Items() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range w.offs {
			if !yield(w.Item(i)) {
				return
			}
		}
	}
}

// Stack returns the items as a slice of views.
func (w Witness) Stack() [][]byte {
	if len(w.offs) == 0 {
		return nil
	}
	s := make([][]byte, len(w.offs))
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
	witness  uint32 // where in raw the witness starts; 0 if there is none
	hashed   bool   // whether the ids below have been filled in
	txid     Hash
	wtxid    Hash
	baseSize uint32 // length without marker, flag and witness
}

// ParseTx parses one transaction that fills all of raw, as BIP144 encodes it,
// and hashes its ids. The transaction keeps raw.
func ParseTx(raw []byte) (*Tx, error) {
	var p txParser
	c := NewCursor(raw, "tx")
	p.parse(&c)
	if err := c.End(); err != nil {
		return nil, err
	}
	p.link()
	tx := &p.txs[0]
	tx.fillIDs(nil)
	return tx, nil
}

// NewTx encodes a transaction and returns it parsed. It has a witness if any
// input has one. It panics if the transaction has no encoding of its own: if
// it is larger than any block, or has outputs but no inputs, which would read
// as the marker of a witness.
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
	tx, err := ParseTx(raw)
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

// txParser parses consecutive transactions into shared arrays, so that a
// block of any size costs a handful of allocations. The arrays may move while
// they grow; link cuts them into transactions at the end.
type txParser struct {
	txs    []Tx
	ins    []TxIn
	outs   []TxOut
	offs   []uint32 // of witness items, relative to the parsed buffer
	nOffs  []uint32 // witness items of each input that may have some, in order
	counts []txCount
}

type txCount struct{ in, out uint32 }

// grow prepares for n bytes of transactions of ordinary shape.
func (p *txParser) grow(count, n int) {
	p.txs = make([]Tx, 0, count)
	p.counts = make([]txCount, 0, count)
	// Ordinary transactions have an input for about every 150 bytes and an
	// output for about every 120; short of that the arrays grow.
	p.ins = make([]TxIn, 0, n/150+1)
	p.outs = make([]TxOut, 0, n/120+1)
	p.offs = make([]uint32, 0, n/80+1)
}

// parse reads one transaction.
func (p *txParser) parse(c *Cursor) {
	start := c.off
	p.txs = append(p.txs, Tx{})
	tx := &p.txs[len(p.txs)-1]
	tx.Version = int32(c.Uint32())

	segwit := false
	nIn := c.Count(MaxBlockSize/minTxInSize, minTxInSize)
	nOut := -1
	if nIn == 0 && c.err == nil {
		// An empty input list is the marker of BIP144, and what follows its
		// flag; a zero flag is the count of an empty output list.
		switch flag := c.Uint8(); flag {
		case 0:
			nOut = 0
		case 1:
			segwit = true
			nIn = c.Count(MaxBlockSize/minTxInSize, minTxInSize)
		default:
			c.Failf("unknown flag %d", flag)
		}
	}
	// The counts were checked against what is left of the input, so making
	// room for all at once stays in proportion to it.
	firstIn := len(p.ins)
	p.ins = slices.Grow(p.ins, nIn)[:firstIn+nIn]
	ins := p.ins[firstIn:]
	for i := range ins {
		b := c.Bytes(OutPointSize)
		if b == nil {
			return
		}
		in := &ins[i]
		copy(in.PrevOut.Hash[:], b)
		in.PrevOut.Index = binary.LittleEndian.Uint32(b[HashSize:])
		in.Script = c.VarBytes(MaxBlockSize)
		in.Sequence = c.Uint32()
	}
	if nOut < 0 {
		nOut = c.Count(MaxBlockSize/minTxOutSize, minTxOutSize)
	}
	firstOut := len(p.outs)
	p.outs = slices.Grow(p.outs, nOut)[:firstOut+nOut]
	outs := p.outs[firstOut:]
	for i := range outs {
		outs[i].Value = int64(c.Uint64())
		outs[i].Script = c.VarBytes(MaxBlockSize)
		if c.err != nil {
			return
		}
	}
	if segwit {
		tx.witness = uint32(c.off - start)
		if !p.parseWitness(c, ins) {
			c.Failf("superfluous witness")
		}
	}
	tx.LockTime = c.Uint32()
	if c.err != nil {
		return
	}
	tx.raw = c.buf[start:c.off:c.off]
	tx.baseSize = uint32(len(tx.raw))
	if segwit {
		tx.baseSize = tx.witness - 2 + 4
	}
	p.counts = append(p.counts, txCount{uint32(nIn), uint32(nOut)})
}

// parseWitness reads the witness stacks of ins and reports whether any has an
// item.
func (p *txParser) parseWitness(c *Cursor, ins []TxIn) bool {
	any := false
	for i := range ins {
		n := c.Count(MaxBlockSize, 1)
		p.nOffs = append(p.nOffs, uint32(n))
		for range n {
			p.offs = append(p.offs, uint32(c.off))
			c.VarBytes(MaxBlockSize)
		}
		if n > 0 && c.err == nil {
			any = true
			ins[i].Witness.raw = c.buf
		}
	}
	return any || c.err != nil
}

// link cuts the shared arrays into the transactions' own slices.
func (p *txParser) link() {
	for i := range p.txs {
		tx, n := &p.txs[i], p.counts[i]
		tx.In, p.ins = p.ins[:n.in:n.in], p.ins[n.in:]
		tx.Out, p.outs = p.outs[:n.out:n.out], p.outs[n.out:]
		if tx.witness == 0 {
			continue
		}
		for j := range tx.In {
			k := p.nOffs[j]
			tx.In[j].Witness.offs, p.offs = p.offs[:k:k], p.offs[k:]
		}
		p.nOffs = p.nOffs[len(tx.In):]
	}
}
