package presync

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

func TestWalk(t *testing.T) {
	net, gen := genesis()
	good := made(gen.Hash, 0, same(easy, 20_000)...)
	other := made(gen.Hash, 1, same(easy, 18_000)...)
	need := work(19_000)
	fresh := func() *Walk { return New(net, gen, need, far(gen), secrets(1), Options{}) }
	// shown is a walk whose first pass has shown the work.
	shown := func(t *testing.T) *Walk {
		w := fresh()
		if out, err := feed(t, w, good); err != nil || out.len() != 0 || !w.Progress().Second {
			t.Fatalf("first pass: %d released, %+v, %v", out.len(), w.Progress(), err)
		}
		return w
	}

	t.Run("two passes release all", func(t *testing.T) {
		w := shown(t)
		if got := w.Locator()[0]; got != gen.Hash {
			t.Errorf("the second pass starts at %v", got)
		}
		// The chain has grown meanwhile.
		grown := good.on(20_000, made(good.last(), 0, same(easy, 50)...))
		out, err := feed(t, w, grown)
		if err != nil || !w.Done() || out.len() < 19_000 {
			t.Fatalf("%d released, done: %v, %v", out.len(), w.Done(), err)
		}
		if want := grown.cut(1, out.len()); !slices.Equal(out.headers, want.headers) || !slices.Equal(out.hashes, want.hashes) {
			t.Error("other headers are released than came")
		}
		if w.Size() != 0 {
			t.Errorf("%d bytes are held at the end", w.Size())
		}
		if _, _, err := w.Offer(good.headers[:1], good.hashes[:1], true); !errors.Is(err, ErrGap) {
			t.Errorf("it goes on after its end: %v", err)
		}
	})
	t.Run("nothing is released before enough bits match", func(t *testing.T) {
		w := shown(t)
		if out, err := feed(t, w, good.cut(1, 14_400)); out.len() != 0 || err != nil { // 24 bits
			t.Errorf("%d released, %v", out.len(), err)
		}
		if out, err := feed(t, w, good.cut(14_401, 14_401)); out.len() != 1 || err != nil || out.hashes[0] != good.hashes[0] {
			t.Errorf("then %d released, %v", out.len(), err)
		}
	})
	t.Run("all is released with the header that shows the work", func(t *testing.T) {
		for _, c := range []struct{ headers, want int }{{18_999, 18_999 - DefaultBuffer}, {19_000, 19_000}} {
			w := shown(t)
			if out, err := feed(t, w, good.cut(1, c.headers)); err != nil || out.len() != c.want || w.Done() != (c.want == c.headers) {
				t.Errorf("after %d headers: %d released, done: %v, %v", c.headers, out.len(), w.Done(), err)
			}
		}
	})
	t.Run("another chain in the second pass", func(t *testing.T) {
		w := shown(t)
		if out, err := feed(t, w, other); !errors.Is(err, ErrDiffers) || out.len() != 0 || w.Size() != 0 {
			t.Errorf("%d released, %d bytes held, %v", out.len(), w.Size(), err)
		}
		if _, err := feed(t, w, good); !errors.Is(err, ErrDiffers) {
			t.Errorf("and then %v", err)
		}
	})
	t.Run("the second pass leaves the chain late", func(t *testing.T) {
		w := shown(t)
		out, err := feed(t, w, good.on(16_500, made(good.hashes[16_499], 1, same(easy, 3000)...)))
		if !errors.Is(err, ErrDiffers) || out.len() > 18_000-DefaultBuffer {
			t.Errorf("%d released, %v", out.len(), err)
		}
	})
	t.Run("a gap", func(t *testing.T) {
		w := fresh()
		feed(t, w, good.cut(1, 4000))
		if _, err := feed(t, w, good.cut(4002, 5000)); !errors.Is(err, ErrGap) {
			t.Error(err)
		}
	})
	t.Run("the work is reached in the last message", func(t *testing.T) {
		w := fresh()
		feed(t, w, good.cut(1, 18_000))
		last := good.cut(18_001, 19_000)
		if _, _, err := w.Offer(last.headers, last.hashes, false); err != nil || !w.Progress().Second {
			t.Errorf("%+v, %v", w.Progress(), err)
		}
	})
	// The passes come to these heights, and the message that ends there is not full.
	for _, c := range []struct{ passes []int }{
		{[]int{4000, 5000}}, {[]int{18_000, 18_999}}, {[]int{20_000, 0, 4000, 5000}}, {[]int{20_000, 0, 18_000, 18_999}},
	} {
		t.Run(fmt.Sprint("the chain ends early: ", c.passes), func(t *testing.T) {
			w := fresh()
			end := len(c.passes) - 2
			for _, upTo := range c.passes[:end+1] {
				if upTo > 0 {
					feed(t, w, good.cut(1, upTo))
				}
			}
			last := good.cut(c.passes[end]+1, c.passes[end+1])
			if out, _, err := w.Offer(last.headers, last.hashes, false); !errors.Is(err, ErrTooWeak) || len(out) != 0 || w.Size() != 0 {
				t.Errorf("%d released, %d bytes held, %v", len(out), w.Size(), err)
			}
		})
	}
}

