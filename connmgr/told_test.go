package connmgr

import (
	"errors"
	"testing"
	"time"
)

// TestNews: a failure is told once, another reason at once, and the same one
// again only after a good while or after a link has stood.
func TestNews(t *testing.T) {
	refused, unknown := errors.New("refused"), errors.New("no such name")
	type step struct {
		after time.Duration
		up    time.Duration // how long there was a link; 0 for none
		err   error
		news  bool
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"the same reason", []step{{0, 0, refused, true}, {time.Minute, 0, refused, false}, {55 * time.Minute, 0, refused, false}, {2 * time.Minute, 0, refused, true}, {time.Minute, 0, refused, false}}},
		{"another reason", []step{{0, 0, refused, true}, {time.Minute, 0, unknown, true}, {time.Minute, 0, refused, false}, {time.Minute, 0, unknown, false}}},
		{"a link between", []step{{0, 0, refused, true}, {time.Minute, steady, errors.New("lost"), false}, {time.Minute, 0, refused, true}}},
		{"a short link between", []step{{0, 0, refused, true}, {time.Minute, time.Second, errors.New("lost"), false}, {time.Minute, 0, refused, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, now := newOutgoing(1), epoch
			if err := o.Add(now, addr(1)); err != nil {
				t.Fatal(err)
			}
			for i, s := range c.steps {
				now = now.Add(s.after)
				due := o.Due(now)
				if len(due) != 1 {
					t.Fatalf("step %d: %d dials", i, len(due))
				}
				if s.up > 0 {
					o.Up(now, due[0].ID)
					now = now.Add(s.up)
				}
				if news := o.Down(now, due[0].ID, s.err); news != s.news {
					t.Errorf("step %d: news %v, want %v", i, news, s.news)
				}
				now = now.Add(retryMax)
			}
		})
	}

	t.Run("tried once", func(t *testing.T) {
		o := newOutgoing(1)
		if err := o.TryOnce(epoch, addr(1)); err != nil {
			t.Fatal(err)
		}
		if !o.Down(epoch, o.Due(epoch)[0].ID, refused) {
			t.Error("the only failure is not told")
		}
	})
	t.Run("taken back", func(t *testing.T) {
		o := newOutgoing(1)
		if err := o.Add(epoch, addr(1)); err != nil {
			t.Fatal(err)
		}
		id := o.Due(epoch)[0].ID
		if _, _, err := o.Remove(epoch, addr(1)); err != nil {
			t.Fatal(err)
		}
		if o.Down(epoch, id, refused) {
			t.Error("the end of what was taken back is told")
		}
	})
}
