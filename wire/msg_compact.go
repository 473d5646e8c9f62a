package wire

import (
	"encoding/binary"
	"math"
)

const (
	// CompactBlocksWitness is the version of compact blocks whose short ids
	// are made of witness ids (BIP152). It is the only one still in use.
	CompactBlocksWitness = 2

	// ShortIDSize is the length of a short id on the wire, in bytes.
	ShortIDSize = 6

	// maxCompactIndex is the highest position of a transaction in a block
	// that the messages of BIP152 can name.
	maxCompactIndex = math.MaxUint16
)

// MsgSendCmpct says whether and how blocks shall be announced by compact
// blocks (BIP152).
type MsgSendCmpct struct {
	Announce bool // send new blocks at once, unasked ("high bandwidth")
	Version  uint64
}

// Command implements [Message].
func (*MsgSendCmpct) Command() string { return CmdSendCmpct }

// AppendPayload implements [Message].
func (m *MsgSendCmpct) AppendPayload(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(appendBool(dst, m.Announce), m.Version)
}

func (m *MsgSendCmpct) decode(c *Cursor) {
	announce := c.Uint8()
	m.Announce = announce == 1
	m.Version = c.Uint64()
	if announce > 1 {
		c.Excess("announce is %d, neither 0 nor 1", announce)
	}
}

// PrefilledTx is a transaction that a compact block carries whole.
type PrefilledTx struct {
	Index uint16 // its position in the block
	Tx    *Tx
}

// MsgCmpctBlock brings a block with most of its transactions replaced by
// short ids (BIP152).
type MsgCmpctBlock struct {
	Header    Header
	Nonce     uint64        // seeds the short ids, with the header
	ShortIDs  []uint64      // 48 bits each, in the order of the block
	Prefilled []PrefilledTx // by rising index
}

// Command implements [Message].
func (*MsgCmpctBlock) Command() string { return CmdCmpctBlock }

// TxCount returns how many transactions the block has.
func (m *MsgCmpctBlock) TxCount() int { return len(m.ShortIDs) + len(m.Prefilled) }

// AppendPayload implements [Message].
func (m *MsgCmpctBlock) AppendPayload(dst []byte) []byte {
	dst = m.Header.Append(dst)
	dst = binary.LittleEndian.AppendUint64(dst, m.Nonce)
	dst = AppendCompactSize(dst, uint64(len(m.ShortIDs)))
	for _, id := range m.ShortIDs {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(id))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(id>>32))
	}
	dst = AppendCompactSize(dst, uint64(len(m.Prefilled)))
	next := 0
	for _, p := range m.Prefilled {
		dst = AppendCompactSize(dst, uint64(int(p.Index)-next))
		dst = append(dst, p.Tx.Bytes()...)
		next = int(p.Index) + 1
	}
	return dst
}

func (m *MsgCmpctBlock) decode(c *Cursor) {
	m.Header = c.Header()
	m.Nonce = c.Uint64()
	m.ShortIDs = make([]uint64, c.Count(maxCompactIndex, ShortIDSize))
	for i := range m.ShortIDs {
		low := c.Uint32()
		m.ShortIDs[i] = uint64(low) | uint64(c.Uint16())<<32
	}
	n := c.Count(maxCompactIndex-len(m.ShortIDs), 1+minTxSize)
	m.Prefilled = make([]PrefilledTx, n)
	starts := make([]int, n)
	var s shape
	index := differences{}
	for i := range n {
		at := index.read(c)
		// The transactions before this one are prefilled or have a short id.
		if at > len(m.ShortIDs)+i {
			c.Failf("prefilled transaction %d is beyond the block's end", at)
		}
		m.Prefilled[i].Index = uint16(at)
		starts[i] = c.off
		if c.skim(&s); c.err != nil {
			return
		}
	}
	f := newFiller(c.buf, s)
	txs := make([]Tx, n)
	for i := range txs {
		f.off = starts[i]
		f.fill(&txs[i])
		m.Prefilled[i].Tx = &txs[i]
	}
	hashAll(txs)
}

// differences reads rising positions, each given as how many were left out
// since the one before.
type differences struct{ next uint64 }

// read returns the next position, which fits 16 bits. It fails otherwise.
func (d *differences) read(c *Cursor) int {
	at := d.next + c.CompactSize()
	if at > maxCompactIndex {
		c.Failf("transaction index %d overflows 16 bits", at)
		return 0
	}
	d.next = at + 1
	return int(at)
}

// MsgGetBlockTxn asks for transactions of a block that a compact block did
// not bring (BIP152).
type MsgGetBlockTxn struct {
	BlockHash Hash
	Indexes   []uint16 // positions in the block, rising
}

// Command implements [Message].
func (*MsgGetBlockTxn) Command() string { return CmdGetBlockTxn }

// AppendPayload implements [Message].
func (m *MsgGetBlockTxn) AppendPayload(dst []byte) []byte {
	dst = append(dst, m.BlockHash[:]...)
	dst = AppendCompactSize(dst, uint64(len(m.Indexes)))
	next := 0
	for _, at := range m.Indexes {
		dst = AppendCompactSize(dst, uint64(int(at)-next))
		next = int(at) + 1
	}
	return dst
}

func (m *MsgGetBlockTxn) decode(c *Cursor) {
	m.BlockHash = c.Hash()
	m.Indexes = make([]uint16, c.Count(maxCompactIndex+1, 1))
	index := differences{}
	for i := range m.Indexes {
		m.Indexes[i] = uint16(index.read(c))
		if c.err != nil {
			return
		}
	}
}

// MsgBlockTxn answers [MsgGetBlockTxn].
type MsgBlockTxn struct {
	BlockHash Hash
	Txs       []*Tx // in the order asked for
}

// Command implements [Message].
func (*MsgBlockTxn) Command() string { return CmdBlockTxn }

// AppendPayload implements [Message].
func (m *MsgBlockTxn) AppendPayload(dst []byte) []byte {
	dst = append(dst, m.BlockHash[:]...)
	dst = AppendCompactSize(dst, uint64(len(m.Txs)))
	for _, tx := range m.Txs {
		dst = append(dst, tx.Bytes()...)
	}
	return dst
}

func (m *MsgBlockTxn) decode(c *Cursor) {
	m.BlockHash = c.Hash()
	txs := c.txs(c.Count(maxCompactIndex+1, minTxSize))
	hashAll(txs)
	m.Txs = make([]*Tx, len(txs))
	for i := range txs {
		m.Txs[i] = &txs[i]
	}
}
