package wire

import "bytes"

// MsgBlock brings a block. It keeps the block's bytes and parses them only
// when asked, so that blocks can be served from disk as they are, and parsed
// where there is time for it.
type MsgBlock struct{ Raw []byte }

// Command implements [Message].
func (*MsgBlock) Command() string { return CmdBlock }

// AppendPayload implements [Message].
func (m *MsgBlock) AppendPayload(dst []byte) []byte { return append(dst, m.Raw...) }

// decode checks no more than that there is a header, so that Header and Hash
// can be trusted to mean something.
func (m *MsgBlock) decode(c *Cursor) {
	m.Raw = c.buf
	c.Bytes(HeaderSize + 1)
}

// Header returns the block's header. It is zero if there are not enough bytes
// for one, which cannot be in a message that was received.
func (m *MsgBlock) Header() Header {
	h, _ := DecodeHeader(m.Raw)
	return h
}

// Hash returns the block's id.
func (m *MsgBlock) Hash() Hash { return DoubleHash(m.Raw[:min(len(m.Raw), HeaderSize)]) }

// MsgTx brings a transaction.
type MsgTx struct {
	Tx *Tx
	// Base leaves the witness out when the message is sent, for peers that
	// asked for the transaction in the older form.
	Base bool
}

// Command implements [Message].
func (*MsgTx) Command() string { return CmdTx }

// AppendPayload implements [Message].
func (m *MsgTx) AppendPayload(dst []byte) []byte {
	if m.Base {
		return m.Tx.AppendBase(dst)
	}
	return append(dst, m.Tx.Bytes()...)
}

func (m *MsgTx) decode(c *Cursor) {
	m.Tx = c.tx()
	if m.Tx == nil || c.Left() == 0 {
		return
	}
	// Bytes that follow are ignored. The transaction may be kept for long and
	// is counted by its size, so it must not keep them as well.
	own, err := ParseTx(bytes.Clone(m.Tx.Bytes()))
	if err != nil {
		c.Failf("%v", err)
	}
	m.Tx = own
}

// MsgMempool asks for an inv of the transactions in the pool (BIP35).
type MsgMempool struct{}

// Command implements [Message].
func (*MsgMempool) Command() string { return CmdMempool }

// AppendPayload implements [Message].
func (*MsgMempool) AppendPayload(dst []byte) []byte { return dst }

func (*MsgMempool) decode(*Cursor) {}
