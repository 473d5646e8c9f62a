package wire

import "encoding/binary"

const (
	// MaxUserAgent is the longest user agent in a version message, in bytes
	// (BIP14 sets none; this is Bitcoin Core's).
	MaxUserAgent = 256

	// MinFeatureID and MaxFeatureID bound the length of a feature's id
	// (BIP434).
	MinFeatureID = 4
	MaxFeatureID = 80

	// MaxFeatureData is the longest data that a feature message may carry, in
	// bytes (BIP434).
	MaxFeatureData = 512

	// versionAddrSize is an address without time.
	versionAddrSize = 8 + 16 + 2

	maxVersionSize = 4 + 8 + 8 + 2*versionAddrSize + 8 + 3 + MaxUserAgent + 4 + 1
)

// MsgVersion opens a connection: each side sends one, first of all. The Time
// fields of its addresses do not travel.
type MsgVersion struct {
	Version     int32
	Services    ServiceFlag
	Timestamp   int64 // seconds since 1970
	AddrRecv    NetAddr
	AddrFrom    NetAddr
	Nonce       uint64 // tells a node that it has connected to itself
	UserAgent   string // BIP14
	StartHeight int32
	Relay       bool // whether to announce transactions from the start (BIP37)
}

// Command implements [Message].
func (*MsgVersion) Command() string { return CmdVersion }

// AppendPayload implements [Message].
func (m *MsgVersion) AppendPayload(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.Version))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(m.Services))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(m.Timestamp))
	dst = m.AddrRecv.appendV1(dst)
	dst = m.AddrFrom.appendV1(dst)
	dst = binary.LittleEndian.AppendUint64(dst, m.Nonce)
	dst = AppendVarBytes(dst, []byte(m.UserAgent))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.StartHeight))
	return appendBool(dst, m.Relay)
}

// decode follows the history of the message: everything after the receiver's
// address came later, and may be missing from some point on.
func (m *MsgVersion) decode(c *Cursor) {
	m.Version = int32(c.Uint32())
	m.Services = ServiceFlag(c.Uint64())
	m.Timestamp = int64(c.Uint64())
	m.AddrRecv = c.addrV1()
	m.Relay = true
	if c.Left() == 0 {
		// The address that says nothing, as it would have travelled.
		m.AddrFrom = NetAddr{Network: NetIPv6, Addr: make([]byte, 16)}
		return
	}
	m.AddrFrom = c.addrV1()
	m.Nonce = c.Uint64()
	if c.Left() == 0 {
		return
	}
	m.UserAgent = string(c.VarBytes(MaxUserAgent))
	if c.Left() == 0 {
		return
	}
	m.StartHeight = int32(c.Uint32())
	if c.Left() == 0 {
		return
	}
	m.Relay = c.Uint8() != 0
}

// MsgVerack says that the peer's version has been received and accepted.
type MsgVerack struct{}

// Command implements [Message].
func (*MsgVerack) Command() string { return CmdVerack }

// AppendPayload implements [Message].
func (*MsgVerack) AppendPayload(dst []byte) []byte { return dst }

func (*MsgVerack) decode(*Cursor) {}

// MsgWTxIDRelay asks for transactions to be announced by witness id (BIP339).
// It is valid only before verack.
type MsgWTxIDRelay struct{}

// Command implements [Message].
func (*MsgWTxIDRelay) Command() string { return CmdWTxIDRelay }

// AppendPayload implements [Message].
func (*MsgWTxIDRelay) AppendPayload(dst []byte) []byte { return dst }

func (*MsgWTxIDRelay) decode(*Cursor) {}

// MsgSendAddrV2 asks for addresses in the form of addrv2 (BIP155). It is
// valid only before verack.
type MsgSendAddrV2 struct{}

// Command implements [Message].
func (*MsgSendAddrV2) Command() string { return CmdSendAddrV2 }

// AppendPayload implements [Message].
func (*MsgSendAddrV2) AppendPayload(dst []byte) []byte { return dst }

func (*MsgSendAddrV2) decode(*Cursor) {}

// MsgSendTxRcncl offers to reconcile sets of transactions (BIP330). It is
// valid only before verack.
type MsgSendTxRcncl struct {
	Version uint32
	Salt    uint64 // this side's part of the salt of short ids
}

// Command implements [Message].
func (*MsgSendTxRcncl) Command() string { return CmdSendTxRcncl }

// AppendPayload implements [Message].
func (m *MsgSendTxRcncl) AppendPayload(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, m.Version)
	return binary.LittleEndian.AppendUint64(dst, m.Salt)
}

func (m *MsgSendTxRcncl) decode(c *Cursor) {
	m.Version = c.Uint32()
	m.Salt = c.Uint64()
}

// MsgFeature announces one feature, by a name that is unique in the world
// (BIP434). It is valid only before verack. Features that are not known are
// to be ignored.
type MsgFeature struct {
	ID   string // [MinFeatureID] to [MaxFeatureID] bytes
	Data []byte // what the feature's own specification says
}

// Command implements [Message].
func (*MsgFeature) Command() string { return CmdFeature }

// AppendPayload implements [Message].
func (m *MsgFeature) AppendPayload(dst []byte) []byte {
	dst = AppendVarBytes(dst, []byte(m.ID))
	return AppendVarBytes(dst, m.Data)
}

func (m *MsgFeature) decode(c *Cursor) {
	id := c.VarBytes(MaxFeatureID)
	if len(id) < MinFeatureID {
		c.Failf("feature id is too short")
	}
	m.ID = string(id)
	m.Data = c.VarBytes(MaxFeatureData)
	// The payload holds exactly these two fields, whatever the feature.
	c.End()
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}
