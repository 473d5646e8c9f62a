package wire

// Block is a block: its bytes, and views into them. It is immutable once
// made, but for [Block.HashTxs], and safe for concurrent use.
type Block struct {
	Header Header
	Txs    []Tx

	raw  []byte
	hash Hash
}

// ParseBlock parses a block that fills all of raw. Every input, output and
// witness item is bounds-checked and addressable afterwards; transaction ids
// are not hashed yet, see [Block.HashTxs]. The block keeps raw.
func ParseBlock(raw []byte) (*Block, error) {
	c := NewCursor(raw, "block")
	b := &Block{raw: raw, Header: c.Header()}
	b.Txs = c.txs(c.Count(MaxBlockSize/minTxSize, minTxSize))
	if err := c.End(); err != nil {
		return nil, err
	}
	b.hash = DoubleHash(raw[:HeaderSize])
	return b, nil
}

// NewBlock encodes a block and returns it parsed, with its ids hashed. Those
// of transactions that have been hashed before are taken over.
func NewBlock(h Header, txs []*Tx) *Block {
	raw := h.Append(nil)
	raw = AppendCompactSize(raw, uint64(len(txs)))
	for _, tx := range txs {
		raw = append(raw, tx.Bytes()...)
	}
	b, err := ParseBlock(raw)
	if err != nil {
		// Only a block beyond every size limit gets here.
		panic("wire: NewBlock made a block that does not parse: " + err.Error())
	}
	for i, tx := range txs {
		if tx.hashed {
			// The same bytes have the same ids.
			b.Txs[i].txid, b.Txs[i].wtxid, b.Txs[i].hashed = tx.txid, tx.wtxid, true
		}
	}
	b.HashTxs()
	return b
}

// HashTxs hashes the ids of all transactions, so that TxID and WTxID are free
// from then on. It must be called before the block is shared, and may be
// called again.
func (b *Block) HashTxs() { hashAll(b.Txs) }

// Hash returns the block's id.
func (b *Block) Hash() Hash { return b.hash }

// Bytes returns the block as it travels, witnesses included. The caller must
// not change it.
func (b *Block) Bytes() []byte { return b.raw }

// Size returns the length of the block in bytes, witnesses included.
func (b *Block) Size() int { return len(b.raw) }

// BaseSize returns the length in bytes without witnesses.
func (b *Block) BaseSize() int {
	n := HeaderSize + CompactSizeLen(uint64(len(b.Txs)))
	for i := range b.Txs {
		n += b.Txs[i].BaseSize()
	}
	return n
}

// Weight returns the block's weight in weight units (BIP141).
func (b *Block) Weight() int { return b.BaseSize()*(WitnessScale-1) + b.Size() }

// AppendBase adds the encoding without witnesses to dst, the form that peers
// without NODE_WITNESS get.
func (b *Block) AppendBase(dst []byte) []byte {
	dst = append(dst, b.raw[:HeaderSize]...)
	dst = AppendCompactSize(dst, uint64(len(b.Txs)))
	for i := range b.Txs {
		dst = b.Txs[i].AppendBase(dst)
	}
	return dst
}

// TxOffset returns where transaction i starts in the block's bytes.
func (b *Block) TxOffset(i int) int { return int(b.Txs[i].pos) }
