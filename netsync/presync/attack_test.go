package presync

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/wire"
)

// What a walk over headers without end holds: of a chain that never shows its
// work, and of one that has shown it and comes again as another. Without the
// limit the same headers make it hold more and more.
func TestHeadersWithoutEnd(t *testing.T) {
	net, gen := genesis()
	never := *new(uint256.Int).SetAllOne()
	// Two hours are allowed, at one header a second and a bit for each eighth: 900 bits.
	limits := Options{Period: 8, Buffer: 500, Rate: 1}
	now := gen.Header.Time()
	const messages = 20

	t.Run("first pass", func(t *testing.T) {
		grow := func(o Options) (sizes []int, err error) {
			w := New(net, gen, never, now, secrets(1), o)
			prev := gen.Hash
			for range messages {
				r := made(prev, 0, same(easy, wire.MaxHeaders)...)
				if prev = r.last(); err == nil {
					_, _, err = w.Offer(r.headers, r.hashes, true)
				}
				sizes = append(sizes, w.Size())
			}
			return sizes, err
		}
		sizes, err := grow(limits)
		if d := over(sizes, 900/8+1); d != nil || !errors.Is(err, ErrTooLong) || sizes[messages-1] != 0 {
			t.Errorf("%v, %v", d, err)
		}
		limits := limits
		limits.Rate = -1
		if sizes, err = grow(limits); over(sizes, 900/8+1) == nil || err != nil {
			t.Errorf("without the limit it holds %v, %v", sizes, err)
		}
	})
	t.Run("second pass", func(t *testing.T) {
		first := made(gen.Hash, 0, append(same(easy, messages*wire.MaxHeaders), 0x1d00ffff)...)
		grow := func(o Options) (sizes []int) {
			w := New(net, gen, *uint256.NewInt(1 << 30), far(gen), secrets(1), o)
			if _, err := feed(t, w, first); err != nil || !w.Progress().Second {
				t.Fatal(err)
			}
			bits := w.Size()
			for at := 0; at < messages*wire.MaxHeaders; at += wire.MaxHeaders {
				r := first.cut(at+1, at+wire.MaxHeaders)
				if _, _, err := w.Offer(r.headers, r.hashes, true); err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, w.Size()-bits)
			}
			return sizes
		}
		limits := limits
		limits.Rate = 0
		if d := over(grow(limits), 80*(500+wire.MaxHeaders)); d != nil {
			t.Error(d)
		}
		limits.Buffer = -1
		if sizes := grow(limits); over(sizes, 80*(500+wire.MaxHeaders)) == nil || sizes[messages-1] < 80*messages*wire.MaxHeaders {
			t.Errorf("without the limit it holds %v", sizes)
		}
	})
}

// over returns an error if one of the sizes is above the bound.
func over(sizes []int, bound int) error {
	for i, n := range sizes {
		if n > bound {
			return fmt.Errorf("%d bytes after message %d, bound %d", n, i, bound)
		}
	}
	return nil
}

// What the bound comes to: for a chain since the genesis block of the main
// network, and where a limit is missing.
func TestBound(t *testing.T) {
	net, gen := genesis()
	for _, c := range []struct {
		name string
		opt  Options
		want int
	}{
		// A million seconds and two hours at six headers: 10,072 bits.
		{"by default", Options{}, 1259 + 80*16_400},
		{"given", Options{Period: 100, Buffer: 50, Rate: 2}, 2518 + 80*2050},
		{"any length", Options{Rate: -1}, -1},
		{"any buffer", Options{Buffer: -1}, -1},
	} {
		w := New(net, gen, work(1), far(gen), secrets(1), c.opt)
		if got := w.Bound(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := New(net, gen, work(1), time.Unix(0, 0), secrets(1), Options{}).Bound(); got != 80*16_400 {
		t.Errorf("no time for a single bit: %d", got)
	}
}
