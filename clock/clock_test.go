package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"starling/clock"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// fired returns the time that a timer sent, or the zero time.
func fired(t *clock.Timer) time.Time {
	select {
	case at := <-t.C:
		return at
	default:
		return time.Time{}
	}
}

func TestMockFiresWhatIsDue(t *testing.T) {
	m := clock.NewMock(start)
	a, b, c := m.NewTimer(time.Second), m.NewTimer(time.Minute), m.NewTimer(time.Hour)
	m.Advance(time.Second - 1)
	if !fired(a).IsZero() {
		t.Error("fired a nanosecond early")
	}
	m.Advance(1)
	if got := fired(a); !got.Equal(start.Add(time.Second)) {
		t.Errorf("a fired at %v", got)
	}
	m.Set(start.Add(30 * time.Minute))
	// The value is when the timer was due, not where the clock was moved to.
	if got := fired(b); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("b fired at %v", got)
	}
	if !fired(c).IsZero() || m.Waiting() != 1 {
		t.Error("c must still wait")
	}
	if due, ok := m.Next(); !ok || !due.Equal(start.Add(time.Hour)) {
		t.Errorf("next is due %v, %v", due, ok)
	}
}

func TestTimersAtOnce(t *testing.T) {
	for name, c := range map[string]clock.Clock{"mock": clock.NewMock(start), "settable": clock.NewSettable()} {
		for _, d := range []time.Duration{0, -time.Hour} {
			if fired(c.NewTimer(d)).IsZero() {
				t.Errorf("%s: a timer of %v must fire at once", name, d)
			}
		}
	}
}

func TestStopAndResetForgetWhatWasSent(t *testing.T) {
	m := clock.NewMock(start)
	a := m.NewTimer(time.Second)
	m.Advance(time.Second)
	if a.Stop() {
		t.Error("a fired timer was said to be waiting")
	}
	if !fired(a).IsZero() {
		t.Error("a value came through after Stop")
	}
	if a.Reset(time.Second) {
		t.Error("a stopped timer was said to be waiting")
	}
	if !a.Reset(2 * time.Second) {
		t.Error("a waiting timer was said not to be")
	}
	m.Advance(time.Second)
	if !fired(a).IsZero() {
		t.Error("the first setting still holds")
	}
	m.Advance(time.Second)
	if fired(a).IsZero() {
		t.Error("the second setting does not hold")
	}
	if b := m.NewTimer(time.Hour); !b.Stop() || m.Waiting() != 0 {
		t.Error("Stop left a timer behind")
	}
}

func TestMockSetBackKeepsTheWait(t *testing.T) {
	m := clock.NewMock(start)
	a := m.NewTimer(time.Minute)
	m.Set(start.Add(-365 * 24 * time.Hour))
	m.Advance(time.Minute - 1)
	if !fired(a).IsZero() {
		t.Error("fired early")
	}
	m.Advance(1)
	if fired(a).IsZero() {
		t.Error("setting the clock back must not make a timer wait longer")
	}
}

func TestSettableFollowsTheSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewSettable()
		begin := time.Now()
		a := c.NewTimer(time.Minute)
		stopped := c.NewTimer(time.Second)
		stopped.Stop()
		again := c.NewTimer(time.Second)
		again.Reset(time.Hour)
		<-a.C
		if got := time.Since(begin); got != time.Minute {
			t.Errorf("waited %v", got)
		}
		if !c.Now().Equal(time.Now()) || c.IsSet() {
			t.Error("does not follow the system")
		}
		if !fired(stopped).IsZero() || !fired(again).IsZero() {
			t.Error("a timer that was stopped or set anew fired")
		}
		<-again.C
		if got := time.Since(begin); got != time.Hour {
			t.Errorf("the timer set anew fired after %v", got)
		}
	})
}

func TestSettableSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewSettable()
		hour, day := c.NewTimer(time.Hour), c.NewTimer(24*time.Hour)
		c.Set(time.Now().Add(2 * time.Hour))
		if fired(hour).IsZero() {
			t.Error("setting the clock must fire what has become due")
		}
		// It stands still now, however much real time passes.
		at := c.Now()
		<-time.After(48 * time.Hour)
		synctest.Wait()
		if !c.Now().Equal(at) || !fired(day).IsZero() || !c.IsSet() {
			t.Error("a clock that was set must stand still")
		}
		c.Set(at.Add(22 * time.Hour))
		if fired(day).IsZero() {
			t.Error("the second setting fired nothing")
		}

		// Back to the system from a time ahead of it: what had 10 minutes to
		// wait waits 10 minutes.
		c.Set(at.AddDate(1, 0, 0))
		late := c.NewTimer(10 * time.Minute)
		c.Set(time.Time{})
		begin := time.Now()
		<-late.C
		if got := time.Since(begin); got != 10*time.Minute {
			t.Errorf("waited %v after the return to the system's time", got)
		}

		// And from a time behind it, which is a step forward.
		c.Set(time.Now().Add(-time.Hour))
		late.Reset(10 * time.Minute)
		c.Set(time.Time{})
		if fired(late).IsZero() {
			t.Error("returning to the system's time must fire what has become due")
		}
	})
}

func TestSettableSetToThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewSettable()
		a := c.NewTimer(time.Minute)
		past := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
		c.Set(past)
		c.Set(past.Add(time.Minute))
		if fired(a).IsZero() {
			t.Error("setting the clock back must not make a timer wait longer")
		}
	})
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := clock.NewMock(start)
		done := make(chan error, 1)
		go func() { done <- clock.Sleep(t.Context(), m, time.Minute) }()
		synctest.Wait()
		m.Advance(time.Minute)
		if err := <-done; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- clock.Sleep(ctx, m, time.Minute) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled sleep returned %v", err)
		}
		synctest.Wait()
		if m.Waiting() != 0 {
			t.Error("a cancelled sleep left its timer behind")
		}
	})
}

func TestSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.System()
		timer := c.NewTimer(time.Hour)
		timer.Reset(time.Second)
		<-timer.C
		if !c.Now().Equal(time.Now()) {
			t.Error("not the system's time")
		}
	})
}

// TestMockAgainstModel plays at random with timers and a list of when each is
// due, which says what must fire.
func TestMockAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := clock.NewMock(start)
		now := start
		type state struct {
			due     time.Time
			waiting bool
			sent    bool
		}
		var timers []*clock.Timer
		var model []state
		settle := func() {
			for i := range model {
				if model[i].waiting && !model[i].due.After(now) {
					model[i].waiting, model[i].sent = false, true
				}
			}
		}
		span := rapid.Int64Range(-5, 20)
		t.Repeat(map[string]func(*rapid.T){
			"new": func(t *rapid.T) {
				d := time.Duration(span.Draw(t, "d"))
				timers = append(timers, m.NewTimer(d))
				model = append(model, state{due: now.Add(d), waiting: true})
				settle()
			},
			"move": func(t *rapid.T) {
				d := time.Duration(span.Draw(t, "d"))
				m.Advance(d)
				now = now.Add(d)
				for i := range model {
					if d < 0 && model[i].waiting {
						model[i].due = model[i].due.Add(d)
					}
				}
				settle()
			},
			"stop": func(t *rapid.T) {
				if len(timers) == 0 { // nothing to play with yet
					return
				}
				i := rapid.IntRange(0, len(timers)-1).Draw(t, "i")
				if timers[i].Stop() != model[i].waiting {
					t.Fatalf("Stop of %d is wrong", i)
				}
				model[i] = state{}
			},
			"reset": func(t *rapid.T) {
				if len(timers) == 0 { // nothing to play with yet
					return
				}
				i := rapid.IntRange(0, len(timers)-1).Draw(t, "i")
				d := time.Duration(span.Draw(t, "d"))
				if timers[i].Reset(d) != model[i].waiting {
					t.Fatalf("Reset of %d is wrong", i)
				}
				model[i] = state{due: now.Add(d), waiting: true}
				settle()
			},
			"": func(t *rapid.T) {
				for i := range timers {
					var want time.Time
					if model[i].sent {
						want, model[i].sent = model[i].due, false
					}
					if diff := cmp.Diff(want, fired(timers[i])); diff != "" {
						t.Fatalf("timer %d: %s", i, diff)
					}
				}
			},
		})
	})
}
