package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// defaultCache is the block cache for decoded table blocks.
	defaultCache = 8 << 20

	// defaultMemTable is how much is gathered in memory before a table is
	// written. Up to two of them are in memory, and a batch above half of it
	// becomes a table of its own without being copied.
	defaultMemTable = 16 << 20

	// bloomBits per key make 1 in 100 look-ups of a missing key touch a table,
	// for 10 bits of memory per key in the tables in use. Most look-ups for a
	// spent or unknown coin end there.
	bloomBits = 10

	// tableBlockSize is the unit that is read, checked and cached. Look-ups are
	// of random keys, so a larger one would read more for nothing.
	tableBlockSize = 4 << 10

	// l0Compact and l0Stop are how many overlapping young tables start a
	// compaction and stop writers. The distance between the two lets a batch of
	// a flush go through in one go and the compaction follow.
	l0Compact = 4
	l0Stop    = 24

	// baseLevelBytes and tableBytes fit a set of some gigabytes: fewer levels
	// below each other, and some thousand files rather than ten thousands.
	baseLevelBytes = 64 << 20
	tableBytes     = 8 << 20

	// maxOpenTables bounds the file handles of one database.
	maxOpenTables = 500
)

// DBOptions says what [OpenDB] opens.
type DBOptions struct {
	FS            vfs.FS // nil is the real one
	Dir           string
	CacheBytes    int64        // block cache; 0 is 8 MiB
	MemTableBytes int64        // 0 is 16 MiB
	Marked        bool         // keep a mark beside Dir, so that a database which opens short is found out
	Logger        *slog.Logger // gets Pebble's own messages at debug level; nil discards them
}

// DB is an ordered key-value store. It is safe for concurrent use. After an
// error that leaves its state unknown, a full disk or a failed sync above all,
// every write returns that error; reopening it recovers all that was synced.
type DB struct {
	dir string
	fs  vfs.FS
	db  *pebble.DB
	log *slog.Logger
	use gate // users of db; closes it

	track      *tracker   // of the mark; nil without
	syncing    sync.Mutex // held through a synced write of a database with a mark
	generation uint64     // of the last one
	doubt      bool       // see InDoubt

	frozen atomic.Bool // set with failed: nothing is written any more

	mu        sync.Mutex
	failed    error // what ended writing for good
	snapshots map[*Snapshot]struct{}
}

// formatVersion is the form in which Pebble writes.
const formatVersion = pebble.FormatTableFormatV6

// OpenDB opens the database in opts.Dir, creating it if need be. Damage that is
// found on opening is a *CorruptError. With a mark the database is compared with
// it before anything is written, and once more when it is open; see also
// [DB.InDoubt].
func OpenDB(opts DBOptions) (*DB, error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	if opts.CacheBytes <= 0 {
		opts.CacheBytes = defaultCache
	}
	if opts.MemTableBytes <= 0 {
		opts.MemTableBytes = defaultMemTable
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if err := makeDir(opts.FS, opts.Dir); err != nil {
		return nil, err
	}
	d := &DB{dir: opts.Dir, fs: opts.FS, log: opts.Logger, snapshots: map[*Snapshot]struct{}{}}
	d.use.init()
	if opts.Marked {
		d.track = newTracker(opts.FS, opts.Dir+MarkSuffix)
		if err := d.checkMark(); err != nil {
			return nil, err
		}
	}
	db, err := d.open(pebbleOptions(opts, d))
	if err != nil {
		return nil, openError(opts.Dir, err)
	}
	d.db = db
	if opts.Marked {
		if err := d.settleMark(); err != nil {
			d.track.release()
			_ = d.Close() // what it may say is the same
			return nil, err
		}
	}
	return d, nil
}

// open calls pebble.Open. What it reads may be damaged in ways that make it
// panic, so that is an error here.
func (d *DB) open(o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, fmt.Errorf("%w: %v", pebble.ErrCorruption, r)
		}
	}()
	if err := d.dropOptions(); err != nil {
		return nil, err
	}
	db, err = pebble.Open(d.dir, o)
	failed := d.failure()
	if failed == nil {
		return db, err
	}
	// Whatever came of it rests on writes that never took place.
	if err == nil {
		_ = db.Close()
	}
	return nil, failed
}

