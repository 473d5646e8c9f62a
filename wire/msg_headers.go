package wire

import "encoding/binary"

const (
	// MaxHeaders is how many headers a headers message may hold.
	MaxHeaders = 2000

	// MaxGetBlocks is how many block hashes answer a getblocks message.
	MaxGetBlocks = 500

	// MaxLocator is how many hashes a block locator may hold. One of ordinary
	// shape holds about ten plus the logarithm of the chain's height.
	MaxLocator = 101

	maxLocatorSize = 4 + 3 + MaxLocator*HashSize + HashSize
)

func appendHashes(dst []byte, hashes []Hash) []byte {
	dst = AppendCompactSize(dst, uint64(len(hashes)))
	for i := range hashes {
		dst = append(dst, hashes[i][:]...)
	}
	return dst
}

func (c *Cursor) hashes(limit int) []Hash {
	hashes := make([]Hash, c.Count(limit, HashSize))
	for i := range hashes {
		hashes[i] = c.Hash()
	}
	return hashes
}

// MsgGetHeaders asks for the headers that follow the first hash of the
// locator that the peer's best chain holds.
type MsgGetHeaders struct {
	Version uint32 // protocol version; nobody reads it
	Locator []Hash // from the sender's tip backwards, ever sparser
	Stop    Hash   // the last header wanted; zero for as many as fit
}

// Command implements [Message].
func (*MsgGetHeaders) Command() string { return CmdGetHeaders }

// AppendPayload implements [Message].
func (m *MsgGetHeaders) AppendPayload(dst []byte) []byte {
	return appendLocator(dst, m.Version, m.Locator, m.Stop)
}

func (m *MsgGetHeaders) decode(c *Cursor) { m.Version, m.Locator, m.Stop = c.locator() }

// MsgGetBlocks asks for an inv of the blocks that follow the first hash of
// the locator that the peer's best chain holds.
type MsgGetBlocks struct {
	Version uint32 // protocol version; nobody reads it
	Locator []Hash // from the sender's tip backwards, ever sparser
	Stop    Hash   // the last block wanted; zero for as many as fit
}

// Command implements [Message].
func (*MsgGetBlocks) Command() string { return CmdGetBlocks }

// AppendPayload implements [Message].
func (m *MsgGetBlocks) AppendPayload(dst []byte) []byte {
	return appendLocator(dst, m.Version, m.Locator, m.Stop)
}

func (m *MsgGetBlocks) decode(c *Cursor) { m.Version, m.Locator, m.Stop = c.locator() }

func appendLocator(dst []byte, version uint32, locator []Hash, stop Hash) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, version)
	dst = appendHashes(dst, locator)
	return append(dst, stop[:]...)
}

func (c *Cursor) locator() (version uint32, locator []Hash, stop Hash) {
	version = c.Uint32()
	locator = c.hashes(MaxLocator)
	return version, locator, c.Hash()
}

// MsgHeaders brings headers, each linked to the one before.
type MsgHeaders struct{ Headers []Header }

// Command implements [Message].
func (*MsgHeaders) Command() string { return CmdHeaders }

// AppendPayload implements [Message].
func (m *MsgHeaders) AppendPayload(dst []byte) []byte {
	dst = AppendCompactSize(dst, uint64(len(m.Headers)))
	for i := range m.Headers {
		// A header travels as a block without transactions.
		dst = append(m.Headers[i].Append(dst), 0)
	}
	return dst
}

func (m *MsgHeaders) decode(c *Cursor) {
	m.Headers = make([]Header, c.Count(MaxHeaders, HeaderSize+1))
	for i := range m.Headers {
		m.Headers[i] = c.Header()
		c.CompactSize() // the transaction count means nothing here
	}
}

// MsgSendHeaders asks for blocks to be announced by headers instead of inv
// (BIP130).
type MsgSendHeaders struct{}

// Command implements [Message].
func (*MsgSendHeaders) Command() string { return CmdSendHeaders }

// AppendPayload implements [Message].
func (*MsgSendHeaders) AppendPayload(dst []byte) []byte { return dst }

func (*MsgSendHeaders) decode(*Cursor) {}
