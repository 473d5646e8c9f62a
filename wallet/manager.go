package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/clock"
	"starling/store"
)

// DefaultName is the name of the wallet that is loaded at the start if it is
// there, whether or not anybody asked for it, and that commands make and use
// unless told another.
const DefaultName = "default"

// MaxLoaded bounds how many wallets are loaded at the same time. Each reads
// every block on its own.
const MaxLoaded = 64

// Config says where wallets are and what they follow. Chain and Dir are
// needed.
type Config struct {
	Chain Chain
	Pool  Pool   // nil for none: then nothing can be paid
	FS    vfs.FS // nil for the system's
	Dir   string // holds a directory for each wallet
	Clock clock.Clock
	Log   *slog.Logger

	// Load names wallets that Open loads, beside those that are to be loaded
	// at every start. One that is not there is an error.
	Load []string

	// FallbackFee is paid where nothing is known about fees, in satoshi for
	// 1,000 virtual bytes; 0 for [DefaultFallbackFee], but for none on the main
	// network. Below zero it is none: then such payments are refused.
	FallbackFee int64
	// PassphraseCost is the logarithm of scrypt's cost; 0 for the default.
	// Tests choose a low one.
	PassphraseCost uint8
}

// Manager holds the wallets of a node. All its methods may be called by any
// goroutine.
type Manager struct {
	cfg  Config
	pool Pool
	log  *slog.Logger

	listing sync.Mutex // held while the list of wallets to load is written

	mu       sync.Mutex
	busy     map[string]error // names that somebody loads, makes or unloads just now; what others are told
	loaded   map[string]*Wallet
	running  context.Context // of Run, nil before and after
	closed   bool
	autoload []string
	group    sync.WaitGroup
}

// New returns a manager without wallets; see [Manager.Open].
func New(cfg Config) (*Manager, error) {
	if cfg.Chain == nil || cfg.Dir == "" {
		return nil, errors.New("wallet: a chain and a directory are needed")
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.FallbackFee = fallbackFee(cfg.FallbackFee, cfg.Chain.Network().Name)
	if cfg.PassphraseCost == 0 {
		cfg.PassphraseCost = scryptLogN
	}
	m := &Manager{cfg: cfg, pool: cfg.Pool, log: cfg.Log, busy: map[string]error{}, loaded: map[string]*Wallet{}}
	if m.pool == nil {
		m.pool = noPool{}
	}
	var err error
	if m.autoload, err = m.readAutoload(); err != nil {
		return nil, err
	}
	return m, nil
}

// Open loads the wallets that are to be there from the start: those of
// Config.Load, those that LoadOnStartup was asked for, and the one called
// [DefaultName]. One of the latter two that cannot be loaded is left out, and
// the log says why, so that it does not keep the node from starting.
func (m *Manager) Open(ctx context.Context) error {
	for _, name := range m.cfg.Load {
		if _, err := m.Load(ctx, name); err != nil && !errors.Is(err, ErrLoaded) {
			return fmt.Errorf("wallet %s: %w", name, err)
		}
	}
	m.mu.Lock()
	more := slices.Clone(m.autoload)
	m.mu.Unlock()
	if !slices.Contains(more, DefaultName) && m.exists(DefaultName) {
		more = append(more, DefaultName)
	}
	m.tellMissing()
	for _, name := range more {
		if _, err := m.Load(ctx, name); err != nil && !errors.Is(err, ErrLoaded) {
			m.log.Error("wallet not loaded", "wallet", name, "err", err)
		}
	}
	return nil
}

// tellMissing says which directories of wallets have no wallet in them: its file
// may have been lost.
func (m *Manager) tellMissing() {
	names, err := m.cfg.FS.List(m.cfg.Dir)
	if err != nil {
		return // there are no wallets yet
	}
	slices.Sort(names)
	for _, name := range names {
		st, err := m.cfg.FS.Stat(m.dir(name))
		if checkName(name) == nil && err == nil && st.IsDir() && !m.exists(name) {
			m.log.Warn("the directory of a wallet has no wallet file; if you did not delete it, restore it from a backup or from its seed phrase",
				"wallet", name, "missing", m.path(name))
		}
	}
}

// Run follows the chain with all loaded wallets until ctx ends. Wallets stay
// loaded; see [Manager.Close].
func (m *Manager) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	m.mu.Lock()
	if m.running != nil || m.closed {
		m.mu.Unlock()
		return errors.New("wallet: Run is called once")
	}
	m.running = ctx
	for _, w := range m.loaded {
		m.start(w)
	}
	m.mu.Unlock()
	<-ctx.Done()
	m.mu.Lock()
	m.running = nil
	m.closed = true
	m.mu.Unlock()
	m.group.Wait()
	return nil
}

