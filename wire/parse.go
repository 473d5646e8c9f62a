package wire

import "encoding/binary"

// Transactions are parsed in two passes. The first (skim) checks the structure
// and counts; the second (fill) makes the views, in arrays that are exactly
// large enough. So a block of any size costs a handful of allocations, nothing
// is allocated for input that does not parse, and the second pass reads
// without checks. Going over the bytes twice costs far less than arrays that
// grow, or that are larger than needed.

// shape counts what a number of transactions hold.
type shape struct {
	ins, outs int
	items     int // witness items
}

// skim checks the structure of one transaction and adds what it holds to s.
func (c *Cursor) skim(s *shape) {
	c.Bytes(4) // version
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
	for range nIn {
		c.Bytes(OutPointSize)
		c.skipVarBytes()
		c.Bytes(4) // sequence
	}
	if nOut < 0 {
		nOut = c.Count(MaxBlockSize/minTxOutSize, minTxOutSize)
	}
	for range nOut {
		c.Bytes(8) // value
		c.skipVarBytes()
	}
	if segwit {
		items := 0
		for range nIn {
			n := c.Count(MaxBlockSize, 1)
			items += n
			for range n {
				c.skipVarBytes()
			}
		}
		if items == 0 {
			c.Failf("superfluous witness")
		}
		s.items += items
	}
	c.Bytes(4) // lock time
	s.ins += nIn
	s.outs += nOut
}

// skipVarBytes moves past a compact size and that many bytes.
func (c *Cursor) skipVarBytes() {
	if c.off < len(c.buf) {
		// Nearly all lengths are a single byte.
		if n := int(c.buf[c.off]); n < 0xfd && n < len(c.buf)-c.off && c.err == nil {
			c.off += 1 + n
			return
		}
	}
	c.VarBytes(MaxBlockSize)
}

// knownSize reads the compact size at off of b, which must have been checked
// before, and returns its value and where it ends.
func knownSize(b []byte, off int) (n, end int) {
	switch first := b[off]; first {
	default:
		return int(first), off + 1
	case 0xfd:
		return int(binary.LittleEndian.Uint16(b[off+1:])), off + 3
	case 0xfe:
		return int(binary.LittleEndian.Uint32(b[off+1:])), off + 5
	}
}

// filler makes the views of transactions that have been skimmed.
type filler struct {
	buf  []byte
	off  int
	ins  []TxIn  // room for inputs that are still to come
	outs []TxOut // room for outputs that are still to come
	set  *witnessSet
}

// newFiller returns a filler for transactions in buf that have the shape s.
func newFiller(buf []byte, s shape) filler {
	f := filler{buf: buf, ins: make([]TxIn, s.ins), outs: make([]TxOut, s.outs)}
	if s.items > 0 {
		f.set = &witnessSet{raw: buf, offs: make([]uint32, 0, s.items)}
	}
	return f
}

func (f *filler) size() int {
	n, end := knownSize(f.buf, f.off)
	f.off = end
	return n
}

func (f *filler) varBytes() []byte {
	n, start := knownSize(f.buf, f.off)
	f.off = start + n
	return f.buf[start:f.off:f.off]
}

// fill reads one transaction into tx. Its ids are not hashed.
func (f *filler) fill(tx *Tx) {
	buf, start := f.buf, f.off
	tx.Version = int32(binary.LittleEndian.Uint32(buf[start:]))
	f.off += 4
	// A marker is followed by a flag that is not zero.
	segwit := buf[f.off] == 0 && buf[f.off+1] != 0
	if segwit {
		f.off += 2
	}
	n := f.size()
	tx.In, f.ins = f.ins[:n:n], f.ins[n:]
	for i := range tx.In {
		in := &tx.In[i]
		b := buf[f.off : f.off+OutPointSize]
		in.PrevOut.Hash = Hash(b[:HashSize])
		in.PrevOut.Index = binary.LittleEndian.Uint32(b[HashSize:])
		f.off += OutPointSize
		in.Script = f.varBytes()
		in.Sequence = binary.LittleEndian.Uint32(buf[f.off:])
		f.off += 4
	}
	n = f.size()
	tx.Out, f.outs = f.outs[:n:n], f.outs[n:]
	for i := range tx.Out {
		out := &tx.Out[i]
		out.Value = int64(binary.LittleEndian.Uint64(buf[f.off:]))
		f.off += 8
		out.Script = f.varBytes()
	}
	if segwit {
		tx.witness = uint32(f.off - start)
		for i := range tx.In {
			f.fillWitness(&tx.In[i].Witness)
		}
	}
	tx.LockTime = binary.LittleEndian.Uint32(buf[f.off:])
	f.off += 4
	tx.raw = buf[start:f.off:f.off]
	tx.baseSize = uint32(len(tx.raw))
	if segwit {
		tx.baseSize = tx.witness - 2 + 4
	}
}

func (f *filler) fillWitness(w *Witness) {
	n := f.size()
	if n == 0 {
		return
	}
	offs, off := f.set.offs, f.off
	*w = Witness{set: f.set, first: uint32(len(offs)), n: uint32(n)}
	for range n {
		offs = append(offs, uint32(off))
		size, start := knownSize(f.buf, off)
		off = start + size
	}
	f.set.offs, f.off = offs, off
}

// tx reads one transaction and hashes its ids. It returns nil on failure.
func (c *Cursor) tx() *Tx {
	txs := c.txs(1)
	if txs == nil {
		return nil
	}
	txs[0].fillIDs(nil)
	return &txs[0]
}

// txs reads n transactions, n being at least 1, without hashing their ids. It
// returns nil on failure.
func (c *Cursor) txs(n int) []Tx {
	start, s := c.off, shape{}
	for range n {
		if c.skim(&s); c.err != nil {
			return nil
		}
	}
	f := newFiller(c.buf, s)
	f.off = start
	txs := make([]Tx, n)
	for i := range txs {
		f.fill(&txs[i])
	}
	return txs
}

// hashAll hashes the ids of txs that have none yet.
func hashAll(txs []Tx) {
	var scratch []byte
	for i := range txs {
		if !txs[i].hashed {
			scratch = txs[i].fillIDs(scratch)
		}
	}
}
