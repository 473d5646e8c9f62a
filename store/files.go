package store

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/wire"
)

const (
	// DefaultMaxFileSize is when [Files.Append] begins a new file. It is what
	// Bitcoin Core uses, so that tools which know its files know ours.
	DefaultMaxFileSize = 128 << 20

	// recordHeaderSize is the magic and the length in front of each payload.
	recordHeaderSize = 8

	// maxUndoRecord is the record limit of a family with trailers. The undo
	// data of a block can outgrow the block: some 24,000 inputs fit in one, and
	// each may spend a script of 10,000 bytes.
	maxUndoRecord = 256 << 20

	// maxReaders and maxWriters bound the open files of one family. Readers are
	// peers that fetch old blocks, each from its own place.
	maxReaders = 32
	maxWriters = 4

	// joinLimit is up to which size a record is copied together to be written
	// in one call. Above it the copy costs more than the second call.
	joinLimit = 64 << 10

	// spaceEvery is how many bytes are written between two looks at the room
	// left on the disk.
	spaceEvery = 4 << 20
)

// Pos is where a record's payload begins.
type Pos struct {
	File   uint32
	Offset uint32 // in bytes
}

// String returns the position as file:offset.
func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.File, p.Offset) }

// FilesOptions says what [OpenFiles] opens.
type FilesOptions struct {
	FS     vfs.FS // nil is the real one
	Dir    string
	Prefix string  // "blk" or "rev"
	Magic  [4]byte // in front of each record; the network's

	MaxFileSize int64 // when to begin a new file; 0 is DefaultMaxFileSize
	Trailer     int   // bytes behind each payload (32 for undo), not counted in its length
	MaxRecord   int   // longest payload; 0 is the largest block, or 256 MiB if there are trailers
}

// Files is one family of flat files, blkNNNNN.dat or revNNNNN.dat: records one
// after the other, each a magic, the payload's length (32 bits, little-endian),
// the payload and, for undo data, a checksum. Safe for concurrent use; writers
// wait for each other, readers wait for nobody.
type Files struct {
	opts    FilesOptions
	fs      vfs.FS
	readers *handles
	writers *handles

	syncMu sync.Mutex // held through Sync, so that syncs follow each other

	// appending is held while a record is written, so that records follow each
	// other. It is taken before mu.
	appending sync.Mutex
	unspaced  int64 // bytes written since the room was looked at
	scratch   []byte

	mu       sync.Mutex       // held for moments only
	ends     map[uint32]int64 // every file and where its next record goes
	cur      uint32           // the file that Append writes; changed with appending held
	dirty    map[uint32]bool  // written since the last Sync
	dirDirty bool             // a file was made or removed since the last Sync
	failed   error            // set for good by a failed sync, and by Close
}

// OpenFiles opens the family, creating the directory if need be. Appending goes
// on behind the last byte there is.
func OpenFiles(opts FilesOptions) (*Files, error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	if opts.MaxFileSize <= 0 {
		opts.MaxFileSize = DefaultMaxFileSize
	}
	if opts.MaxRecord <= 0 {
		opts.MaxRecord = wire.MaxBlockSize
		if opts.Trailer > 0 {
			opts.MaxRecord = maxUndoRecord
		}
	}
	f := &Files{opts: opts, fs: opts.FS, ends: map[uint32]int64{}, dirty: map[uint32]bool{}}
	f.readers = newHandles(maxReaders, func(n uint32) (vfs.File, error) { return f.fs.Open(f.Path(n)) })
	f.writers = newHandles(maxWriters, func(n uint32) (vfs.File, error) {
		return f.fs.OpenReadWrite(f.Path(n), vfs.WriteCategoryUnspecified)
	})
	if err := makeDir(f.fs, opts.Dir); err != nil {
		return nil, err
	}
	names, err := f.fs.List(opts.Dir)
	if err != nil {
		return nil, ioError(opts.Dir, err)
	}
	for _, name := range names {
		n, ok := f.number(name)
		if !ok {
			continue
		}
		st, err := f.fs.Stat(f.Path(n))
		if err != nil {
			return nil, ioError(f.Path(n), err)
		}
		f.ends[n] = st.Size()
		f.cur = max(f.cur, n)
	}
	f.dirDirty = true
	return f, nil
}

// Path returns the path of a file, for messages.
func (f *Files) Path(file uint32) string {
	return f.fs.PathJoin(f.opts.Dir, fmt.Sprintf("%s%05d.dat", f.opts.Prefix, file))
}

// number is the inverse of Path for the last element.
func (f *Files) number(name string) (uint32, bool) {
	s, ok1 := strings.CutPrefix(name, f.opts.Prefix)
	s, ok2 := strings.CutSuffix(s, ".dat")
	n, err := strconv.ParseUint(s, 10, 32)
	if !ok1 || !ok2 || err != nil || fmt.Sprintf("%05d", n) != s {
		return 0, false
	}
	return uint32(n), true
}

