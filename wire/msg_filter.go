package wire

import "encoding/binary"

const (
	// MaxCFilters is how many blocks one getcfilters may cover (BIP157).
	MaxCFilters = 1000

	// MaxCFHeaders is how many filter hashes a cfheaders message may hold
	// (BIP157).
	MaxCFHeaders = 2000

	// CFCheckptInterval is the distance of the blocks whose filter headers a
	// cfcheckpt message holds (BIP157).
	CFCheckptInterval = 1000

	// maxCFCheckpts fills a message of the largest size, which is enough for
	// 124 million blocks.
	maxCFCheckpts = (MaxPayloadSize - 1 - HashSize - 5 - slack) / HashSize
)

// FilterType says how a block filter is built (BIP157).
type FilterType uint8

// FilterBasic is the filter of BIP158, the only one defined.
const FilterBasic FilterType = 0

// MsgGetCFilters asks for the filters of a range of blocks (BIP157).
type MsgGetCFilters struct {
	FilterType  FilterType
	StartHeight uint32
	Stop        Hash // the last block of the range
}

// Command implements [Message].
func (*MsgGetCFilters) Command() string { return CmdGetCFilters }

// AppendPayload implements [Message].
func (m *MsgGetCFilters) AppendPayload(dst []byte) []byte {
	dst = append(dst, byte(m.FilterType))
	dst = binary.LittleEndian.AppendUint32(dst, m.StartHeight)
	return append(dst, m.Stop[:]...)
}

func (m *MsgGetCFilters) decode(c *Cursor) {
	m.FilterType = FilterType(c.Uint8())
	m.StartHeight = c.Uint32()
	m.Stop = c.Hash()
}

// MsgCFilter brings the filter of one block (BIP157).
type MsgCFilter struct {
	FilterType FilterType
	BlockHash  Hash
	Filter     []byte // number of items, then the coded set (BIP158)
}

// Command implements [Message].
func (*MsgCFilter) Command() string { return CmdCFilter }

// AppendPayload implements [Message].
func (m *MsgCFilter) AppendPayload(dst []byte) []byte {
	dst = append(dst, byte(m.FilterType))
	dst = append(dst, m.BlockHash[:]...)
	return AppendVarBytes(dst, m.Filter)
}

func (m *MsgCFilter) decode(c *Cursor) {
	m.FilterType = FilterType(c.Uint8())
	m.BlockHash = c.Hash()
	m.Filter = c.VarBytes(MaxPayloadSize)
}

// MsgGetCFHeaders asks for the filter hashes of a range of blocks (BIP157).
type MsgGetCFHeaders struct {
	FilterType  FilterType
	StartHeight uint32
	Stop        Hash // the last block of the range
}

// Command implements [Message].
func (*MsgGetCFHeaders) Command() string { return CmdGetCFHeaders }

// AppendPayload implements [Message].
func (m *MsgGetCFHeaders) AppendPayload(dst []byte) []byte {
	dst = append(dst, byte(m.FilterType))
	dst = binary.LittleEndian.AppendUint32(dst, m.StartHeight)
	return append(dst, m.Stop[:]...)
}

func (m *MsgGetCFHeaders) decode(c *Cursor) {
	m.FilterType = FilterType(c.Uint8())
	m.StartHeight = c.Uint32()
	m.Stop = c.Hash()
}

// MsgCFHeaders brings the filter hashes of a range of blocks, from which the
// receiver chains the filter headers (BIP157).
type MsgCFHeaders struct {
	FilterType       FilterType
	Stop             Hash
	PrevFilterHeader Hash // of the block before the range
	FilterHashes     []Hash
}

// Command implements [Message].
func (*MsgCFHeaders) Command() string { return CmdCFHeaders }

// AppendPayload implements [Message].
func (m *MsgCFHeaders) AppendPayload(dst []byte) []byte {
	dst = append(dst, byte(m.FilterType))
	dst = append(dst, m.Stop[:]...)
	dst = append(dst, m.PrevFilterHeader[:]...)
	return appendHashes(dst, m.FilterHashes)
}

func (m *MsgCFHeaders) decode(c *Cursor) {
	m.FilterType = FilterType(c.Uint8())
	m.Stop = c.Hash()
	m.PrevFilterHeader = c.Hash()
	m.FilterHashes = c.hashes(MaxCFHeaders)
}

// MsgGetCFCheckpt asks for the filter headers of every 1,000th block (BIP157).
type MsgGetCFCheckpt struct {
	FilterType FilterType
	Stop       Hash
}

// Command implements [Message].
func (*MsgGetCFCheckpt) Command() string { return CmdGetCFCheckpt }

// AppendPayload implements [Message].
func (m *MsgGetCFCheckpt) AppendPayload(dst []byte) []byte {
	return append(append(dst, byte(m.FilterType)), m.Stop[:]...)
}

func (m *MsgGetCFCheckpt) decode(c *Cursor) {
	m.FilterType = FilterType(c.Uint8())
	m.Stop = c.Hash()
}

// MsgCFCheckpt brings the filter headers of every 1,000th block (BIP157).
type MsgCFCheckpt struct {
	FilterType    FilterType
	Stop          Hash
	FilterHeaders []Hash
}

// Command implements [Message].
func (*MsgCFCheckpt) Command() string { return CmdCFCheckpt }

// AppendPayload implements [Message].
func (m *MsgCFCheckpt) AppendPayload(dst []byte) []byte {
	dst = append(append(dst, byte(m.FilterType)), m.Stop[:]...)
	return appendHashes(dst, m.FilterHeaders)
}

func (m *MsgCFCheckpt) decode(c *Cursor) {
	m.FilterType = FilterType(c.Uint8())
	m.Stop = c.Hash()
	m.FilterHeaders = c.hashes(maxCFCheckpts)
}
