package wire

import (
	"encoding/binary"
	"fmt"
)

const (
	// MaxInv is how many entries an inv, getdata or notfound message may
	// hold. Decoded they take 1.8 MB.
	MaxInv = 50_000

	// InvVectSize is the length of an encoded [InvVect] in bytes.
	InvVectSize = 4 + HashSize
)

// InvType says what the hash of an inventory entry names.
type InvType uint32

// The kinds of inventory. The two with bit 30 set are for getdata only.
const (
	InvTx            InvType = 1          // a transaction, by id
	InvBlock         InvType = 2          // a block
	InvFilteredBlock InvType = 3          // a merkleblock (BIP37)
	InvCmpctBlock    InvType = 4          // a compact block (BIP152)
	InvWTx           InvType = 5          // a transaction, by witness id (BIP339)
	InvWitnessTx     InvType = 0x40000001 // a transaction with its witness (BIP144)
	InvWitnessBlock  InvType = 0x40000002 // a block with its witnesses (BIP144)
)

// String returns a name such as "tx" or "witness-block".
func (t InvType) String() string {
	switch t {
	case InvTx:
		return "tx"
	case InvBlock:
		return "block"
	case InvFilteredBlock:
		return "filtered-block"
	case InvCmpctBlock:
		return "cmpct-block"
	case InvWTx:
		return "wtx"
	case InvWitnessTx:
		return "witness-tx"
	case InvWitnessBlock:
		return "witness-block"
	}
	return fmt.Sprintf("inv-%#x", uint32(t))
}

// IsTx reports whether t names a transaction in any form.
func (t InvType) IsTx() bool { return t == InvTx || t == InvWTx || t == InvWitnessTx }

// IsBlock reports whether t names a block in any form.
func (t InvType) IsBlock() bool {
	return t == InvBlock || t == InvFilteredBlock || t == InvCmpctBlock || t == InvWitnessBlock
}

// InvVect names one object that a node has or wants.
type InvVect struct {
	Type InvType
	Hash Hash
}

func appendInv(dst []byte, inv []InvVect) []byte {
	dst = AppendCompactSize(dst, uint64(len(inv)))
	for i := range inv {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(inv[i].Type))
		dst = append(dst, inv[i].Hash[:]...)
	}
	return dst
}

func (c *Cursor) inv() []InvVect {
	inv := make([]InvVect, c.Count(MaxInv, InvVectSize))
	for i := range inv {
		inv[i].Type = InvType(c.Uint32())
		inv[i].Hash = c.Hash()
	}
	return inv
}

// MsgInv announces objects.
type MsgInv struct{ Inv []InvVect }

// Command implements [Message].
func (*MsgInv) Command() string { return CmdInv }

// AppendPayload implements [Message].
func (m *MsgInv) AppendPayload(dst []byte) []byte { return appendInv(dst, m.Inv) }

func (m *MsgInv) decode(c *Cursor) { m.Inv = c.inv() }

// MsgGetData asks for objects.
type MsgGetData struct{ Inv []InvVect }

// Command implements [Message].
func (*MsgGetData) Command() string { return CmdGetData }

// AppendPayload implements [Message].
func (m *MsgGetData) AppendPayload(dst []byte) []byte { return appendInv(dst, m.Inv) }

func (m *MsgGetData) decode(c *Cursor) { m.Inv = c.inv() }

// MsgNotFound answers a getdata for objects that the node does not have.
type MsgNotFound struct{ Inv []InvVect }

// Command implements [Message].
func (*MsgNotFound) Command() string { return CmdNotFound }

// AppendPayload implements [Message].
func (m *MsgNotFound) AppendPayload(dst []byte) []byte { return appendInv(dst, m.Inv) }

func (m *MsgNotFound) decode(c *Cursor) { m.Inv = c.inv() }
