package journal

import (
	"encoding/binary"
	"fmt"

	"starling/store"
)

func (l *Log) corrupt(off int64, format string, args ...any) error {
	return &store.CorruptError{Path: l.path, Offset: off, What: fmt.Sprintf(format, args...), Advice: l.format.Advice}
}

// loadHead reads what stands before the first record, and returns the version of
// the format, how long it is, and what must be there.
func (l *Log) loadHead(raw []byte) (version uint32, size int, proof mark, err error) {
	if len(raw) < fileHeaderSize {
		return 0, 0, mark{}, l.corrupt(0, "it ends in its header")
	}
	if string(raw[:magicSize]) != l.format.Magic {
		return 0, 0, mark{}, l.corrupt(0, "it does not start as a %s does", l.format.Name)
	}
	if binary.LittleEndian.Uint32(raw[fileHeaderSize-4:]) != checksum(raw[:fileHeaderSize-4]) {
		return 0, 0, mark{}, l.corrupt(0, "the checksum of its header does not match")
	}
	version = binary.LittleEndian.Uint32(raw[magicSize:])
	switch {
	case version == 1:
		return version, fileHeaderSize, mark{}, nil
	case version != fileVersion:
		return 0, 0, mark{}, &store.VersionError{Path: l.path, Have: uint16(min(version, 1<<16-1)), Want: fileVersion}
	case len(raw) < headSize:
		return 0, 0, mark{}, l.corrupt(0, "it ends in its header")
	}
	proof, l.slot = parseMarks(raw)
	return version, headSize, proof, nil
}

// load hands all commits of raw, which it keeps, to take, and returns the
// version of the format.
func (l *Log) load(raw []byte, take func([]Change) error) (version uint32, err error) {
	version, off, proof, err := l.loadHead(raw)
	if err != nil {
		return 0, err
	}
	l.end = int64(off)
	var pending []Change // of a commit whose end is still to come
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
				return 0, l.corrupt(int64(off), "record %d does not match its checksum, or is not whole", last+1)
			}
			break
		}
		if h.seq != last+1 {
			return 0, l.corrupt(int64(off), "record %d follows record %d", h.seq, last)
		}
		err := parsePayload(raw[off+recordHeaderSize:end], func(c Change) { pending = append(pending, c) })
		if err != nil {
			return 0, l.corrupt(int64(off), "%v", err)
		}
		last = h.seq
		off = end
		if !h.more {
			if err := take(pending); err != nil {
				return 0, err
			}
			pending = nil
			l.seq, l.end = last, int64(off)
		}
	}
	if proof.seq > l.seq {
		return 0, l.corrupt(l.end, "it ends with record %d, and there were %d", l.seq, proof.seq)
	}
	if l.seq == 0 {
		// The first commit is written together with the file.
		return 0, l.corrupt(l.end, "its first record is not whole")
	}
	l.torn = len(raw) - int(l.end)
	return version, nil
}