// start runs a wallet. The caller holds mu, and Run is running.
func (m *Manager) start(w *Wallet) {
	ctx, stop := context.WithCancel(m.running)
	w.stop = stop
	w.stopped = make(chan struct{})
	m.group.Go(func() {
		defer close(w.stopped)
		var pool sync.WaitGroup
		pool.Go(func() { w.listen(ctx) })
		w.run(ctx)
		pool.Wait()
	})
}

// Close writes everything to disk and unloads all wallets. Run must have
// returned or never have been called.
func (m *Manager) Close() error {
	m.mu.Lock()
	all := slices.Collect(maps.Values(m.loaded))
	m.loaded = map[string]*Wallet{}
	m.closed = true
	m.mu.Unlock()
	var errs []error
	for _, w := range all {
		errs = append(errs, w.close())
	}
	return errors.Join(errs...)
}

// checkName refuses names that would be no directory of their own, or that
// would confuse people.
func checkName(name string) error {
	const longest = 64
	if name == "" || len(name) > longest || strings.ContainsAny(name[:1], ".- ") || strings.HasSuffix(name, " ") {
		return ErrName
	}
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune(" ._-", c):
		default:
			return ErrName
		}
	}
	// The list of wallets, and what it is written to first, lie beside them.
	if len(name) >= len(autoloadFile) && strings.EqualFold(name[:len(autoloadFile)], autoloadFile) {
		return ErrName
	}
	return nil
}

// fileName is the wallet file inside a wallet's directory.
const fileName = "wallet.dat"

func (m *Manager) dir(name string) string { return m.cfg.FS.PathJoin(m.cfg.Dir, name) }

func (m *Manager) path(name string) string { return m.cfg.FS.PathJoin(m.dir(name), fileName) }

func (m *Manager) exists(name string) bool {
	_, err := m.cfg.FS.Stat(m.path(name))
	return err == nil
}

// Names returns the names of all wallets on disk, in order.
func (m *Manager) Names() ([]string, error) {
	names, err := m.cfg.FS.List(m.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return checkName(n) != nil || !m.exists(n) })
	slices.Sort(names)
	return names, nil
}

// Loaded returns the loaded wallets, in order of their names.
func (m *Manager) Loaded() []*Wallet {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Collect(maps.Values(m.loaded))
	slices.SortFunc(all, func(a, b *Wallet) int { return strings.Compare(a.name, b.name) })
	return all
}

// Get returns a loaded wallet. The error is ErrNotLoaded, or ErrNotFound if
// there is none of that name on disk.
func (m *Manager) Get(name string) (*Wallet, error) {
	m.mu.Lock()
	w := m.loaded[name]
	m.mu.Unlock()
	switch {
	case w != nil:
		return w, nil
	case checkName(name) == nil && m.exists(name):
		return nil, ErrNotLoaded
	default:
		return nil, ErrNotFound
	}
}

// reserve keeps others from loading or making a wallet of the same name until
// release is called.
func (m *Manager) reserve(name string) (release func(), err error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, ErrClosed
	case m.loaded[name] != nil:
		return nil, ErrLoaded
	case m.busy[name] != nil:
		return nil, m.busy[name]
	case len(m.loaded)+len(m.busy) >= MaxLoaded:
		return nil, fmt.Errorf("at most %d wallets can be loaded at the same time", MaxLoaded)
	}
	m.busy[name] = errLoading
	return func() { m.free(name) }, nil
}

// reserveNew is reserve for a wallet that is yet to be made.
func (m *Manager) reserveNew(name string) (release func(), err error) {
	release, err = m.reserve(name)
	if errors.Is(err, ErrLoaded) || errors.Is(err, ErrUnloading) {
		err = ErrExists
	}
	return release, err
}

// free ends what reserve and Unload begin.
func (m *Manager) free(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.busy, name)
}

// adopt adds a wallet that was opened to the loaded ones and runs it.
func (m *Manager) adopt(w *Wallet) error {
	if !m.take(w) {
		return errors.Join(ErrClosed, w.close())
	}
	return nil
}

