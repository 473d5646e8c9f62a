package journal

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
)

func (k Format) read(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() > maxFile {
		return nil, &store.CorruptError{Path: path, What: fmt.Sprintf("%d bytes long", st.Size()), Advice: k.Advice}
	}
	raw := make([]byte, st.Size())
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return raw, nil
}

func (f *File) corrupt(off int64, format string, args ...any) error {
	return &store.CorruptError{Path: f.path, Offset: off, What: fmt.Sprintf(format, args...), Advice: f.format.Advice}
}

// load reads all records of raw, which it keeps, and returns the version of the
// format.
func (f *File) load(raw []byte) (version uint32, err error) {
	if len(raw) < fileHeaderSize {
		return 0, f.corrupt(0, "it ends in its header")
	}
	if string(raw[:magicSize]) != f.format.Magic {
		return 0, f.corrupt(0, "it does not start as a %s does", f.format.Name)
	}
	if binary.LittleEndian.Uint32(raw[fileHeaderSize-4:]) != checksum(raw[:fileHeaderSize-4]) {
		return 0, f.corrupt(0, "the checksum of its header does not match")
	}
	version = binary.LittleEndian.Uint32(raw[magicSize:])
	off := headSize
	var proof mark
	switch {
	case version == 1:
		off = fileHeaderSize
	case version != fileVersion:
		return 0, &store.VersionError{Path: f.path, Have: uint16(min(version, 1<<16-1)), Want: fileVersion}
	case len(raw) < headSize:
		return 0, f.corrupt(0, "it ends in its header")
	default:
		proof, f.slot = parseMarks(raw)
	}
	f.end = int64(off)
	var pending []change // of a commit whose end is still to come
	last := uint64(0)    // number of the last whole record
	for off < len(raw) {
		h, ok := parseRecordHeader(raw[off:])
		end := off + recordHeaderSize + int(h.length)
		if !ok || h.length > maxRecord || end > len(raw) || checksum(raw[off+recordHeaderSize:end]) != h.sum {
			rest := raw[off:]
			if ok {
				rest = rest[recordHeaderSize:]
			}
			// Beyond the mark is what a crash cut short: nobody was told that it is
			// kept. The records of one commit may get to disk in any order.
			if proof.seq > last || proof.seq == 0 && soundAfter(rest, last) {
				return 0, f.corrupt(int64(off), "record %d does not match its checksum, or is not whole", last+1)
			}
			break
		}
		if h.seq != last+1 {
			return 0, f.corrupt(int64(off), "record %d follows record %d", h.seq, last)
		}
		err := parsePayload(raw[off+recordHeaderSize:end], func(c change) { pending = append(pending, c) })
		if err != nil {
			return 0, f.corrupt(int64(off), "%v", err)
		}
		last = h.seq
		off = end
		if !h.more {
			for _, c := range pending {
				f.change(c)
			}
			pending = pending[:0]
			f.seq, f.end = last, int64(off)
		}
	}
	if proof.seq > f.seq {
		return 0, f.corrupt(f.end, "it ends with record %d, and there were %d", f.seq, proof.seq)
	}
	if f.seq == 0 {
		// The first commit is written together with the file.
		return 0, f.corrupt(f.end, "its first record is not whole")
	}
	f.torn = len(raw) - int(f.end)
	return version, nil
}
