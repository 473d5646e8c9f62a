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
	// From here on the position is a local variable that may run past the end;
	// whatever reads a size there, or the last line, finds out.
	buf, off, n := c.buf, c.off, 0
	for range nIn {
		n, off = c.sizeAt(off + OutPointSize)
		off += n + 4 // script, sequence
	}
	if nOut < 0 {
		c.off = min(off, len(buf))
		nOut = c.Count(MaxBlockSize/minTxOutSize, minTxOutSize)
		off = c.off
	}
	for range nOut {
		n, off = c.sizeAt(off + 8) // value
		off += n
	}
	if segwit {
		items := 0
		for range nIn {
			var count int
			count, off = c.sizeAt(off)
			items += count
			for range count {
				n, off = c.sizeAt(off)
				off += n
			}
		}
		if items == 0 {
			c.Failf("superfluous witness")
		}
		s.items += items
	}
	if off += 4; off > len(buf) { // lock time
		c.short()
		off = len(buf)
	}
	c.off = off
	s.ins += nIn
	s.outs += nOut
}

// sizeAt reads the compact size at off, of bytes or of items of a byte at
// least, and returns where it ends. It fails, and returns 0, if less than that
// many bytes follow, except that for sizes below 253 the next read finds out.
func (c *Cursor) sizeAt(off int) (n, end int) {
	if b := c.buf; off < len(b) && b[off] < 0xfd {
		return int(b[off]), off + 1
	}
	return c.largeSizeAt(off)
}

func (c *Cursor) largeSizeAt(off int) (n, end int) {
	c.off = min(off, len(c.buf))
	n = c.Count(MaxBlockSize, 1)
	return n, c.off
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

// fill reads one transaction into tx. Its ids are not hashed.
func (f *filler) fill(tx *Tx) {
	buf, start := f.buf, f.off
	tx.Version = int32(binary.LittleEndian.Uint32(buf[start:]))
	off := start + 4
	// A marker is followed by a flag that is not zero.
	segwit := buf[off] == 0 && buf[off+1] != 0
	if segwit {
		off += 2
	}
	n, off := knownSize(buf, off)
	tx.In, f.ins = f.ins[:n:n], f.ins[n:]
	for i := range tx.In {
		in, b := &tx.In[i], buf[off:off+OutPointSize]
		in.PrevOut.Hash = Hash(b[:HashSize])
		in.PrevOut.Index = binary.LittleEndian.Uint32(b[HashSize:])
		n, off = knownSize(buf, off+OutPointSize)
		in.Script = buf[off : off+n : off+n]
		off += n
		in.Sequence = binary.LittleEndian.Uint32(buf[off:])
		off += 4
	}
	n, off = knownSize(buf, off)
	tx.Out, f.outs = f.outs[:n:n], f.outs[n:]
	for i := range tx.Out {
		out := &tx.Out[i]
		out.Value = int64(binary.LittleEndian.Uint64(buf[off:]))
		n, off = knownSize(buf, off+8)
		out.Script = buf[off : off+n : off+n]
		off += n
	}
	if segwit {
		tx.witness = uint32(off - start)
		offs := f.set.offs
		for i := range tx.In {
			var count int
			if count, off = knownSize(buf, off); count == 0 {
				continue
			}
			tx.In[i].Witness = Witness{set: f.set, first: uint32(len(offs)), n: uint32(count)}
			for range count {
				offs = append(offs, uint32(off))
				n, off = knownSize(buf, off)
				off += n
			}
		}
		f.set.offs = offs
	}
	tx.LockTime = binary.LittleEndian.Uint32(buf[off:])
	off += 4
	tx.raw = buf[start:off:off]
	tx.pos = uint32(start)
	tx.baseSize = uint32(len(tx.raw))
	if segwit {
		tx.baseSize = tx.witness - 2 + 4
	}
	f.off = off
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
	if len(c.buf) > MaxCompactSize {
		// Nothing of this size can be valid, and offsets have 32 bits.
		c.Failf("%d bytes are too many", len(c.buf))
	}
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
