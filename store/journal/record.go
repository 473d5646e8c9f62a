package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"starling/wire"
)

// The file begins with a header of 32 bytes:
//
//	16 bytes  the magic of its [Format]
//	 4 bytes  version of the format, little-endian
//	 8 bytes  zero
//	 4 bytes  CRC32C of the 28 bytes before
//
// and two marks of 24 bytes, which are written in turn after each commit, when
// its records are on disk; files of version 1 have none:
//
//	4 bytes  "SWM\x01"
//	8 bytes  number of the commit's last record
//	8 bytes  where that record ends in the file
//	4 bytes  CRC32C of the 20 bytes before
//
// Each record is a header of 24 bytes and its payload:
//
//	4 bytes  "SWR\x01", or "SWC\x01" if the commit goes on in the next record
//	4 bytes  length of the payload
//	8 bytes  number of the record, one more than that of the one before
//	4 bytes  CRC32C of the payload
//	4 bytes  CRC32C of the 20 bytes before
//
// The payload is a list of changes: one byte for the kind, the key and, if the
// key gets a value, the value, both with their length in front.
const (
	magicSize      = 16
	fileHeaderSize = 32
	fileVersion    = 2

	markMagic = "SWM\x01"
	markSize  = 24
	// headSize is what stands before the first record.
	headSize = fileHeaderSize + 2*markSize

	recordMagic      = "SWR\x01"
	partMagic        = "SWC\x01"
	recordHeaderSize = 24

	opSet    = 1
	opDelete = 2

	// partSize is about how much of a commit goes into one record. It is what a
	// commit costs in memory beside what it holds.
	partSize = 4 << 20
	// MaxValue bounds a value, in bytes.
	MaxValue = 64 << 20
	// MaxKey bounds a key, in bytes.
	MaxKey = 1 << 10
	// maxRecord bounds the payload of one record, in bytes. A record holds more
	// than partSize only where one change is larger.
	maxRecord = partSize + MaxValue + 2*MaxKey
	// maxFile bounds what is read into memory at once.
	maxFile = 4 << 30
)

func checksum(b []byte) uint32 {
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

func (k Format) appendHeader(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, k.Magic...)
	dst = binary.LittleEndian.AppendUint32(dst, fileVersion)
	dst = append(dst, make([]byte, 8)...)
	return binary.LittleEndian.AppendUint32(dst, checksum(dst[start:]))
}

// mark says how much of a file was on disk once: all that comes before it must
// be there whenever the file is opened.
type mark struct {
	seq uint64
	end int64
}

func (m mark) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, markMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, m.seq)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(m.end))
	return binary.LittleEndian.AppendUint32(dst, checksum(dst[start:]))
}

// markOffset returns where the first or the second mark is in a file.
func markOffset(slot int64) int64 { return fileHeaderSize + slot*markSize }

// parseMarks returns the later one of a file's marks, or the zero value if none
// is whole, and where the next one goes: over the other, in case the power fails
// while it is written.
func parseMarks(head []byte) (last mark, next int64) {
	for slot := range int64(2) {
		b := head[markOffset(slot):markOffset(slot+1)]
		if string(b[:4]) != markMagic || binary.LittleEndian.Uint32(b[20:]) != checksum(b[:20]) {
			continue
		}
		m := mark{seq: binary.LittleEndian.Uint64(b[4:]), end: int64(binary.LittleEndian.Uint64(b[12:]))}
		if m.seq > last.seq {
			last, next = m, 1-slot
		}
	}
	return last, next
}

// appendRecord appends a record. With more the commit goes on in the next one.
func appendRecord(dst []byte, seq uint64, payload []byte, more bool) []byte {
	start := len(dst)
	magic := recordMagic
	if more {
		magic = partMagic
	}
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = binary.LittleEndian.AppendUint32(dst, checksum(payload))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[start:]))
	return append(dst, payload...)
}

// recordHeader is what stands before a payload.
type recordHeader struct {
	length uint32
	seq    uint64
	sum    uint32
	more   bool // the commit goes on in the next record
}

// parseRecordHeader reads a header at the start of b; ok is false if there is
// none.
func parseRecordHeader(b []byte) (h recordHeader, ok bool) {
	if len(b) < recordHeaderSize || string(b[:4]) != recordMagic && string(b[:4]) != partMagic ||
		binary.LittleEndian.Uint32(b[20:]) != checksum(b[:20]) {
		return h, false
	}
	return recordHeader{
		more:   string(b[:4]) == partMagic,
		length: binary.LittleEndian.Uint32(b[4:]),
		seq:    binary.LittleEndian.Uint64(b[8:]),
		sum:    binary.LittleEndian.Uint32(b[16:]),
	}, true
}

// soundAfter reports whether a sound record header with a later number than seq
// stands anywhere in b.
func soundAfter(b []byte, seq uint64) bool {
	for {
		at := bytes.Index(b, []byte("SW"))
		if at < 0 {
			return false
		}
		if h, ok := parseRecordHeader(b[at:]); ok && h.seq > seq {
			return true
		}
		b = b[at+1:]
	}
}

// Change is one key that gets a value or loses it.
type Change struct {
	Deleted    bool
	Key, Value []byte // not to be changed
}

func (c *Change) append(dst []byte) []byte {
	if c.Deleted {
		return wire.AppendVarBytes(append(dst, opDelete), c.Key)
	}
	return wire.AppendVarBytes(wire.AppendVarBytes(append(dst, opSet), c.Key), c.Value)
}

// parsePayload calls fn for each change of a payload. Key and value are views.
func parsePayload(payload []byte, fn func(Change)) error {
	c := wire.NewCursor(payload, "journal record")
	for c.Err() == nil && c.Left() > 0 {
		var ch Change
		switch op := c.Uint8(); op {
		case opSet:
			ch.Key = c.VarBytes(MaxKey)
			ch.Value = c.VarBytes(MaxValue)
		case opDelete:
			ch.Deleted = true
			ch.Key = c.VarBytes(MaxKey)
		default:
			c.Failf("change of unknown kind %d", op)
		}
		if c.Err() == nil {
			fn(ch)
		}
	}
	return c.End()
}
