package connmgr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// Errors of adding and removing addresses to dial.
var (
	ErrAdded    = errors.New("address is in the list already")
	ErrNotAdded = errors.New("address is not in the list")
	ErrLinked   = errors.New("there is a link to this address, or one is being made")
	ErrTooMany  = errors.New("too many addresses to connect to")
)

const (
	// MaxDials is how many dials are under way at a time unless set otherwise.
	// Each holds a socket and, where nobody answers, waits for its time-out.
	MaxDials = 8
	// MaxTargets bounds the list of addresses to dial, which only the operator
	// can grow. Each costs some 300 bytes.
	MaxTargets = 1000

	// retryMin is the wait before the first new attempt. A node that restarts
	// is back within seconds.
	retryMin = time.Second
	// retryMax is where the doubling of the wait ends. The operator asked for
	// the peer, so it is looked for every minute however long it is gone.
	retryMax = time.Minute
	// retryJitter is the part of the wait that is left to chance, so that
	// nodes that lost the same peer do not all come back at once.
	retryJitter = 0.4
	// steady is how long a link must last for the failures before it to be
	// forgotten. One that ends sooner counts as a failure itself: the other
	// side may be refusing us after the handshake.
	steady = 30 * time.Second
)

// State is where an outgoing address stands.
type State uint8