// dropOptions removes Pebble's notes on how it was opened before. Every opening
// writes them anew, and they say nothing that is not said here; but Pebble
// refuses to open where they are damaged.
func (d *DB) dropOptions() error {
	names, err := d.fs.List(d.dir)
	if err != nil {
		return ioError(d.dir, err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "OPTIONS-") {
			if err := d.fs.Remove(d.fs.PathJoin(d.dir, name)); err != nil {
				return ioError(d.dir, err)
			}
		}
	}
	return nil
}

// openError sorts out why a database could not be opened. A missing part is
// damage as much as a changed one is, and so is all that neither the system nor
// this package has reported: Pebble has many words for it.
func openError(dir string, err error) error {
	var (
		typed *FullDiskError
		path  *fs.PathError
		sys   syscall.Errno
	)
	known := errors.As(err, &typed) || errors.As(err, &path) || errors.As(err, &sys) || isLocked(err)
	if isNotExist(err) || !known && !pebble.IsCorruptionError(err) {
		return &CorruptError{Path: dir, What: firstLine(err), Advice: adviseDB, Err: err}
	}
	return dbError(dir, err)
}

func pebbleOptions(opts DBOptions, d *DB) *pebble.Options {
	o := &pebble.Options{
		FS:                          guardFS{opts.FS, d},
		CacheSize:                   opts.CacheBytes,
		MemTableSize:                uint64(opts.MemTableBytes),
		MemTableStopWritesThreshold: 3,
		MaxOpenFiles:                maxOpenTables,
		L0CompactionThreshold:       l0Compact,
		L0StopWritesThreshold:       l0Stop,
		LBaseMaxBytes:               baseLevelBytes,
		FormatMajorVersion:          formatVersion,
		Logger:                      pebbleLogger{d},
		Cleaner:                     cleaner{},
		CompactionConcurrencyRange:  func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
		EventListener: &pebble.EventListener{
			BackgroundError: d.fail,
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				d.fail(i.Details)
				d.track.distrust()
			},
		},
	}
	o.TargetFileSizes[0] = tableBytes
	// Keys are hashes and values mostly amounts and hashes, which do not
	// compress; trying would cost a tenth of the write time for nothing.
	// Checksums are kept on every block either way.
	none := func() *sstable.CompressionProfile { return sstable.NoCompression }
	for i := range o.Levels {
		o.Levels[i].BlockSize = tableBlockSize
		o.Levels[i].Compression = none
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return o
}

// cleaner deletes what Pebble has no more use for. By what it embeds it also
// keeps Pebble from using old logs again for new ones: damage in a log that waits
// to be used again could not be told from damage in one that is needed.
type cleaner struct {
	pebble.DeleteCleaner
	keepsContents
}

// keepsContents has, below the method that deletes, the one by which Pebble
// knows cleaners that want files to stay as they are.
type keepsContents struct{ pebble.ArchiveCleaner }

// fail records the error that ends writing. The first one counts.
func (d *DB) fail(err error) {
	d.mu.Lock()
	d.frozen.Store(true)
	first := d.failed == nil
	if first {
		d.failed = dbError(d.dir, err)
	}
	d.mu.Unlock()
	if first {
		// Not louder: the next write returns it, and the caller tells.
		d.log.Debug("database takes no more writes", "dir", d.dir, "err", err)
	}
}

// readError is the error of a read: the one that ended writing if there is one,
// since what Pebble believes to have written since then cannot be read.
func (d *DB) readError(err error) error {
	if err == nil {
		return nil
	}
	if failed := d.failure(); failed != nil {
		return failed
	}
	return dbError(d.dir, err)
}

func (d *DB) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// Get returns a copy of the value of key, and whether there is one.
func (d *DB) Get(key []byte) ([]byte, bool, error) {
	if !d.use.enter() {
		return nil, false, ErrClosed
	}
	defer d.use.leave()
	return d.get(d.db, key)
}

