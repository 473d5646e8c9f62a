package addrmgr

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/addrmgr/netaddr"
	"starling/clock"
	"starling/store"
	"starling/wire"
)

const (
	// SaveEvery is how often the book is written to its file, beside the end.
	SaveEvery = 15 * time.Minute
	// saveFirst is when it is written first after the start; then the times
	// double up to SaveEvery. A node that is killed when it is young must not have
	// to look for its network anew.
	saveFirst = 10 * time.Second
	// bookVersion is the version of the file's content.
	bookVersion = 1
	// setAside is what is added to the name of a file that is damaged.
	setAside = ".damaged"
)

// Config says where a [Manager] keeps its book. The zero value works.
type Config struct {
	Options Options
	Clock   clock.Clock
	Log     *slog.Logger
	// FS and File say where the book is kept; in memory only without File.
	FS   vfs.FS
	File string
	// Seed decides the places of a new book and all chance; drawn at random if
	// zero.
	Seed [32]byte
}

// Manager is a [Book] that is safe for concurrent use and kept in a file. Its
// methods are those of the book.
type Manager struct {
	cfg Config

	mu   sync.Mutex
	book *Book

	saving sync.Mutex // one writer of the file at a time
}

// Open returns the book of a file, or an empty one if there is no file. A file
// that is damaged, or written by a newer program, is set aside under another name
// and told in the log: the network can be found again without it.
func Open(cfg Config) (*Manager, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.Seed == ([32]byte{}) {
		rand.Read(cfg.Seed[:])
	}
	m := &Manager{cfg: cfg, book: NewBook(cfg.Seed, cfg.Options)}
	if cfg.File == "" {
		return m, nil
	}
	data, err := store.ReadFileChecked(cfg.FS, cfg.File, bookVersion)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	var book *Book
	if err == nil {
		book, err = DecodeBook(data, cfg.Seed, cfg.Options)
	}
	if err == nil {
		m.book = book
		return m, nil
	}
	if !isDamage(err) {
		return nil, fmt.Errorf("address book: %w", err)
	}
	aside := cfg.File + setAside
	if err := cfg.FS.Rename(cfg.File, aside); err != nil {
		return nil, fmt.Errorf("address book: %w", err)
	}
	cfg.Log.Warn("the address book cannot be read; it was set aside, and peers are looked for anew", "file", aside, "err", store.WithoutAdvice(err))
	return m, nil
}

// isDamage reports whether an error is about what is in the file, and not about
// reading it.
func isDamage(err error) bool {
	var corrupt *store.CorruptError
	var version *store.VersionError
	return errors.As(err, &corrupt) || errors.As(err, &version) || errors.Is(err, errBook)
}

// Run saves the book every quarter of an hour, more often soon after the start,
// and once more when ctx is done.
func (m *Manager) Run(ctx context.Context) error {
	for wait := saveFirst; clock.Sleep(ctx, m.cfg.Clock, wait) == nil; wait = min(2*wait, SaveEvery) {
		if err := m.Save(); err != nil {
			m.cfg.Log.Warn("the address book could not be saved", "err", err)
		}
	}
	return m.Save()
}

// Save writes the book to its file, if it has one.
func (m *Manager) Save() error {
	if m.cfg.File == "" {
		return nil
	}
	m.saving.Lock()
	defer m.saving.Unlock()
	m.mu.Lock()
	data := m.book.Encode()
	m.mu.Unlock()
	if err := store.WriteFileAtomic(m.cfg.FS, m.cfg.File, bookVersion, data); err != nil {
		return fmt.Errorf("address book: %w", err)
	}
	return nil
}

// Add is [Book.Add].
func (m *Manager) Add(now time.Time, source netaddr.Addr, penalty time.Duration, addrs ...Address) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Add(now, source, penalty, addrs...)
}

// Attempt is [Book.Attempt].
func (m *Manager) Attempt(now time.Time, a netaddr.Addr, count bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.book.Attempt(now, a, count)
}

// Good is [Book.Good].
func (m *Manager) Good(now time.Time, a netaddr.Addr) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Good(now, a)
}

// Connected is [Book.Connected].
func (m *Manager) Connected(now time.Time, a netaddr.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.book.Connected(now, a)
}

// SetServices is [Book.SetServices].
func (m *Manager) SetServices(a netaddr.Addr, s wire.ServiceFlag) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.book.SetServices(a, s)
}

// Resolve is [Book.Resolve].
func (m *Manager) Resolve(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.book.Resolve(now)
}

// ToTest is [Book.ToTest].
func (m *Manager) ToTest() (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.ToTest()
}

// Select is [Book.Select].
func (m *Manager) Select(now time.Time, newOnly bool, want Networks) (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Select(now, newOnly, want)
}

// Sample is [Book.Sample].
func (m *Manager) Sample(now time.Time, limit, percent int, want Networks) []Address {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Sample(now, limit, percent, want)
}

// Get is [Book.Get].
func (m *Manager) Get(a netaddr.Addr) (Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Get(a)
}

// Entries is [Book.Entries].
func (m *Manager) Entries(t Table) []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Entries(t)
}

// Counts is [Book.Counts].
func (m *Manager) Counts() map[wire.NetworkID]Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Counts()
}

// Len is [Book.Len].
func (m *Manager) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Len()
}

// Grouper tells the network groups that the book goes by.
func (m *Manager) Grouper() netaddr.Grouper { return m.cfg.Options.Grouper }
