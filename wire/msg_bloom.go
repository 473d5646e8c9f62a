package wire

import "encoding/binary"

const (
	// MaxFilterSize is the largest bloom filter, in bytes (BIP37): enough for
	// 20,000 items at a false positive rate of 0.1 %.
	MaxFilterSize = 36_000

	// MaxFilterHashFuncs is the largest number of hash functions of a bloom
	// filter (BIP37).
	MaxFilterHashFuncs = 50

	// MaxFilterAdd is the longest item that can be added to a bloom filter,
	// the longest item a script can push (BIP37), in bytes.
	MaxFilterAdd = 520

	// maxMerkleTxs is the number of transactions of the smallest possible
	// size, 60 bytes, that fit in a block's weight.
	maxMerkleTxs = MaxBlockSize / (60 * WitnessScale)
	// maxMerkleFlags holds a bit for each node of the tree over that many
	// transactions: below twice their number, plus one for each level that
	// had to be filled up.
	maxMerkleFlags = (2*maxMerkleTxs + 16 + 7) / 8
)

// FilterFlags says which outputs a bloom filter shall add to itself when they
// match (BIP37).
type FilterFlags uint8

// The values of [FilterFlags].
const (
	FilterUpdateNone       FilterFlags = 0
	FilterUpdateAll        FilterFlags = 1
	FilterUpdatePubKeyOnly FilterFlags = 2 // pay to public key and bare multisig only
)

// MsgFilterLoad sets the connection's bloom filter (BIP37).
type MsgFilterLoad struct {
	Filter    []byte
	HashFuncs uint32
	Tweak     uint32 // random, added to the seed of each hash function
	Flags     FilterFlags
}

// Command implements [Message].
func (*MsgFilterLoad) Command() string { return CmdFilterLoad }

// AppendPayload implements [Message].
func (m *MsgFilterLoad) AppendPayload(dst []byte) []byte {
	dst = AppendVarBytes(dst, m.Filter)
	dst = binary.LittleEndian.AppendUint32(dst, m.HashFuncs)
	dst = binary.LittleEndian.AppendUint32(dst, m.Tweak)
	return append(dst, byte(m.Flags))
}

func (m *MsgFilterLoad) decode(c *Cursor) {
	m.Filter = c.VarBytes(MaxFilterSize)
	m.HashFuncs = c.Uint32()
	m.Tweak = c.Uint32()
	m.Flags = FilterFlags(c.Uint8())
	if m.HashFuncs > MaxFilterHashFuncs {
		c.Excess("%d hash functions, limit %d", m.HashFuncs, MaxFilterHashFuncs)
	}
}

// MsgFilterAdd adds an item to the connection's bloom filter (BIP37).
type MsgFilterAdd struct{ Data []byte }

// Command implements [Message].
func (*MsgFilterAdd) Command() string { return CmdFilterAdd }

// AppendPayload implements [Message].
func (m *MsgFilterAdd) AppendPayload(dst []byte) []byte { return AppendVarBytes(dst, m.Data) }

func (m *MsgFilterAdd) decode(c *Cursor) { m.Data = c.VarBytes(MaxFilterAdd) }

// MsgFilterClear removes the connection's bloom filter (BIP37).
type MsgFilterClear struct{}

// Command implements [Message].
func (*MsgFilterClear) Command() string { return CmdFilterClear }

// AppendPayload implements [Message].
func (*MsgFilterClear) AppendPayload(dst []byte) []byte { return dst }

func (*MsgFilterClear) decode(*Cursor) {}

// MsgMerkleBlock brings a block's header and the proof that some transactions
// are in it (BIP37).
type MsgMerkleBlock struct {
	Header Header
	Total  uint32 // transactions in the block
	Hashes []Hash // of the parts of the tree that are needed, depth first
	Flags  []byte // one bit for each node visited, lowest bit first
}

// Command implements [Message].
func (*MsgMerkleBlock) Command() string { return CmdMerkleBlock }

// AppendPayload implements [Message].
func (m *MsgMerkleBlock) AppendPayload(dst []byte) []byte {
	dst = m.Header.Append(dst)
	dst = binary.LittleEndian.AppendUint32(dst, m.Total)
	dst = appendHashes(dst, m.Hashes)
	return AppendVarBytes(dst, m.Flags)
}

func (m *MsgMerkleBlock) decode(c *Cursor) {
	m.Header = c.Header()
	m.Total = c.Uint32()
	m.Hashes = c.hashes(maxMerkleTxs)
	m.Flags = c.VarBytes(maxMerkleFlags)
	switch {
	case m.Total > maxMerkleTxs:
		c.Failf("%d transactions, limit %d", m.Total, maxMerkleTxs)
	case len(m.Hashes) > int(m.Total):
		c.Failf("%d hashes for %d transactions", len(m.Hashes), m.Total)
	case 8*len(m.Flags) < len(m.Hashes):
		// Each hash answers the flag of one node.
		c.Failf("%d hashes but only %d flag bits", len(m.Hashes), 8*len(m.Flags))
	}
}