// Append writes a record behind the last one, in a new file if it would grow
// beyond the limit, and returns where the payload begins. The trailer must have
// the length that the family was opened with. The data is on disk after the
// next Sync; other readers see it at once.
func (f *Files) Append(payload, trailer []byte) (Pos, error) {
	f.appending.Lock()
	defer f.appending.Unlock()
	total := int64(recordHeaderSize + len(payload) + len(trailer))
	f.mu.Lock()
	if end := f.ends[f.cur]; end > 0 && end+total > f.opts.MaxFileSize {
		f.cur++
	}
	file := f.cur
	f.mu.Unlock()
	return f.append(file, payload, trailer)
}

// AppendTo is [Files.Append] for a file of the caller's choice, which grows
// beyond the size limit if need be. Undo data goes this way: into the file with
// the number of its block's.
func (f *Files) AppendTo(file uint32, payload, trailer []byte) (Pos, error) {
	f.appending.Lock()
	defer f.appending.Unlock()
	pos, err := f.append(file, payload, trailer)
	if err == nil {
		f.mu.Lock()
		f.cur = max(f.cur, file)
		f.mu.Unlock()
	}
	return pos, err
}

// append writes a record behind the last one of a file. The caller holds
// appending.
func (f *Files) append(file uint32, payload, trailer []byte) (Pos, error) {
	f.mu.Lock()
	failed := f.failed
	end, exists := f.ends[file]
	f.mu.Unlock()
	if failed != nil {
		return Pos{}, failed
	}
	if len(payload) == 0 || len(payload) > f.opts.MaxRecord || len(trailer) != f.opts.Trailer {
		return Pos{}, fmt.Errorf("store: %s record of %d bytes with %d behind it", f.opts.Prefix, len(payload), len(trailer))
	}
	total := int64(recordHeaderSize + len(payload) + len(trailer))
	if end+total > math.MaxUint32 {
		return Pos{}, fmt.Errorf("store: %s: file would be too long", f.Path(file))
	}
	if f.unspaced += total; f.unspaced >= spaceEvery || !exists {
		if err := checkSpace(f.fs, f.opts.Dir, total); err != nil {
			return Pos{}, err
		}
		f.unspaced = 0
	}
	h, err := f.writers.get(file)
	if err != nil {
		return Pos{}, ioError(f.Path(file), err)
	}
	defer f.writers.put(h)
	err = f.write(h, end, payload, trailer)
	at := Pos{File: file, Offset: uint32(end) + recordHeaderSize}
	if err == nil {
		end += total
	}
	f.wrote(file, end, !exists)
	if err != nil {
		return Pos{}, ioError(f.Path(file), err)
	}
	return at, nil
}

// wrote notes how far a file that was written to reaches. After a write that
// failed the end is where it was, so that the next record overwrites what arrived
// of this one. It comes after the write: a sync that is under way meanwhile need
// not have covered it.
func (f *Files) wrote(file uint32, end int64, made bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends[file] = end
	f.dirty[file] = true
	f.dirDirty = f.dirDirty || made
}

