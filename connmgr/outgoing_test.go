package connmgr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"pgregory.net/rapid"
)

var epoch = time.Unix(1_700_000_000, 0)

func addr(i int) ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/tcp/8333", i/250, i%250+1))
}

func newOutgoing(dials int) *Outgoing { return NewOutgoing(dials, rand.New(rand.NewPCG(1, 2))) }

// states returns the states of all addresses in their order.
func states(o *Outgoing) (s []State) {
	for _, t := range o.List() {
		s = append(s, t.State)
	}
	return s
}

func TestOutgoingStates(t *testing.T) {
	o := newOutgoing(2)
	now := epoch
	want := func(step string, want ...State) {
		t.Helper()
		if got := states(o); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: %v, want %v", step, got, want)
		}
	}
	for i := range 3 {
		if err := o.Add(now, addr(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Add(now, addr(1)); !errors.Is(err, ErrAdded) {
		t.Errorf("added twice: %v", err)
	}
	want("added", Disconnected, Disconnected, Disconnected)

	due := o.Due(now)
	if len(due) != 2 {
		t.Fatalf("%d dials, want 2 at a time", len(due))
	}
	want("dialled", Pending, Pending, Disconnected)
	if more := o.Due(now); more != nil {
		t.Fatalf("more dials: %v", more)
	}
	if !o.NextDial().IsZero() {
		t.Errorf("next dial at %v although all places are taken", o.NextDial())
	}

	o.Up(now, due[0].ID)
	want("up", Established, Pending, Disconnected)
	third := o.Due(now)
	if len(third) != 1 || !third[0].Addr.Equal(addr(2)) {
		t.Fatalf("dials %v", third)
	}
	if err := o.TryOnce(now, addr(0)); !errors.Is(err, ErrLinked) {
		t.Errorf("trying a linked address: %v", err)
	}

	// Failures put the next dial off, ever longer.
	o.Down(now, due[1].ID, errors.New("refused"))
	want("failed", Established, Failing, Pending)
	if st := o.List()[1]; st.Failures != 1 || st.Err == nil || !st.Next.After(now) || st.Next.After(now.Add(retryMin)) {
		t.Errorf("after a failure: %+v", st)
	}
	if due := o.Due(now); due != nil {
		t.Errorf("dialled before its time: %v", due)
	}

	// A removed pending address is cancelled, and gone when its dial has ended.
	a, found, err := o.Remove(now, addr(2))
	if err != nil || !found || a.ID != third[0].ID {
		t.Fatalf("remove: %v %v %v", a, found, err)
	}
	want("cancelled", Established, Failing)
	if err := o.Add(now, addr(2)); err != nil {
		t.Fatal(err)
	}
	want("asked for again", Established, Failing, Cancelled)
	o.Down(now, third[0].ID, errors.New("cancelled"))
	want("the dial has ended", Established, Failing, Disconnected)
	if st := o.List()[2]; st.Failures != 0 {
		t.Errorf("a cancelled dial counts as a failure")
	}

	// A link that lasted clears the failures; one that did not is one.
	now = now.Add(time.Hour)
	o.Down(now, due[0].ID, errors.New("gone"))
	want("lost", Disconnected, Failing, Disconnected)
	for _, a := range o.Due(now.Add(retryMax)) {
		o.Up(now, a.ID)
		o.Down(now.Add(time.Second), a.ID, errors.New("refused after the handshake"))
	}
	want("short links", Disconnected, Failing, Failing)

	// An established one that is removed keeps its link.
	if _, _, err := o.Remove(now, addr(9)); !errors.Is(err, ErrNotAdded) {
		t.Errorf("removing what is not there: %v", err)
	}
}

func TestRetryTimes(t *testing.T) {
	o := newOutgoing(0)
	o.Add(epoch, addr(0))
	now := epoch
	var waits []time.Duration
	for range 10 {
		a := o.Due(now)
		if len(a) != 1 {
			t.Fatalf("%d dials", len(a))
		}
		o.Down(now, a[0].ID, errors.New("refused"))
		waits = append(waits, o.NextDial().Sub(now))
		now = o.NextDial()
	}
	for i, w := range waits {
		full := min(retryMin<<i, retryMax)
		if w > full || w < time.Duration(float64(full)*(1-retryJitter)) {
			t.Errorf("wait %d is %v, full %v", i, w, full)
		}
	}
	if waits[8] == waits[9] {
		t.Errorf("no jitter: %v", waits)
	}
}

func TestTryOnce(t *testing.T) {
	o := newOutgoing(0)
	o.TryOnce(epoch, addr(0))
	a := o.Due(epoch)
	if len(a) != 1 {
		t.Fatalf("%d dials", len(a))
	}
	if err := o.TryOnce(epoch, addr(0)); !errors.Is(err, ErrLinked) {
		t.Errorf("twice at a time: %v", err)
	}
	o.Down(epoch, a[0].ID, errors.New("refused"))
	if len(o.List()) != 0 {
		t.Errorf("still there: %+v", o.List())
	}

	// On an address that waits it means now.
	o.Add(epoch, addr(1))
	a = o.Due(epoch)
	o.Down(epoch, a[0].ID, errors.New("refused"))
	if o.Due(epoch) != nil {
		t.Fatal("no wait after a failure")
	}
	o.TryOnce(epoch, addr(1))
	if a := o.Due(epoch); len(a) != 1 {
		t.Fatalf("%d dials", len(a))
	}
	// It is still one to be kept.
	if s := o.List()[0]; s.Once {
		t.Errorf("%+v", s)
	}
}

func TestPause(t *testing.T) {
	o := newOutgoing(0)
	o.Add(epoch, addr(0))
	o.Pause(true)
	if o.Due(epoch) != nil || !o.NextDial().IsZero() {
		t.Error("dials while paused")
	}
	o.Pause(false)
	if len(o.Due(epoch)) != 1 {
		t.Error("no dial after the pause")
	}
}

// TestOutgoingPlay adds, removes, raises and ends links at random. At no moment
// is anything dialled twice or too much at a time, and in the end every address
// on the list is dialled.
func TestOutgoingPlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dials := rapid.IntRange(1, 4).Draw(t, "dials")
		o := newOutgoing(dials)
		now := epoch
		type attempt struct {
			Attempt
			up bool
		}
		var running []attempt
		due := func() {
			for _, a := range o.Due(now) {
				pending := 1
				for _, r := range running {
					if r.Addr.Equal(a.Addr) {
						t.Fatalf("%v dialled twice", a.Addr)
					}
					if r.ID == a.ID {
						t.Fatalf("id %d used twice", a.ID)
					}
					if !r.up {
						pending++
					}
				}
				if pending > dials {
					t.Fatalf("%d dials at a time", pending)
				}
				running = append(running, attempt{Attempt: a})
			}
		}
		wanted := map[int]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				i := rapid.IntRange(0, 5).Draw(t, "which")
				if err := o.Add(now, addr(i)); (err == nil) == wanted[i] {
					t.Fatalf("add %d: %v", i, err)
				}
				wanted[i] = true
			},
			"once": func(t *rapid.T) {
				o.TryOnce(now, addr(rapid.IntRange(0, 5).Draw(t, "which")))
			},
			"remove": func(t *rapid.T) {
				i := rapid.IntRange(0, 5).Draw(t, "which")
				if _, _, err := o.Remove(now, addr(i)); (err == nil) != wanted[i] {
					t.Fatalf("remove %d: %v", i, err)
				}
				delete(wanted, i)
			},
			"dial": func(t *rapid.T) { due() },
			"up": func(t *rapid.T) {
				if len(running) == 0 {
					t.Skip("no dial is running")
				}
				i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
				running[i].up = true
				o.Up(now, running[i].ID)
			},
			"down": func(t *rapid.T) {
				if len(running) == 0 {
					t.Skip("no dial is running")
				}
				i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
				o.Down(now, running[i].ID, errors.New("down"))
				running = append(running[:i], running[i+1:]...)
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				pending := 0
				for _, r := range running {
					if !r.up {
						pending++
					}
				}
				if o.running != pending {
					t.Fatalf("counts %d dials, there are %d", o.running, pending)
				}
			},
		})
		// Everything comes up in the end.
		for range 100 {
			for i := range running {
				if !running[i].up {
					o.Up(now, running[i].ID)
					running[i].up = true
				}
			}
			now = now.Add(retryMax)
			due()
		}
		up := map[string]bool{}
		for _, r := range running {
			up[r.Addr.String()] = true
		}
		for i := range wanted {
			if !up[addr(i).String()] {
				t.Fatalf("%v is on the list and has no link", addr(i))
			}
		}
	})
}