// take is adopt, but for wallets that come too late: for these it reports false.
func (m *Manager) take(w *Wallet) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.loaded[w.name] = w
	if m.running != nil {
		m.start(w)
	}
	return true
}

// Load loads a wallet from disk. One that would have to read blocks that were
// pruned is loaded for its keys alone, see [Wallet.Trouble].
func (m *Manager) Load(ctx context.Context, name string) (*Wallet, error) {
	release, err := m.reserve(name)
	if err != nil {
		return nil, err
	}
	defer release()
	if !m.exists(name) {
		return nil, ErrNotFound
	}
	w, err := m.open(name)
	if err != nil {
		return nil, err
	}
	if err := w.holdBlocks(); err != nil {
		// It comes too late for its coins, but not for its keys.
		w.strand(err)
		w.log.Error("wallet does not follow the chain", "err", err)
	}
	if err := m.adopt(w); err != nil {
		return nil, err
	}
	w.lookThroughPool()
	return w, nil
}

// Unload writes a wallet to disk and forgets it. Until its file is closed nobody
// else may open that: two would write over each other.
func (m *Manager) Unload(name string) error {
	m.mu.Lock()
	w := m.loaded[name]
	if w == nil {
		m.mu.Unlock()
		return ErrNotLoaded
	}
	delete(m.loaded, name)
	m.busy[name] = ErrUnloading
	stop, stopped := w.stop, w.stopped
	m.mu.Unlock()
	defer m.free(name)
	if stop != nil {
		stop()
		<-stopped
	}
	return w.close()
}

// Unload and Load at startup: the names are kept in a small file.
const (
	autoloadFile    = "autoload.dat"
	autoloadVersion = 1
)

func (m *Manager) autoloadPath() string { return m.cfg.FS.PathJoin(m.cfg.Dir, autoloadFile) }

// readAutoload reads the list. One that cannot be made sense of is set aside and told
// of: the node and its wallets are worth more than the list.
func (m *Manager) readAutoload() ([]string, error) {
	path := m.autoloadPath()
	if info, err := m.cfg.FS.Stat(path); err == nil && info.IsDir() {
		m.log.Warn("a wallet has the name of the list of wallets to load at every start, so there is none; rename its directory", "dir", path)
		return nil, nil
	}
	b, err := store.ReadFileChecked(m.cfg.FS, path, autoloadVersion)
	var names []string
	if err == nil {
		names, err = parseAutoload(b)
	}
	var corrupt *store.CorruptError
	var version *store.VersionError
	switch {
	case err == nil:
		return names, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case !errors.As(err, &corrupt) && !errors.As(err, &version):
		return nil, err
	}
	aside := path + ".bad"
	if rerr := m.cfg.FS.Rename(path, aside); rerr != nil {
		return nil, errors.Join(err, rerr)
	}
	m.log.Warn("the list of wallets to load at every start can not be read and was set aside; load them by hand",
		"err", store.WithoutAdvice(err), "aside", aside)
	return nil, nil
}

func parseAutoload(b []byte) ([]string, error) {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return nil, &store.CorruptError{Path: autoloadFile, What: "no list of names", Err: err}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return checkName(n) != nil })
	return names, nil
}

// LoadOnStartup says whether a wallet is loaded when the node starts. The one
// called [DefaultName] always is.
func (m *Manager) LoadOnStartup(name string, on bool) error {
	if err := checkName(name); err != nil {
		return err
	}
	m.listing.Lock()
	defer m.listing.Unlock()
	m.mu.Lock()
	before := m.autoload
	m.mu.Unlock()
	names := slices.DeleteFunc(slices.Clone(before), func(n string) bool { return n == name })
	if on {
		names = append(names, name)
	}
	if slices.Equal(names, before) {
		return nil
	}
	b, err := json.Marshal(names)
	if err != nil {
		return err
	}
	if err := m.cfg.FS.MkdirAll(m.cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := store.WriteFileAtomic(m.cfg.FS, m.autoloadPath(), autoloadVersion, b); err != nil {
		return err
	}
	m.mu.Lock()
	m.autoload = names
	m.mu.Unlock()
	return nil
}

// Sync brings all wallets to where the chain and the pool stand.
func (m *Manager) Sync(ctx context.Context) error {
	for _, w := range m.Loaded() {
		if err := w.Sync(ctx); err != nil {
			return err
		}
	}
	return nil
}