// Has reports whether key has a value.
func (d *DB) Has(key []byte) (bool, error) {
	if !d.use.enter() {
		return false, ErrClosed
	}
	defer d.use.leave()
	_, closer, err := d.db.Get(key)
	if err == pebble.ErrNotFound {
		return false, nil
	}
	if err != nil {
		return false, d.readError(err)
	}
	return true, d.readError(closer.Close())
}

// Write applies all of b or nothing. With sync it is on disk when Write
// returns, and with it everything written before; without, a crash may take it
// and everything after it away. The batch is empty afterwards and can be filled
// again, unless there was an error.
func (d *DB) Write(b *Batch, sync bool) error {
	if !d.use.enter() {
		return ErrClosed
	}
	defer d.use.leave()
	if err := d.failure(); err != nil {
		return err
	}
	if err := checkSpace(d.fs, d.dir, int64(b.Len())); err != nil {
		return err
	}
	if err := d.apply(b, sync); err != nil {
		return err
	}
	b.Reset()
	return nil
}

func (d *DB) apply(b *Batch, sync bool) error {
	opt := pebble.NoSync
	if sync {
		opt = pebble.Sync
	}
	if sync && d.track != nil {
		// One after the other, so that the mark never names a generation that
		// is not on disk.
		d.syncing.Lock()
		defer d.syncing.Unlock()
		d.generation++
		b.Set(keyGeneration, binary.LittleEndian.AppendUint64(nil, d.generation))
	}
	if err := d.db.Apply(b.b, opt); err != nil {
		return dbError(d.dir, err)
	}
	// Pebble itself does not hear of a failed write.
	if err := d.failure(); err != nil || !sync || d.track == nil {
		return err
	}
	d.track.reach(d.generation, b.note)
	return d.saveMark()
}

// saveMark brings the mark up to date, if the disk still works.
func (d *DB) saveMark() error {
	d.write(d.track.path, d.track.save)
	return d.failure()
}

// Flush writes what is in memory to tables and returns when that is on disk.
func (d *DB) Flush() error {
	if !d.use.enter() {
		return ErrClosed
	}
	defer d.use.leave()
	if err := d.failure(); err != nil {
		return err
	}
	if err := d.db.Flush(); err != nil {
		return dbError(d.dir, err)
	}
	return d.failure()
}

// Dir returns the directory of the database, for messages.
func (d *DB) Dir() string { return d.dir }

// DiskBytes returns how much room the database takes on disk.
func (d *DB) DiskBytes() uint64 {
	if !d.use.enter() {
		return 0
	}
	defer d.use.leave()
	return d.db.Metrics().DiskSpaceUsage()
}

// Close waits for calls under way, ends open snapshots and closes the database.
// Unless there is an error, all that was written is on disk afterwards. It may
// be called twice.
func (d *DB) Close() error {
	if !d.use.close() {
		return nil
	}
	d.mu.Lock()
	open := d.snapshots
	d.snapshots = nil
	d.mu.Unlock()
	for s := range open {
		_ = s.s.Close() // closing a snapshot does no I/O
	}
	err := d.db.Close()
	if failed := d.failure(); failed != nil {
		return failed
	}
	if err == nil && d.track != nil {
		return d.saveMark() // what was not synced before is now
	}
	return dbError(d.dir, err)
}

// pebbleLogger passes Pebble's messages on at debug level, and keeps its fatal
// ones from ending the process: the database counts as failed instead.
type pebbleLogger struct{ d *DB }

func (l pebbleLogger) Infof(format string, args ...any)  { l.debugf(format, args...) }
func (l pebbleLogger) Errorf(format string, args ...any) { l.debugf(format, args...) }

func (l pebbleLogger) debugf(format string, args ...any) {
	// Some of these messages are long to make.
	if ctx := context.Background(); l.d.log.Enabled(ctx, slog.LevelDebug) {
		l.d.log.Log(ctx, slog.LevelDebug, fmt.Sprintf(format, args...), "dir", l.d.dir)
	}
}

func (l pebbleLogger) Fatalf(format string, args ...any) {
	for _, a := range args {
		if err, ok := a.(error); ok {
			l.d.fail(err)
			return
		}
	}
	l.d.fail(fmt.Errorf(format, args...))
}
