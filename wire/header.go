package wire

import (
	"encoding/binary"
	"time"
)

// HeaderSize is the length of an encoded [Header] in bytes.
const HeaderSize = 80

// Header is a block header.
type Header struct {
	Version    int32
	PrevBlock  Hash
	MerkleRoot Hash
	Timestamp  uint32 // seconds since 1970
	Bits       uint32 // target in compact form
	Nonce      uint32
}

// Time returns the header's timestamp.
func (h *Header) Time() time.Time { return time.Unix(int64(h.Timestamp), 0) }

// Append adds the 80-byte encoding of h to dst.
func (h *Header) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Version))
	dst = append(dst, h.PrevBlock[:]...)
	dst = append(dst, h.MerkleRoot[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, h.Timestamp)
	dst = binary.LittleEndian.AppendUint32(dst, h.Bits)
	return binary.LittleEndian.AppendUint32(dst, h.Nonce)
}

// Hash returns the header's double SHA-256, the id of its block.
func (h *Header) Hash() Hash {
	var buf [HeaderSize]byte
	return DoubleHash(h.Append(buf[:0]))
}

// DecodeHeader reads the first 80 bytes of b.
func DecodeHeader(b []byte) (Header, error) {
	c := NewCursor(b, "header")
	h := c.Header()
	return h, c.Err()
}

// Header reads an 80-byte block header.
func (c *Cursor) Header() (h Header) {
	b := c.Bytes(HeaderSize)
	if b == nil {
		return h
	}
	h.Version = int32(binary.LittleEndian.Uint32(b))
	copy(h.PrevBlock[:], b[4:])
	copy(h.MerkleRoot[:], b[36:])
	h.Timestamp = binary.LittleEndian.Uint32(b[68:])
	h.Bits = binary.LittleEndian.Uint32(b[72:])
	h.Nonce = binary.LittleEndian.Uint32(b[76:])
	return h
}
