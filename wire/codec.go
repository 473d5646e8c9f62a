package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// MaxCompactSize is the largest value that a compact size may hold (32 MiB),
// whatever it counts. It is Bitcoin Core's MAX_SIZE.
const MaxCompactSize = 0x02000000

// DecodeError says what could not be decoded and why. Every error that a
// decoder of this package returns is one, so that errors.As finds it.
type DecodeError struct {
	What   string // the thing being decoded, such as "tx" or "headers"
	Reason string
	// Excess says that nothing is missing: there is more, or another value, than
	// the protocol allows, which no slip of a program makes of a sound message.
	Excess bool
}

// Error implements the error interface.
func (e *DecodeError) Error() string { return "wire: bad " + e.What + ": " + e.Reason }

// Cursor reads primitive values from a byte slice. The first failure sticks:
// every later read returns zero, nothing is left, and Err tells. It never
// allocates, and what Bytes returns is a view.
type Cursor struct {
	buf  []byte
	off  int
	what string
	err  error
}

// NewCursor returns a cursor at the start of b; what names the thing being
// decoded in errors.
func NewCursor(b []byte, what string) Cursor { return Cursor{buf: b, what: what} }

// Err returns the first failure.
func (c *Cursor) Err() error { return c.err }

// Left returns how many bytes can still be read. After a failure that is none,
// so that a loop over what is left ends.
func (c *Cursor) Left() int {
	if c.err != nil {
		return 0
	}
	return len(c.buf) - c.off
}

// Offset returns how many bytes have been read.
func (c *Cursor) Offset() int { return c.off }

// Failf makes the cursor fail unless it has failed already.
func (c *Cursor) Failf(format string, args ...any) {
	if c.err == nil {
		c.err = &DecodeError{What: c.what, Reason: fmt.Sprintf(format, args...)}
	}
}

// Excess makes the cursor fail because of more, or another value, than the
// protocol allows, unless it has failed already.
func (c *Cursor) Excess(format string, args ...any) {
	if c.err == nil {
		c.err = &DecodeError{What: c.what, Reason: fmt.Sprintf(format, args...), Excess: true}
	}
}

// short marks the cursor as having run out of input.
func (c *Cursor) short() {
	if c.err == nil {
		c.err = &DecodeError{What: c.what, Reason: "input ends early"}
	}
}

// End fails if anything is left, and returns the first failure.
func (c *Cursor) End() error {
	if c.err == nil && c.off != len(c.buf) {
		c.Failf("%d bytes too many", len(c.buf)-c.off)
	}
	return c.err
}

// Bytes returns the next n bytes as a view.
func (c *Cursor) Bytes(n int) []byte {
	if c.err != nil || n < 0 || n > len(c.buf)-c.off {
		c.short()
		return nil
	}
	b := c.buf[c.off : c.off+n : c.off+n]
	c.off += n
	return b
}

// Uint8 reads one byte.
func (c *Cursor) Uint8() uint8 {
	if c.err != nil || c.off >= len(c.buf) {
		c.short()
		return 0
	}
	v := c.buf[c.off]
	c.off++
	return v
}

// Uint16 reads a little-endian 16-bit number.
func (c *Cursor) Uint16() uint16 {
	if b := c.Bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// Uint16BE reads a big-endian 16-bit number, the form of ports.
func (c *Cursor) Uint16BE() uint16 {
	if b := c.Bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 reads a little-endian 32-bit number.
func (c *Cursor) Uint32() uint32 {
	if b := c.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads a little-endian 64-bit number.
func (c *Cursor) Uint64() uint64 {
	if b := c.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Hash reads a 32-byte hash.
func (c *Cursor) Hash() (h Hash) {
	copy(h[:], c.Bytes(HashSize))
	return h
}

// CompactSize reads a compact size. Encodings longer than needed are refused,
// as are values above [MaxCompactSize].
func (c *Cursor) CompactSize() uint64 {
	v := c.CompactUint64()
	if v > MaxCompactSize {
		c.Failf("compact size %d is too large", v)
		return 0
	}
	return v
}

// CompactUint64 reads the compact-size encoding of any 64-bit number, for the
// few fields that use it for something other than a size.
func (c *Cursor) CompactUint64() uint64 {
	first := c.Uint8()
	var v, least uint64
	switch {
	case first < 0xfd:
		return uint64(first)
	case first == 0xfd:
		v, least = uint64(c.Uint16()), 0xfd
	case first == 0xfe:
		v, least = uint64(c.Uint32()), 1<<16
	default:
		v, least = c.Uint64(), 1<<32
	}
	if c.err == nil && v < least {
		c.Failf("compact size is not canonical")
	}
	if c.err != nil {
		return 0
	}
	return v
}

// Count reads a compact size that counts items of at least itemSize bytes
// each, and fails if there are more than limit of them or more than the rest
// of the input can hold. It is what keeps allocations in proportion to input.
func (c *Cursor) Count(limit, itemSize int) int {
	v := c.CompactSize()
	if c.err != nil {
		return 0
	}
	if v > uint64(limit) {
		if v > uint64(c.Left()/max(itemSize, 1)) {
			c.Failf("%d items, limit %d", v, limit)
		} else {
			c.Excess("%d items, limit %d", v, limit)
		}
		return 0
	}
	if itemSize > 0 && v > uint64(c.Left()/itemSize) {
		c.short()
		return 0
	}
	return int(v)
}

// VarBytes reads a compact size and that many bytes, at most limit, as a view.
func (c *Cursor) VarBytes(limit int) []byte { return c.Bytes(c.Count(limit, 1)) }

// AppendCompactSize adds the shortest compact-size encoding of v to dst.
func AppendCompactSize(dst []byte, v uint64) []byte {
	switch {
	case v < 0xfd:
		return append(dst, byte(v))
	case v <= math.MaxUint16:
		return binary.LittleEndian.AppendUint16(append(dst, 0xfd), uint16(v))
	case v <= math.MaxUint32:
		return binary.LittleEndian.AppendUint32(append(dst, 0xfe), uint32(v))
	default:
		return binary.LittleEndian.AppendUint64(append(dst, 0xff), v)
	}
}

// CompactSizeLen returns how many bytes [AppendCompactSize] adds for v.
func CompactSizeLen(v uint64) int {
	switch {
	case v < 0xfd:
		return 1
	case v <= math.MaxUint16:
		return 3
	case v <= math.MaxUint32:
		return 5
	default:
		return 9
	}
}

// AppendVarBytes adds b to dst, preceded by its length as a compact size.
func AppendVarBytes(dst, b []byte) []byte {
	return append(AppendCompactSize(dst, uint64(len(b))), b...)
}
