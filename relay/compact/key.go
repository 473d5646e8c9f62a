package compact

import (
	"crypto/sha256"
	"encoding/binary"

	"starling/internal/siphash"
	"starling/wire"
)

// shortIDMask takes the 48 bits of a short id: with a block of 4,000
// transactions and a pool of 100,000, one block in 700,000 has a collision.
const shortIDMask = 1<<(8*wire.ShortIDSize) - 1

// Key makes the short ids of one compact block.
type Key struct{ k siphash.Key }

// NewKey returns the key of a compact block with this header and nonce.
func NewKey(h *wire.Header, nonce uint64) Key {
	var buf [wire.HeaderSize + 8]byte
	b := h.Append(buf[:0])
	b = binary.LittleEndian.AppendUint64(b, nonce)
	sum := sha256.Sum256(b)
	return Key{siphash.NewKey((*[16]byte)(sum[:16]))}
}

// ShortID returns the short id of a transaction, of 48 bits, from its witness
// id.
func (k Key) ShortID(wtxid *wire.Hash) uint64 {
	return k.k.Sum256((*[wire.HashSize]byte)(wtxid)) & shortIDMask
}