const (
	// Disconnected: no link, and the next dial is not put off by failures.
	Disconnected State = iota
	// Pending: being dialled, or the handshake is not done.
	Pending
	// Failing: waiting for the next attempt after a failure.
	Failing
	// Cancelled: removed while it was pending; gone when the dial has ended.
	Cancelled
	// Established: there is a link.
	Established
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Disconnected:
		return "disconnected"
	case Pending:
		return "pending"
	case Failing:
		return "failing"
	case Cancelled:
		return "cancelled"
	case Established:
		return "established"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Attempt is one dial and the link that comes of it.
type Attempt struct {
	ID   uint64 // never used twice
	Addr ma.Multiaddr
}

// Status describes one outgoing address.
type Status struct {
	Addr     ma.Multiaddr
	State    State
	Once     bool      // not dialled again when the link ends
	Failures int       // in a row
	Since    time.Time // of the state
	Next     time.Time // of the next dial, if Disconnected or Failing
	Err      error     // why the last link ended or was not made
}

// Outgoing decides when which address is dialled. It is a pure state machine.
type Outgoing struct {
	rng     *rand.Rand
	max     int
	lastID  uint64
	targets map[string]*target
	order   []*target // as added
	running int       // attempts that have not ended and have no link
	paused  bool
}

type target struct {
	Status
	key     string
	id      uint64 // of the running attempt, 0 for none
	removed bool   // gone when the attempt has ended
	told    told
}

// NewOutgoing returns an empty list that has at most maxDials dials under way;
// zero takes [MaxDials].
func NewOutgoing(maxDials int, rng *rand.Rand) *Outgoing {
	if maxDials <= 0 {
		maxDials = MaxDials
	}
	return &Outgoing{rng: rng, max: maxDials, targets: make(map[string]*target)}
}

// Add puts an address on the list, to be dialled now and again whenever its
// link ends.
func (o *Outgoing) Add(now time.Time, addr ma.Multiaddr) error {
	return o.add(now, addr, false)
}

// TryOnce has an address dialled once. An address on the list is dialled at
// once without waiting for its time.
func (o *Outgoing) TryOnce(now time.Time, addr ma.Multiaddr) error {
	return o.add(now, addr, true)
}

func (o *Outgoing) add(now time.Time, addr ma.Multiaddr, once bool) error {
	key := addr.String()
	t := o.targets[key]
	if t == nil {
		if len(o.targets) >= MaxTargets {
			return ErrTooMany
		}
		t = &target{key: key, Status: Status{Addr: addr, Once: once, Since: now, Next: now}}
		o.targets[key] = t
		o.order = append(o.order, t)
		return nil
	}
	switch {
	case t.removed && !once:
		// Asked for again before it was gone: the attempt that is ending must
		// end first, so that nothing is dialled twice.
		t.removed, t.Once = false, false
	case !once && t.Once:
		t.Once = false // an address that was to be tried once is to be kept
	case !once:
		return ErrAdded
	case t.id != 0:
		return ErrLinked
	default:
		t.Next = now
	}
	return nil
}

// Remove takes an address off the list. A dial under way is to be cancelled:
// its attempt is returned. A link that stands is left alone; it will not be
// made again.
func (o *Outgoing) Remove(now time.Time, addr ma.Multiaddr) (cancel Attempt, found bool, err error) {
	t := o.targets[addr.String()]
	if t == nil || t.removed || t.Once {
		return Attempt{}, false, ErrNotAdded
	}
	switch {
	case t.id == 0:
		o.forget(t)
		return Attempt{}, false, nil
	case t.State == Pending:
		t.removed = true
		t.set(now, Cancelled)
		return Attempt{t.id, t.Addr}, true, nil
	}
	t.removed = true
	return Attempt{}, false, nil
}

func (o *Outgoing) forget(t *target) {
	delete(o.targets, t.key)
	o.order = slices.DeleteFunc(o.order, func(u *target) bool { return u == t })
}

func (t *target) set(now time.Time, s State) {
	t.State, t.Since = s, now
}

// Pause keeps anything new from being dialled, or allows it again.
func (o *Outgoing) Pause(paused bool) { o.paused = paused }

// Due returns what is to be dialled now, those that have waited longest first.
// Each attempt must be ended with Down.
func (o *Outgoing) Due(now time.Time) []Attempt {
	if o.paused {
		return nil
	}
	var due []*target
	for _, t := range o.order {
		if t.id == 0 && !t.Next.After(now) {
			due = append(due, t)
		}
	}
	slices.SortStableFunc(due, func(a, b *target) int { return a.Next.Compare(b.Next) })
	due = due[:min(len(due), o.max-o.running)]
	var out []Attempt
	for _, t := range due {
		o.lastID++
		t.id = o.lastID
		t.set(now, Pending)
		o.running++
		out = append(out, Attempt{t.id, t.Addr})
	}
	return out
}

// NextDial returns when Due will have something to dial, or the zero time if
// that does not hang on time alone.
func (o *Outgoing) NextDial() (at time.Time) {
	if o.paused || o.running >= o.max {
		return at
	}
	for _, t := range o.order {
		if t.id == 0 && (at.IsZero() || t.Next.Before(at)) {
			at = t.Next
		}
	}
	return at
}

func (o *Outgoing) byID(id uint64) *target {
	i := slices.IndexFunc(o.order, func(t *target) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return o.order[i]
}

// Up tells that an attempt has become a link whose handshake is done.
func (o *Outgoing) Up(now time.Time, id uint64) {
	t := o.byID(id)
	if t == nil || t.State != Pending && t.State != Cancelled {
		return
	}
	o.running--
	t.set(now, Established)
	t.Err = nil
}

// Down tells that an attempt has ended, with or without ever having been up.
// It reports whether that is news to the operator: the address could not be
// reached, for a reason that he has not been told of lately.
func (o *Outgoing) Down(now time.Time, id uint64, err error) (news bool) {
	t := o.byID(id)
	if t == nil {
		return false
	}
	if !t.removed && t.State != Established && err != nil {
		news = t.told.news(now, err.Error())
	}
	lasted := time.Duration(0)
	if t.State == Established {
		lasted = now.Sub(t.Since)
	} else {
		o.running--
	}
	cancelled := t.State == Cancelled
	t.id = 0
	if t.removed || t.Once {
		o.forget(t)
		return news
	}
	t.Err = err
	switch {
	case cancelled:
		// Taken back by the operator and asked for again; nothing has failed.
		t.set(now, Disconnected)
		t.Next = now
	case lasted >= steady:
		t.Failures, t.told = 0, told{}
		t.set(now, Disconnected)
		t.Next = now.Add(o.wait(0))
	default:
		t.set(now, Failing)
		t.Next = now.Add(o.wait(t.Failures))
		t.Failures++
	}
	return news
}

// wait returns how long to wait after the given number of failures before the
// last one.
func (o *Outgoing) wait(failures int) time.Duration {
	d := retryMax
	if failures < 6 { // 2^6 seconds are more than retryMax
		d = min(retryMin<<failures, retryMax)
	}
	return time.Duration(float64(d) * (1 - retryJitter*o.rng.Float64()))
}

// LastError returns the last error of an address, or nil.
func (o *Outgoing) LastError(addr ma.Multiaddr) error {
	if t := o.targets[addr.String()]; t != nil {
		return t.Err
	}
	return nil
}

// List describes all addresses, in the order in which they were added.
func (o *Outgoing) List() []Status {
	list := make([]Status, 0, len(o.order))
	for _, t := range o.order {
		if !t.removed {
			list = append(list, t.Status)
		}
	}
	return list
}