// write puts a record at off, in few calls.
func (f *Files) write(w io.WriterAt, off int64, payload, trailer []byte) error {
	b := append(f.scratch[:0], f.opts.Magic[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	joined := len(b)+len(payload)+len(trailer) <= joinLimit
	if joined {
		b = append(append(b, payload...), trailer...)
	}
	f.scratch = b
	if _, err := w.WriteAt(b, off); err != nil || joined {
		return err
	}
	off += int64(len(b))
	if _, err := w.WriteAt(payload, off); err != nil {
		return err
	}
	if len(trailer) == 0 {
		return nil
	}
	_, err := w.WriteAt(trailer, off+int64(len(payload)))
	return err
}

// Read returns the payload of size bytes at pos, after checking that a record
// of that length begins there. Damage is a *CorruptError. The caller owns the
// slice.
func (f *Files) Read(pos Pos, size uint32) ([]byte, error) {
	path := f.Path(pos.File)
	bad := func(what string, cause error) error {
		return &CorruptError{Path: path, Offset: int64(pos.Offset), What: what, Advice: adviseRecord, Err: cause}
	}
	if pos.Offset < recordHeaderSize || size == 0 || int64(size) > int64(f.opts.MaxRecord) {
		return nil, bad(fmt.Sprintf("no record of %d bytes can be here", size), nil)
	}
	// One read for header and payload; the header is cut off the front.
	b := make([]byte, recordHeaderSize+int(size))
	switch n, err := f.readAt(b, pos.File, int64(pos.Offset)-recordHeaderSize); {
	case isNotExist(err):
		return nil, bad("the file is missing", err)
	case err == io.EOF:
		return nil, bad(fmt.Sprintf("the file ends %d bytes early", len(b)-n), io.ErrUnexpectedEOF)
	case err != nil:
		return nil, ioError(path, err)
	}
	if [4]byte(b) != f.opts.Magic {
		return nil, bad("no record begins here", nil)
	}
	if n := binary.LittleEndian.Uint32(b[4:]); n != size {
		return nil, bad(fmt.Sprintf("the record has %d bytes, %d expected", n, size), nil)
	}
	return b[recordHeaderSize:], nil
}

// ReadRange returns size bytes that begin off bytes into the record at pos. It
// is for reading one transaction of a block: nothing is checked but that the
// file goes so far.
func (f *Files) ReadRange(pos Pos, off, size uint32) ([]byte, error) {
	path := f.Path(pos.File)
	at := int64(pos.Offset) + int64(off)
	if int64(size) > int64(f.opts.MaxRecord) {
		return nil, fmt.Errorf("store: %s: %d bytes asked for at once", path, size)
	}
	b := make([]byte, size)
	switch _, err := f.readAt(b, pos.File, at); {
	case isNotExist(err):
		return nil, &CorruptError{Path: path, Offset: at, What: "the file is missing", Advice: adviseRecord, Err: err}
	case err == io.EOF:
		return nil, &CorruptError{Path: path, Offset: at, What: "the file ends early", Advice: adviseRecord, Err: io.ErrUnexpectedEOF}
	case err != nil:
		return nil, ioError(path, err)
	}
	return b, nil
}

// readAt fills b from a file, or returns io.EOF if the file ends before.
func (f *Files) readAt(b []byte, file uint32, off int64) (int, error) {
	h, err := f.readers.get(file)
	if err != nil {
		return 0, err
	}
	defer f.readers.put(h)
	n, err := h.ReadAt(b, off)
	if n == len(b) {
		err = nil
	}
	return n, err
}

// Sync returns when everything that was appended before the call is on disk.
// Only files written since the last Sync are touched. After a failure nothing
// can be appended any more.
func (f *Files) Sync() error {
	f.syncMu.Lock()
	defer f.syncMu.Unlock()

	f.mu.Lock()
	if f.failed != nil {
		f.mu.Unlock()
		return f.failed
	}
	dirty, dirDirty := f.dirty, f.dirDirty
	f.dirty, f.dirDirty = map[uint32]bool{}, false
	f.mu.Unlock()

	// Without the lock: a sync takes long, and appending goes on meanwhile.
	err := f.syncAll(slices.Sorted(maps.Keys(dirty)), dirDirty)
	if err != nil {
		f.mu.Lock()
		f.failed = err
		f.mu.Unlock()
	}
	return err
}

func (f *Files) syncAll(files []uint32, dir bool) error {
	for _, n := range files {
		if err := f.syncFile(n); err != nil {
			return ioError(f.Path(n), err)
		}
	}
	if dir {
		return SyncDir(f.fs, f.opts.Dir)
	}
	return nil
}

// syncFile syncs through a handle of its own: one vfs.File is not to be written
// and synced at the same time, while the file itself may be.
func (f *Files) syncFile(n uint32) error {
	h, err := f.fs.OpenReadWrite(f.Path(n), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if err := h.Sync(); err != nil {
		h.Close()
		return err
	}
	return h.Close()
}

// Require fails with a *CorruptError if a file is missing or shorter than it must
// be (file → length in bytes). It changes nothing, and nothing here ever cuts a
// file: what lies behind the last record that somebody knows of may be one that
// nobody knows of any more. A [Files.ScanFile] finds it.
func (f *Files) Require(ends map[uint32]uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(ends)) {
		size, ok := f.ends[n]
		if end := int64(ends[n]); size < end {
			what := "the file is missing"
			if ok {
				what = fmt.Sprintf("the file is %d bytes long, %d expected", size, end)
			}
			return &CorruptError{Path: f.Path(n), Offset: size, What: what, Advice: adviseRecord}
		}
	}
	return nil
}

// Remove deletes a file, if it is there. Reads under way end well.
func (f *Files) Remove(file uint32) error {
	// Not while a sync is under way: it could bring the file back, empty.
	f.syncMu.Lock()
	defer f.syncMu.Unlock()
	f.appending.Lock()
	defer f.appending.Unlock()
	f.mu.Lock()
	failed := f.failed
	f.mu.Unlock()
	if failed != nil {
		return failed
	}
	return f.remove(file)
}

// remove deletes a file. The caller holds syncMu and appending.
func (f *Files) remove(file uint32) error {
	f.readers.drop(file)
	f.writers.drop(file)
	if err := f.fs.Remove(f.Path(file)); err != nil && !isNotExist(err) {
		return ioError(f.Path(file), err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ends, file)
	delete(f.dirty, file)
	f.dirDirty = true
	return nil
}

// Sizes returns the length in bytes of each file, as far as it holds records.
func (f *Files) Sizes() map[uint32]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.ends)
}

// Close closes all files. It does not sync. Reads under way end well.
func (f *Files) Close() error {
	f.syncMu.Lock()
	defer f.syncMu.Unlock()
	f.appending.Lock()
	defer f.appending.Unlock()
	f.mu.Lock()
	if f.failed == nil {
		f.failed = ErrClosed
	}
	f.mu.Unlock()
	f.readers.closeAll()
	f.writers.closeAll()
	return nil
}
