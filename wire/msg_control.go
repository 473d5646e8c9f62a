package wire

import (
	"encoding/binary"
	"fmt"
)

const (
	// maxRejectReason is the longest reason in a reject message, as Bitcoin
	// Core had it, in bytes.
	maxRejectReason = 111

	// Nobody passes alerts on any more; the largest that ever were are far
	// below these sizes.
	maxAlertPayload   = 4096
	maxAlertSignature = 256
)

// MsgPing asks for a pong with the same nonce (BIP31).
type MsgPing struct {
	Nonce    uint64
	HasNonce bool // false in the form before BIP31, which is not answered
}

// Command implements [Message].
func (*MsgPing) Command() string { return CmdPing }

// AppendPayload implements [Message].
func (m *MsgPing) AppendPayload(dst []byte) []byte { return appendNonce(dst, m.Nonce, m.HasNonce) }

func (m *MsgPing) decode(c *Cursor) { m.Nonce, m.HasNonce = c.nonce() }

// MsgPong answers [MsgPing] (BIP31).
type MsgPong struct {
	Nonce    uint64
	HasNonce bool // false if the peer sent a pong without one
}

// Command implements [Message].
func (*MsgPong) Command() string { return CmdPong }

// AppendPayload implements [Message].
func (m *MsgPong) AppendPayload(dst []byte) []byte { return appendNonce(dst, m.Nonce, m.HasNonce) }

func (m *MsgPong) decode(c *Cursor) { m.Nonce, m.HasNonce = c.nonce() }

func appendNonce(dst []byte, nonce uint64, has bool) []byte {
	if !has {
		return dst
	}
	return binary.LittleEndian.AppendUint64(dst, nonce)
}

// nonce reads a nonce if there is one. Fewer bytes than a nonce has are none.
func (c *Cursor) nonce() (uint64, bool) {
	if c.Left() < 8 {
		return 0, false
	}
	return c.Uint64(), true
}

// RejectCode says what was wrong with a rejected message (BIP61).
type RejectCode uint8

// The codes of BIP61.
const (
	RejectMalformed       RejectCode = 0x01
	RejectInvalid         RejectCode = 0x10
	RejectObsolete        RejectCode = 0x11
	RejectDuplicate       RejectCode = 0x12
	RejectNonstandard     RejectCode = 0x40
	RejectDust            RejectCode = 0x41
	RejectInsufficientFee RejectCode = 0x42
	RejectCheckpoint      RejectCode = 0x43
)

// String returns the code's name.
func (r RejectCode) String() string {
	switch r {
	case RejectMalformed:
		return "malformed"
	case RejectInvalid:
		return "invalid"
	case RejectObsolete:
		return "obsolete"
	case RejectDuplicate:
		return "duplicate"
	case RejectNonstandard:
		return "nonstandard"
	case RejectDust:
		return "dust"
	case RejectInsufficientFee:
		return "insufficient-fee"
	case RejectCheckpoint:
		return "checkpoint"
	}
	return fmt.Sprintf("reject-%#x", uint8(r))
}

// MsgReject says that a message was rejected, and why (BIP61). Bitcoin Core no
// longer sends it.
type MsgReject struct {
	Message string // command of the rejected message
	Code    RejectCode
	Reason  string
	HasHash bool
	Hash    Hash // of the rejected block or transaction
}

// Command implements [Message].
func (*MsgReject) Command() string { return CmdReject }

// AppendPayload implements [Message].
func (m *MsgReject) AppendPayload(dst []byte) []byte {
	dst = AppendVarBytes(dst, []byte(m.Message))
	dst = append(dst, byte(m.Code))
	dst = AppendVarBytes(dst, []byte(m.Reason))
	if m.HasHash {
		dst = append(dst, m.Hash[:]...)
	}
	return dst
}

func (m *MsgReject) decode(c *Cursor) {
	m.Message = string(c.VarBytes(maxCommand))
	m.Code = RejectCode(c.Uint8())
	m.Reason = string(c.VarBytes(maxRejectReason))
	if c.Left() >= HashSize {
		m.Hash, m.HasHash = c.Hash(), true
	}
}

// MsgAlert is a signed message to the users of all nodes. It was retired, as
// its key is public; it is known so that it can be named and ignored.
type MsgAlert struct {
	Payload   []byte
	Signature []byte
}

// Command implements [Message].
func (*MsgAlert) Command() string { return CmdAlert }

// AppendPayload implements [Message].
func (m *MsgAlert) AppendPayload(dst []byte) []byte {
	return AppendVarBytes(AppendVarBytes(dst, m.Payload), m.Signature)
}

func (m *MsgAlert) decode(c *Cursor) {
	m.Payload = c.VarBytes(maxAlertPayload)
	m.Signature = c.VarBytes(maxAlertSignature)
}

// MsgFeeFilter asks not to be told of transactions that pay less (BIP133).
type MsgFeeFilter struct {
	FeeRate int64 // in satoshi per 1,000 virtual bytes
}

// Command implements [Message].
func (*MsgFeeFilter) Command() string { return CmdFeeFilter }

// AppendPayload implements [Message].
func (m *MsgFeeFilter) AppendPayload(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(m.FeeRate))
}

func (m *MsgFeeFilter) decode(c *Cursor) { m.FeeRate = int64(c.Uint64()) }
