package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A mark is a file beside a database that says how much of it must be there.
// The database's own reader of logs takes a damaged record for the end of the
// log, so a database can open short, or empty, without saying so; the mark is
// the second witness.
//
// The file has two slots of markSlot bytes, written in turn, so that a power cut
// while one is written leaves the other. What either says holds for as long as
// it stands there: before a file that it names goes, both are written anew.
// A slot is
//
//	4 bytes  "SMRK"
//	2 bytes  version
//	2 bytes  zero
//	4 bytes  length of the content
//	4 bytes  CRC32C over the 12 bytes before and the content
//
// and the content is its number, the generation of the database, a note (with
// its length in 2 bytes) and the extents (with their count in 2 bytes): name
// (with its length in 1 byte), length and CRC32C. Everything is little-endian.
const (
	markMagic   = "SMRK"
	markVersion = 1
	markSlot    = 4 << 10
	markHeader  = 16

	// maxNote bounds the note in a mark.
	maxNote = 256
)

// MarkSuffix is added to the path of a database's directory for that of its mark.
const MarkSuffix = ".mark"

// extent says that a file begins with so many bytes of that checksum.
type extent struct {
	name   string
	length int64
	crc    uint32
}

// mark is the content of one slot.
type mark struct {
	number     uint64 // counts the slots that were written
	generation uint64 // of the database: counts its synced writes
	note       string // what the database held then, for people
	extents    []extent
}

// encode returns a whole slot.
func (m *mark) encode() []byte {
	b := make([]byte, markHeader, markSlot)
	b = binary.LittleEndian.AppendUint64(b, m.number)
	b = binary.LittleEndian.AppendUint64(b, m.generation)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(m.note)))
	b = append(b, m.note...)
	at := len(b)
	b = append(b, 0, 0)
	n := 0
	for _, e := range m.extents {
		if len(b)+1+len(e.name)+12 > markSlot {
			break // a mark that names less is weaker, not wrong
		}
		b = append(b, byte(len(e.name)))
		b = append(b, e.name...)
		b = binary.LittleEndian.AppendUint64(b, uint64(e.length))
		b = binary.LittleEndian.AppendUint32(b, e.crc)
		n++
	}
	binary.LittleEndian.PutUint16(b[at:], uint16(n))
	copy(b, markMagic)
	binary.LittleEndian.PutUint16(b[4:], markVersion)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-markHeader))
	binary.LittleEndian.PutUint32(b[12:], smallSum(b[:12], b[markHeader:]))
	return b[:markSlot]
}

// decodeMark reads a slot, and returns nil if it is not whole.
func decodeMark(b []byte) *mark {
	if len(b) < markHeader || string(b[:4]) != markMagic || binary.LittleEndian.Uint16(b[4:]) != markVersion {
		return nil
	}
	n := int(binary.LittleEndian.Uint32(b[8:]))
	if n > len(b)-markHeader {
		return nil
	}
	body := b[markHeader : markHeader+n]
	if binary.LittleEndian.Uint32(b[12:]) != smallSum(b[:12], body) {
		return nil
	}
	// The checksum fits, so what follows is as it was written; the bounds are
	// checked all the same.
	next := func(n int) []byte {
		if n > len(body) {
			body = nil
			return make([]byte, n)
		}
		v := body[:n]
		body = body[n:]
		return v
	}
	m := &mark{number: binary.LittleEndian.Uint64(next(8)), generation: binary.LittleEndian.Uint64(next(8))}
	m.note = string(next(int(binary.LittleEndian.Uint16(next(2)))))
	for range binary.LittleEndian.Uint16(next(2)) {
		e := extent{name: string(next(int(next(1)[0])))}
		e.length = int64(binary.LittleEndian.Uint64(next(8)))
		e.crc = binary.LittleEndian.Uint32(next(4))
		m.extents = append(m.extents, e)
	}
	return m
}

// readMark returns the newer slot of the mark at path, nil if there is none that
// is whole, and whether both are. A missing file is fs.ErrNotExist.
func readMark(fs vfs.FS, path string) (m *mark, whole bool, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, false, ioError(path, err)
	}
	defer f.Close()
	b := make([]byte, 2*markSlot)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, false, ioError(path, err)
	}
	b = b[:n]
	first, second := decodeMark(b[:min(n, markSlot)]), decodeMark(b[min(n, markSlot):])
	whole = first != nil && second != nil
	if first == nil || second != nil && second.number > first.number {
		first = second
	}
	return first, whole, nil
}

// createMark writes a mark that was not there before, or nothing of which could
// be read.
func createMark(fs vfs.FS, path string, m *mark) error {
	tmp := path + ".new"
	if err := WriteWhole(fs, tmp, append(m.encode(), m.encode()...)); err != nil {
		_ = fs.Remove(tmp)
		return ioError(path, err)
	}
	if err := fs.Rename(tmp, path); err != nil {
		return ioError(path, err)
	}
	return SyncDir(fs, fs.PathDir(path))
}

// writeMark writes a mark into its slot, durably.
func writeMark(fs vfs.FS, path string, m *mark) error {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return ioError(path, err)
	}
	_, err = f.WriteAt(m.encode(), int64(m.number%2)*markSlot)
	if err == nil {
		err = f.SyncData()
	}
	return ioError(path, errors.Join(err, f.Close()))
}

// check compares the files in dir with what the mark says of them.
func (m *mark) check(fs vfs.FS, dir string) error {
	for _, e := range m.extents {
		if err := e.check(fs, fs.PathJoin(dir, e.name), m); err != nil {
			return err
		}
	}
	return nil
}

func (e *extent) check(fs vfs.FS, path string, m *mark) error {
	bad := func(cause error, format string, args ...any) error {
		what := fmt.Sprintf(format, args...)
		if m.note != "" {
			what += fmt.Sprintf(" (it held %s)", m.note)
		}
		return &CorruptError{Path: path, What: what, Advice: adviseDB, Err: cause}
	}
	f, err := fs.Open(path)
	if isNotExist(err) {
		return bad(err, "the file is missing")
	}
	if err != nil {
		return ioError(path, err)
	}
	defer f.Close()
	sum, n := uint32(0), int64(0)
	t := crc32.MakeTable(crc32.Castagnoli)
	buf := make([]byte, min(e.length, 1<<20))
	for n < e.length {
		k, err := io.ReadFull(f, buf[:min(int64(len(buf)), e.length-n)])
		n += int64(k)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return bad(nil, "the file is %d bytes long, at least %d expected", n, e.length)
		}
		if err != nil {
			return ioError(path, err)
		}
		sum = crc32.Update(sum, t, buf[:k])
	}
	if sum != e.crc {
		return bad(nil, "its first %d bytes do not match their checksum", e.length)
	}
	return nil
}
