package eventheap

import (
	"strings"
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

// golden is what the dice of a node showed first.
var golden = [3]uint64{16281065415250116489, 16930867722406383130, 12362348102079430075}

func TestOrder(t *testing.T) {
	h := New(start, 1)
	trace := h.NewTrace()
	h.After(2*time.Second, func() { trace.Note("c") })
	h.After(time.Second, func() {
		trace.Note("a")
		h.After(0, func() { trace.Note("b") })
		h.At(start, func() { trace.Note("late") })
	})
	for i := range 20 {
		h.After(3*time.Second, func() { trace.Note("%d", i) })
	}
	h.After(time.Hour, func() { t.Error("what is due after the end happened") })
	h.Run(start.Add(time.Minute))
	got := strings.Join(trace.lines, "; ")
	want := "1s a; 1s b; 1s late; 2s c"
	for i := range 20 {
		want += "; 3s " + string(rune('0'+i/10)) + string(rune('0'+i%10))
	}
	want = strings.ReplaceAll(want, "3s 0", "3s ")
	if got != want {
		t.Errorf("happened:\n%s\nwant:\n%s", got, want)
	}
	if !h.Now().Equal(start.Add(time.Minute)) {
		t.Errorf("it is %v", h.Now().Sub(start))
	}
	if at, ok := h.Next(); !ok || !at.Equal(start.Add(time.Hour)) {
		t.Errorf("the next event is due at %v, %v", at, ok)
	}
}

// What other dice throw changes nothing, and the numbers are the same on every
// machine.
func TestDice(t *testing.T) {
	h := New(start, 7)
	a := h.Dice(1, "latency")
	h.Dice(1, "faults").Uint64()
	h.Dice(2, "latency").Uint64()
	if got := [3]uint64{a.Uint64(), a.Uint64(), a.Uint64()}; got != golden {
		t.Errorf("the dice show %v, want %v", got, golden)
	}
	first := map[uint64]bool{}
	for node := range uint64(10) {
		for _, purpose := range []string{"", "a", "b"} {
			for seed := range uint64(3) {
				first[New(start, seed).Dice(node, purpose).Uint64()] = true
			}
		}
	}
	if len(first) != 90 {
		t.Errorf("%d different dice of 90", len(first))
	}
}

func TestDiff(t *testing.T) {
	h := New(start, 1)
	a, b := h.NewTrace(), h.NewTrace()
	a.Note("one")
	b.Note("one")
	if d := a.Diff(b); d != "" || a.Sum() != b.Sum() {
		t.Errorf("equal traces differ: %q", d)
	}
	b.Note("two")
	if d := a.Diff(b); !strings.Contains(d, "line 2") || a.Sum() == b.Sum() {
		t.Errorf("traces of which one is longer: %q", d)
	}
}
