package connmgr

import (
	"fmt"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := NewPace(2, 10)
	entered, held, refused := 0, 0, 0
	for range 100 {
		switch wait, ok := p.Take(now, "flood"); {
		case !ok:
			refused++
		case wait > 0:
			held++
		default:
			entered++
		}
	}
	if entered != 10 || held != 4 || refused != 86 {
		t.Errorf("%d entered, %d were held back, %d refused; want 10 at once and those of two seconds", entered, held, refused)
	}
	if wait, ok := p.Take(now, "honest"); wait != 0 || !ok {
		t.Errorf("another group waits %v, let in %v", wait, ok)
	}
	if wait, ok := p.Take(now.Add(time.Minute), "flood"); wait != 0 || !ok {
		t.Errorf("a minute later the group waits %v, let in %v", wait, ok)
	}
	free := NewPace(-1, 0)
	for range 1000 {
		if wait, ok := free.Take(now, "flood"); wait != 0 || !ok {
			t.Fatal("the limit is off, and holds back")
		}
	}
}

// However many groups there are, no more are remembered than fit.
func TestPaceBounded(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	p := NewPace(0, 0)
	for i := range 3 * maxPaced {
		now = now.Add(10 * time.Microsecond)
		p.Take(now, fmt.Sprint(i))
		if len(p.groups) > maxPaced {
			t.Fatalf("%d groups are remembered", len(p.groups))
		}
	}
	if _, ok := p.Take(now, "one more"); !ok {
		t.Error("a group that does not fit is refused")
	}
	p.Take(now.Add(time.Hour), "later")
	if len(p.groups) != 1 {
		t.Errorf("%d groups are remembered an hour later", len(p.groups))
	}
}
