package connmgr

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
	"starling/clock"
	"starling/internal/rolling"
	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// DefaultMaxPeers is how many links a node has in all unless set otherwise.
const DefaultMaxPeers = 125

// Dialer makes links and serves them.
type Dialer interface {
	// Connect opens a link of a kind to addr and serves it for as long as it
	// lives. It calls up, from any goroutine, when the handshake is done. It
	// returns why the link ended or could not be made, and does so soon after ctx
	// is done.
	Connect(ctx context.Context, addr ma.Multiaddr, kind peer.Kind, up func()) error
}

// Config says how a [Manager] works. The zero value of everything but Dialer
// works.
type Config struct {
	Dialer Dialer // needed by Run
	Clock  clock.Clock
	Log    *slog.Logger
	// Observer is told what happens; nil for nobody.
	Observer Observer
	// Seed decides the jitter of waits. It may be fixed in a simulation.
	Seed [32]byte

	MaxDials   int // dials by hand under way at a time; 0 for [MaxDials]
	MaxInbound int // inbound links; 0 for [DefaultMaxPeers], below 0 for none
	// MaxPending is how many of the inbound links may be in their handshake; 0
	// for a quarter of them, or 8 if that is more; below 0 for any number.
	MaxPending int

	// MaxPerHost and MaxPerGroup are how many of the inbound links one host and
	// one network group may have; 0 for an eighth and a half of them, but no fewer
	// than 16 and 32; below 0 for no limit.
	MaxPerHost, MaxPerGroup int
	// AcceptRate and AcceptBurst are the pace of newcomers, see [NewPace].
	AcceptRate  float64
	AcceptBurst int

	BanScore float64       // score at which a host is banned; 0 for [DefaultBanScore]
	BanTime  time.Duration // how long; 0 for [DefaultBanTime]
	// CountLocal treats local and private addresses like any others, see
	// [Manager.Punish]. It is for tests on one machine. Bans by hand always
	// count.
	CountLocal bool

	// Book is where addresses for links come from that the node opens by
	// itself; nil for none such.
	Book    Book
	Slots   SlotOptions
	Anchors []netaddr.Addr // dialled first
	// Own reports whether an address is one of this node's; nil for never.
	Own func(netaddr.Addr) bool
	// Wanted reports whether a node with these services is of use; nil for all.
	Wanted func(wire.ServiceFlag) bool
	// Manual returns the addresses of the links that stand by the operator's
	// wish; nil for none. It is called with a lock held.
	Manual func() []netaddr.Addr

	// FS and BanFile say where the ban list is kept. Without BanFile it is
	// kept in memory only. OldBanFile is where it was kept in an older form, which
	// is taken over and removed.
	FS                  vfs.FS
	BanFile, OldBanFile string
}

// Manager dials, scores and bans. See the package comment.
type Manager struct {
	cfg Config
	log *slog.Logger
	obs Observer

	mu          sync.Mutex
	out         *Outgoing
	scores      *Scores
	bans        *Bans
	active      bool
	discouraged *rolling.Filter
	cancel      map[uint64]context.CancelFunc // of the running attempts
	slots       *Slots                        // nil if the node opens no links by itself
	autoCancel  map[uint64]context.CancelFunc // of the dials and links of slots
	opens       []open                        // asked for, and not dialled yet
	openID      uint64
	openCancel  map[uint64]context.CancelFunc // of the links that were asked for
	lagging     bool
	pace        *Pace
	held        int // newcomers that are held back
	synced      bool
	wake        chan struct{} // holds a value when the schedule has changed

	savedAt time.Time // when the ban list was saved

	file banFile
}

// New returns a Manager with the bans that were saved. A damaged ban file is an
// error that says what to do about it.
func New(cfg Config) (*Manager, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observer == nil {
		cfg.Observer = NoObserver{}
	}
	if cfg.BanScore == 0 {
		cfg.BanScore = DefaultBanScore
	}
	if cfg.BanTime == 0 {
		cfg.BanTime = DefaultBanTime
	}
	if cfg.MaxInbound == 0 {
		cfg.MaxInbound = DefaultMaxPeers
	}
	switch {
	case cfg.MaxPending == 0:
		cfg.MaxPending = max(minPending, cfg.MaxInbound/pendingShareOf)
	case cfg.MaxPending < 0:
		cfg.MaxPending = math.MaxInt
	}
	if cfg.MaxPerHost == 0 {
		cfg.MaxPerHost = max(minPerHost, cfg.MaxInbound/hostShareOf)
	}
	if cfg.MaxPerGroup == 0 {
		cfg.MaxPerGroup = max(minPerGroup, cfg.MaxInbound/groupShareOf)
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	m := &Manager{
		cfg: cfg, log: cfg.Log, obs: cfg.Observer,
		out:         NewOutgoing(cfg.MaxDials, rand.New(rand.NewChaCha8(cfg.Seed))),
		scores:      NewScores(),
		bans:        NewBans(),
		active:      true,
		discouraged: newDiscouraged(),
		pace:        NewPace(cfg.AcceptRate, cfg.AcceptBurst),
		cancel:      make(map[uint64]context.CancelFunc),
		autoCancel:  make(map[uint64]context.CancelFunc),
		openCancel:  make(map[uint64]context.CancelFunc),
		wake:        make(chan struct{}, 1),
	}
	if cfg.Book != nil {
		m.slots = NewSlots(cfg.Slots, cfg.Book, cfg.Anchors, rand.New(rand.NewChaCha8(sha256.Sum256(append(cfg.Seed[:], "slots"...)))))
	}
	return m, m.load()
}

// Add puts an address on the list of those to be connected to for good. A link to
// it that the node has opened by itself makes way, or there would be two.
func (m *Manager) Add(addr ma.Multiaddr) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.out.Add(m.cfg.Clock.Now(), addr)
	if id, ok := m.slotAt(addr); ok && err == nil {
		if cancel := m.autoCancel[id]; cancel != nil {
			cancel()
		}
	}
	m.kick()
	return err
}