// What a walk asks for next, and what it tells of itself.
func TestProgress(t *testing.T) {
	net, gen := genesis()
	chain := made(gen.Hash, 0, same(easy, 100)...)
	for i := range chain.headers {
		chain.headers[i].Timestamp = uint32(1000 + i) // the hashes are taken on trust
	}
	tree := headertree.New(net)
	start := tree.Genesis()
	w := New(net, start, work(60), far(gen), secrets(1), Options{})
	look := func(what string, want Progress, next wire.Hash) {
		t.Helper()
		if d := cmp.Diff(want, w.Progress()); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
		locator := headertree.Locator(start)
		if next != start.Hash {
			locator = append([]wire.Hash{next}, locator...)
		}
		if !slices.Equal(w.Locator(), locator) {
			t.Errorf("%s: asks on from %v", what, w.Locator())
		}
	}
	begun := time.Unix(start.Time(), 0)
	look("at first", Progress{Time: begun, Work: start.Work}, start.Hash)
	feed(t, w, chain.cut(1, 50))
	look("in the first pass", Progress{First: 50, Height: 50, Time: time.Unix(1049, 0), Work: work(50)}, chain.hashes[49])
	feed(t, w, chain.cut(51, 70))
	look("between the passes", Progress{First: 70, Second: true, Time: begun, Work: start.Work}, start.Hash)
	feed(t, w, chain.cut(1, 30))
	look("in the second pass", Progress{First: 70, Second: true, Height: 30, Time: time.Unix(1029, 0), Work: work(30)}, chain.hashes[29])
	if w.Start() != start {
		t.Error("it starts elsewhere")
	}
}

// A chain may have six headers for each second since it branched off, and two
// hours ahead of our clock. That is looked at every 600 headers.
func TestTime(t *testing.T) {
	net, gen := genesis()
	chain := made(gen.Hash, 0, same(easy, 6600)...)
	for _, c := range []struct {
		name    string
		seconds int64 // that it has
		headers int
		opt     Options
		want    error
	}{
		{"just in time", 1000, 6000, Options{}, nil},
		{"600 more", 1000, 6600, Options{}, ErrTooLong},
		{"600 more, a second too early", 1099, 6600, Options{}, ErrTooLong},
		{"600 more in time", 1100, 6600, Options{}, nil},
		{"no time for 600", 0, 600, Options{}, ErrTooLong},
		{"less than none", -1_000_000, 600, Options{}, ErrTooLong},
		{"less than none, without a limit", -1_000_000, 6600, Options{Rate: -1}, nil},
		{"one a second", 6000, 6000, Options{Rate: 1}, nil},
		{"one a second, 600 more", 6000, 6600, Options{Rate: 1}, ErrTooLong},
		{"every 60th", 1000, 6000, Options{Period: 60}, nil},
		{"every 60th, 60 more", 1000, 6060, Options{Period: 60}, ErrTooLong},
		{"as by default", 1000, 6600, Options{Period: -1, Rate: 6}, ErrTooLong},
	} {
		for seed := range uint64(3) {
			now := time.Unix(gen.MedianTime()+c.seconds, 0).Add(-headertree.MaxFutureTime)
			w := New(net, gen, *new(uint256.Int).SetAllOne(), now, secrets(seed), c.opt)
			if _, err := feed(t, w, chain.cut(1, c.headers)); !errors.Is(err, c.want) {
				t.Errorf("%s, seed %d: %v, want %v", c.name, seed, err, c.want)
			}
		}
	}
}

// A second pass that has matched all that was kept of the first, and goes on
// with headers of less work instead of showing what it had shown.
func TestSecondPassLonger(t *testing.T) {
	const hard = 0x1d00ffff
	net, gen := genesis()
	// Eight bits are kept: what is behind them is another byte.
	long := made(gen.Hash, 0, same(easy, 10*DefaultPeriod)...)
	w := New(net, gen, *uint256.NewInt(1 << 30), far(gen), secrets(1), Options{})
	last := 0
	for n := range long.headers {
		if w.marked(int32(n) + 1) {
			if last++; last == 8 {
				last = n + 1
				break
			}
		}
	}
	first := long.cut(1, last)
	if _, err := feed(t, w, first); err != nil {
		t.Fatal(err)
	}
	if _, err := feed(t, w, made(first.last(), 0, hard)); err != nil || !w.Progress().Second {
		t.Fatalf("the work is not shown: %v", err)
	}
	if out, err := feed(t, w, first); err != nil || out.len() > 0 {
		t.Fatalf("%d are released, %v", out.len(), err)
	}
	if out, err := feed(t, w, long.cut(last+1, long.len())); !errors.Is(err, ErrDiffers) || out.len() > 0 {
		t.Errorf("%d are released, %v", out.len(), err)
	}
}

// The same secrets and headers make the same walk; other secrets mark others.
func TestReplay(t *testing.T) {
	net, gen := genesis()
	chain := made(gen.Hash, 0, same(easy, 20_000)...)
	play := func(seed uint64) (w *Walk, trace []string) {
		rng := secrets(seed)
		w = New(net, gen, work(19_000), far(gen), rng, Options{})
		for range 2 {
			for at := 0; at < 18_000; {
				n := 1 + rng.IntN(wire.MaxHeaders)
				out, _, err := w.Offer(chain.headers[at:at+n], chain.hashes[at:at+n], true)
				at += n
				trace = append(trace, fmt.Sprint(len(out), err, w.Progress(), w.Locator()[0], w.Size()))
			}
			feed(t, w, chain.cut(int(w.Progress().Height)+1, 19_000))
		}
		return w, trace
	}
	a, first := play(1)
	b, second := play(1)
	if d := cmp.Diff(first, second); d != "" || !a.Done() {
		t.Errorf("not the same again, done: %v\n%s", a.Done(), d)
	}
	same := cmp.Comparer(func(a, b *headertree.Node) bool { return a.Hash == b.Hash })
	if d := cmp.Diff(a, b, cmp.AllowUnexported(Walk{}, position{}), same, cmpopts.IgnoreTypes(&params.Network{})); d != "" {
		t.Error(d)
	}
	if c, _ := play(2); c.key == a.key || c.offset == a.offset {
		t.Error("other secrets are the same")
	}
}