// TryOnce has an address dialled once, unless the node has a link to it that it has
// opened by itself.
func (m *Manager) TryOnce(addr ma.Multiaddr) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.slotAt(addr); ok {
		return ErrLinked
	}
	err := m.out.TryOnce(m.cfg.Clock.Now(), addr)
	m.kick()
	return err
}

// slotAt returns which of the links that the node opens by itself goes to an
// address. The lock is held.
func (m *Manager) slotAt(addr ma.Multiaddr) (id uint64, ok bool) {
	a, ok := netaddr.OfLink(addr)
	if !ok || m.slots == nil {
		return 0, false
	}
	return m.slots.At(a)
}

// Remove takes an address off the list. A dial under way is given up, a link
// that stands is kept.
func (m *Manager) Remove(addr ma.Multiaddr) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, found, err := m.out.Remove(m.cfg.Clock.Now(), addr)
	if found {
		if cancel := m.cancel[a.ID]; cancel != nil {
			cancel()
		}
	}
	m.kick()
	return err
}

// Outgoing describes the addresses that are dialled.
func (m *Manager) Outgoing() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.List()
}

// LastError returns why the last link to an address ended or was not made, if
// there was one and there is none now.
func (m *Manager) LastError(addr ma.Multiaddr) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.LastError(addr)
}

// SetActive switches networking on or off. When it is off nothing is dialled or
// admitted, and the links that Run has made are ended; inbound ones are the
// caller's to end.
func (m *Manager) SetActive(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = on
	m.out.Pause(!on)
	if !on {
		for _, cancel := range m.cancel {
			cancel()
		}
		for _, cancel := range m.autoCancel {
			cancel()
		}
		for _, cancel := range m.openCancel {
			cancel()
		}
		m.opens = nil
	}
	m.kick()
}

// Active reports whether networking is switched on.
func (m *Manager) Active() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.active
}

// kick has Run look at the schedule again.
func (m *Manager) kick() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Run dials what is due until ctx is done, and returns nil when all links that
// it made have ended.
func (m *Manager) Run(ctx context.Context) error {
	var links sync.WaitGroup
	defer links.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	timer := m.cfg.Clock.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		m.dialOpens(ctx, &links)
		next := earlier(earlier(m.dial(ctx, &links), m.fill(ctx, &links)), m.keepBans())
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(next.Sub(m.cfg.Clock.Now()))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			m.lastSave()
			return nil
		case <-m.wake:
		case <-due:
		}
	}
}

// dial starts what is due and returns when to look again.
func (m *Manager) dial(ctx context.Context, links *sync.WaitGroup) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.out.Due(m.cfg.Clock.Now()) {
		ctx, cancel := context.WithCancel(ctx)
		m.cancel[a.ID] = cancel
		links.Go(func() { m.serve(ctx, a) })
	}
	return m.out.NextDial()
}

// serve is the life of one attempt.
func (m *Manager) serve(ctx context.Context, a Attempt) {
	m.obs.DialStarted(a.Addr)
	wasUp := false
	err := m.cfg.Dialer.Connect(ctx, a.Addr, peer.Manual, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		wasUp = true
		m.out.Up(m.cfg.Clock.Now(), a.ID)
		m.kick() // a dial less is under way
	})
	level, tell := m.down(ctx, a, wasUp, err)
	if tell {
		m.log.Log(context.Background(), level, "peer cannot be reached", "addr", transport.FormatAddr(a.Addr), "reason", err)
	}
}

// down takes note of the end of an attempt, and returns whether the log is to
// tell of it, and how loudly.
func (m *Manager) down(ctx context.Context, a Attempt, wasUp bool, err error) (level slog.Level, tell bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.obs.DialEnded(a.Addr, wasUp, err)
	over := ctx.Err() != nil // called off, by whoever does not want it any more
	m.cancel[a.ID]()
	delete(m.cancel, a.ID)
	level = slog.LevelDebug
	if m.out.Down(m.cfg.Clock.Now(), a.ID, err) {
		level = slog.LevelWarn
	}
	m.kick()
	return level, !wasUp && !over
}
