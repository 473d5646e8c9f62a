package addrmgr

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"starling/addrmgr/netaddr"
	"starling/wire"
)

var start = time.Unix(1_700_000_000, 0)

func seed(n byte) [32]byte { return [32]byte{n, 1, 2, 3} }

// ip returns an address of IPv4.
func ip(a, b, c, d int) netaddr.Addr {
	return netaddr.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(a), byte(b), byte(c), byte(d)}), 8333))
}

func news(a netaddr.Addr, seen time.Time) Address {
	return Address{a, wire.NodeNetwork | wire.NodeWitness, seen}
}

// Who tells of itself is believed, from whatever port; what it tells of others counts
// as older.
func TestPenalty(t *testing.T) {
	b := NewBook(seed(1), Options{})
	self := ip(8, 8, 8, 8).WithPort(50_000)
	b.Add(start, self, time.Hour, news(ip(8, 8, 8, 8), start), news(ip(9, 9, 9, 9), start))
	for a, want := range map[netaddr.Addr]time.Time{ip(8, 8, 8, 8): start, ip(9, 9, 9, 9): start.Add(-time.Hour)} {
		if e, ok := b.Get(a); !ok || !e.Seen.Equal(want) {
			t.Errorf("%v was seen at %v, want %v", a, e.Seen, want)
		}
	}
}

// verify checks that all parts of a book tell the same.
func verify(t testing.TB, b *Book) {
	t.Helper()
	counts := make(map[wire.NetworkID]Counts)
	refs := make(map[*entry]int)
	b.fresh.each(func(i, pos int, e *entry) {
		if refs[e]++; e.tried || b.byAddr[e.addr] != e || b.position(true, i, e.addr) != pos {
			t.Fatalf("%v is at %d of new bucket %d, where it cannot be", e.addr, pos, i)
		}
	})
	tried := 0
	b.tried.each(func(i, pos int, e *entry) {
		tried++
		if at := (spot{b.tried, i, pos}); !e.tried || b.byAddr[e.addr] != e || b.triedSpot(e.addr) != at {
			t.Fatalf("%v is at %d of tried bucket %d, where it cannot be", e.addr, pos, i)
		}
	})
	for _, k := range []*table{b.fresh, b.tried} {
		held := 0
		for i, bu := range k.buckets {
			if bu != nil && bu.held > 0 {
				if held++; k.used[bu.used] != i {
					t.Fatalf("bucket %d is not in the list of those in use", i)
				}
			}
		}
		if held != len(k.used) {
			t.Fatalf("%d buckets in use, %d in the list", held, len(k.used))
		}
	}
	for i, e := range b.all {
		if e.index != i || b.byAddr[e.addr] != e || e.refs != refs[e] || !e.tried && e.refs == 0 || e.refs > b.opts.References {
			t.Fatalf("%v: index %d of %d, %d places of %d, tried %v", e.addr, e.index, i, e.refs, refs[e], e.tried)
		}
		c := counts[e.addr.Network()]
		if e.tried {
			tried--
			c.Tried++
		} else {
			c.New++
		}
		counts[e.addr.Network()] = c
	}
	if tried != 0 || len(b.byAddr) != len(b.all) || len(b.collisions) > b.opts.Collisions {
		t.Fatalf("%d in the tried table that nobody knows, %d addresses, %d in the list, %d collisions", tried, len(b.byAddr), len(b.all), len(b.collisions))
	}
	for _, e := range b.collisions {
		if b.byAddr[e.addr] != e {
			t.Fatalf("%v waits for a place and is not there", e.addr)
		}
	}
	if diff := cmp.Diff(counts, b.Counts()); diff != "" {
		t.Fatalf("counts:\n%s", diff)
	}
}

func TestAdd(t *testing.T) {
	b := NewBook(seed(1), Options{})
	a := ip(8, 8, 8, 8)
	if n := b.Add(start, ip(9, 9, 9, 9), time.Hour, news(a, start), news(ip(10, 0, 0, 1), start), news(ip(127, 0, 0, 1), start), news(a.WithPort(0), start)); n != 1 {
		t.Fatalf("%d were new, want the one that can be reached", n)
	}
	e, ok := b.Get(a)
	if !ok || !e.Seen.Equal(start.Add(-time.Hour)) || e.Source != ip(9, 9, 9, 9) || e.Tried || !e.LastTry.IsZero() {
		t.Fatalf("entry %+v", e)
	}
	// A node that tells of itself is believed.
	b.Add(start, ip(7, 7, 7, 7), time.Hour, news(ip(7, 7, 7, 7), start))
	if e, _ := b.Get(ip(7, 7, 7, 7)); !e.Seen.Equal(start) {
		t.Errorf("its own word was not taken: %v", e.Seen)
	}
	verify(t, b)
}

// The time at which an address was seen is renewed by hours for who is on line,
// and by days for who is not.
func TestSeenAgain(t *testing.T) {
	for name, c := range map[string]struct {
		known, told time.Duration // ago
		want        time.Duration
	}{
		"hardly newer":              {59 * time.Minute, 0, 59 * time.Minute},
		"newer":                     {61 * time.Minute, 0, 0},
		"older":                     {time.Hour, 2 * time.Hour, time.Hour},
		"off line, hardly newer":    {50 * time.Hour, 27 * time.Hour, 50 * time.Hour},
		"off line, newer by a day":  {52 * time.Hour, 27 * time.Hour, 27 * time.Hour},
		"a day ago is not on line":  {26 * time.Hour, 24 * time.Hour, 26 * time.Hour},
		"less than a day ago is so": {26 * time.Hour, 23 * time.Hour, 23 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBook(seed(1), Options{})
			a := ip(8, 8, 8, 8)
			b.Add(start, ip(9, 9, 9, 9), 0, news(a, start.Add(-c.known)))
			b.Add(start, ip(9, 9, 9, 9), 0, news(a, start.Add(-c.told)))
			if e, _ := b.Get(a); !e.Seen.Equal(start.Add(-c.want)) {
				t.Errorf("seen %v ago, want %v", start.Sub(e.Seen), c.want)
			}
		})
	}
}

// However much one group tells, it gets no more than its share of the new
// table; without the limit it gets nearly all.
func TestOneSource(t *testing.T) {
	fill := func(opts Options) int {
		b := NewBook(seed(2), opts)
		for i := range 200_000 {
			b.Add(start, ip(9, 9, i>>8, i), 0, news(ip(1+i%100, i>>4, i>>12, i*7), start))
		}
		verify(t, b)
		return b.Len()
	}
	limited := fill(Options{})
	if most := DefaultBucketsPerSource * bucketSize; limited > most {
		t.Errorf("one group of tellers fills %d places, its share is %d", limited, most)
	}
	if free := fill(Options{BucketsPerSource: DefaultNewBuckets}); free < 5*limited {
		t.Errorf("without the limit it fills %d places, with it %d: the limit does nothing", free, limited)
	}
	t.Logf("places: %d", limited)
}

// However many addresses of one group are reached, they get no more than their
// share of the tried table.
func TestOneGroup(t *testing.T) {
	fill := func(opts Options) int {
		b := NewBook(seed(3), opts)
		for i := range 30_000 {
			a := ip(8, 8, i>>8, i)
			b.Add(start, ip(1+i%200, i>>6, 1, 1), 0, news(a, start))
			b.good(start.Unix(), a, false)
		}
		verify(t, b)
		return b.Counts()[wire.NetIPv4].Tried
	}
	limited := fill(Options{})
	if most := DefaultBucketsPerGroup * bucketSize; limited > most {
		t.Errorf("one group fills %d places, its share is %d", limited, most)
	}
	if free := fill(Options{BucketsPerGroup: DefaultTriedBuckets}); free < 5*limited {
		t.Errorf("without the limit it fills %d places, with it %d", free, limited)
	}
}

func TestTerrible(t *testing.T) {
	now := start.Unix()
	ago := func(d time.Duration) int64 { return start.Add(-d).Unix() }
	for name, c := range map[string]struct {
		entry
		want bool
	}{
		"fresh":                             {entry{seen: now}, false},
		"ten minutes ahead":                 {entry{seen: now + 600}, false},
		"more than that":                    {entry{seen: now + 601}, true},
		"seen 30 days ago":                  {entry{seen: ago(horizon)}, false},
		"longer ago":                        {entry{seen: ago(horizon) - 1}, true},
		"two failures, never a success":     {entry{seen: now, attempts: 2, lastTry: ago(time.Hour)}, false},
		"three":                             {entry{seen: now, attempts: 3, lastTry: ago(time.Hour)}, true},
		"three, the last a minute ago":      {entry{seen: now, attempts: 3, lastTry: ago(time.Minute)}, false},
		"three after a success":             {entry{seen: now, attempts: 3, lastTry: ago(time.Hour), lastSuccess: ago(time.Hour)}, false},
		"ten within a week of a success":    {entry{seen: now, attempts: 10, lastTry: ago(time.Hour), lastSuccess: ago(minFail)}, false},
		"ten, and a week without a success": {entry{seen: now, attempts: 10, lastTry: ago(time.Hour), lastSuccess: ago(minFail) - 1}, true},
		"nine":                              {entry{seen: now, attempts: 9, lastTry: ago(time.Hour), lastSuccess: ago(minFail) - 1}, false},
	} {
		if got := NewBook(seed(1), Options{}).terrible(&c.entry, now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Failures count only once for each time that something else was reached, so
// that a node without a line spoils nothing.
func TestAttempts(t *testing.T) {
	b := NewBook(seed(1), Options{})
	a, other := ip(8, 8, 8, 8), ip(9, 8, 8, 8)
	b.Add(start, ip(9, 9, 9, 9), 0, news(a, start), news(other, start))
	try := func(at time.Duration, count bool, want int) {
		t.Helper()
		b.Attempt(start.Add(at), a, count)
		if e, _ := b.Get(a); e.Attempts != want || !e.LastTry.Equal(start.Add(at)) {
			t.Errorf("%d attempts, the last at %v, want %d", e.Attempts, e.LastTry, want)
		}
	}
	try(1*time.Second, false, 0)
	try(2*time.Second, true, 1)
	try(3*time.Second, true, 1)
	b.Good(start.Add(4*time.Second), other)
	try(5*time.Second, true, 2)
	b.Good(start.Add(6*time.Second), a)
	if e, _ := b.Get(a); e.Attempts != 0 || !e.Tried {
		t.Errorf("after a success: %+v", e)
	}
	b.Attempt(start, ip(1, 1, 1, 1), true) // not in the book
}

func TestConnected(t *testing.T) {
	b := NewBook(seed(1), Options{})
	a := ip(8, 8, 8, 8)
	b.Add(start, ip(9, 9, 9, 9), 0, news(a, start))
	b.Connected(start.Add(20*time.Minute), a)
	if e, _ := b.Get(a); !e.Seen.Equal(start) {
		t.Error("renewed within 20 minutes")
	}
	b.Connected(start.Add(21*time.Minute), a)
	if e, _ := b.Get(a); !e.Seen.Equal(start.Add(21 * time.Minute)) {
		t.Error("not renewed after 21 minutes")
	}
}

// collide returns a book with one address in the tried table and another one
// that wants its place and was reached at start.
func collide(t *testing.T, opts Options) (b *Book, holder, newcomer netaddr.Addr) {
	t.Helper()
	b = NewBook(seed(4), opts)
	holder = ip(8, 8, 0, 0)
	b.Add(start, ip(9, 9, 9, 9), 0, news(holder, start))
	b.Good(start.Add(-5*time.Hour), holder)
	place := b.triedSpot(holder)
	for i := range 1 << 16 {
		newcomer = ip(8, 8, i>>8, i)
		if newcomer != holder && b.triedSpot(newcomer) == place {
			break
		}
	}
	b.Add(start, ip(9, 7, 9, 9), 0, news(newcomer, start))
	b.Good(start, newcomer)
	return b, holder, newcomer
}

func TestCollision(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(b *Book, holder netaddr.Addr)
		at      time.Duration
		wins    bool
		waits   bool
	}{
		"nothing happens":          {func(*Book, netaddr.Addr) {}, testWindow, false, true},
		"nothing happens for long": {func(*Book, netaddr.Addr) {}, testWindow + time.Second, true, false},
		"the holder answers": {func(b *Book, h netaddr.Addr) {
			b.Attempt(start.Add(time.Second), h, true)
			b.Good(start.Add(2*time.Second), h)
		}, 3 * time.Second, false, false},
		"the holder is being tried":  {func(b *Book, h netaddr.Addr) { b.Attempt(start.Add(time.Second), h, true) }, time.Second + testPatience, false, true},
		"the holder does not answer": {func(b *Book, h netaddr.Addr) { b.Attempt(start.Add(time.Second), h, true) }, 2*time.Second + testPatience, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, holder, newcomer := collide(t, Options{})
			if e, _ := b.Get(newcomer); e.Tried {
				t.Fatal("the place was taken at once")
			}
			if e, ok := b.ToTest(); !ok || e.Addr != holder {
				t.Fatalf("to be tested: %v, %v, want %v", e.Addr, ok, holder)
			}
			c.happens(b, holder)
			b.Resolve(start.Add(c.at))
			verify(t, b)
			e, _ := b.Get(newcomer)
			h, known := b.Get(holder)
			_, waits := b.ToTest()
			if e.Tried != c.wins || h.Tried == c.wins || !known || waits != c.waits {
				t.Errorf("newcomer tried %v, holder tried %v, known %v, waits %v", e.Tried, h.Tried, known, waits)
			}
		})
	}
	t.Run("without the test", func(t *testing.T) {
		b, _, newcomer := collide(t, Options{NoTest: true})
		if e, _ := b.Get(newcomer); !e.Tried {
			t.Error("the holder was not driven out")
		}
	})
}

func TestSelect(t *testing.T) {
	b := NewBook(seed(5), Options{})
	if _, ok := b.Select(start, false, 0); ok {
		t.Fatal("an empty book gave an address")
	}
	var good []netaddr.Addr
	for i := range 50 {
		a, g := ip(8, i, 8, 8), ip(7, i, 8, 8)
		b.Add(start, ip(9, 9, 9, 9), 0, news(a, start), news(g, start))
		b.Good(start.Add(-time.Hour), g)
		good = append(good, g)
	}
	tried := 0
	for range 2000 {
		e, ok := b.Select(start, false, 0)
		if !ok {
			t.Fatal("no address")
		}
		if e.Tried {
			tried++
		}
		if e, _ := b.Select(start, true, 0); e.Tried {
			t.Fatalf("%v was reached before, want a new one", e.Addr)
		}
	}
	if tried < 800 || tried > 1200 {
		t.Errorf("%d of 2000 from the tried table, want half", tried)
	}
	if _, ok := b.Select(start, false, NetworkSet(wire.NetTorV3)); ok {
		t.Error("an address of Tor, where there is none")
	}
	// One that has failed, or was tried just now, hardly comes up beside others.
	for _, g := range good[1:] {
		b.Attempt(start, g, false)
	}
	hits := 0
	for range 1000 {
		if e, _ := b.Select(start, false, 0); e.Addr == good[0] {
			hits++
		}
	}
	if hits < 80 {
		t.Errorf("the one that was not tried just now came up %d times of 1000", hits)
	}
}

// However bad all are, one is found.
func TestSelectBad(t *testing.T) {
	b := NewBook(seed(6), Options{})
	a := ip(8, 8, 8, 8)
	b.Add(start, ip(9, 9, 9, 9), 0, news(a, start))
	e := b.byAddr[a]
	e.attempts, e.lastTry = 100, start.Unix()
	if got, ok := b.Select(start, false, 0); !ok || got.Addr != a {
		t.Errorf("%v, %v", got, ok)
	}
}

func TestSample(t *testing.T) {
	b := NewBook(seed(7), Options{})
	for i := range 1000 {
		b.Add(start, ip(i/4, 9, 9, 9), 0, news(ip(8, i/250, i, 8), start))
	}
	b.Add(start, ip(9, 9, 9, 9), 0, news(ip(5, 5, 5, 5), start.Add(-31*24*time.Hour)))
	n := b.Len()
	if got := len(b.Sample(start, 1000, 23, 0)); got != n*23/100 {
		t.Errorf("%d of %d, want 23 %%", got, n)
	}
	if got := len(b.Sample(start, 10, 23, 0)); got != 10 {
		t.Errorf("%d, want 10", got)
	}
	all := b.Sample(start, 0, 0, 0)
	if len(all) != n-1 {
		t.Errorf("%d of %d, want all but the one that nobody has seen for a month", len(all), n)
	}
	if got := len(b.Sample(start, 0, 1, 0)); got != sampleLeast {
		t.Errorf("one per cent are %d of %d, want %d at least", got, n, sampleLeast)
	}
	if got := b.Sample(start, 0, 0, NetworkSet(wire.NetIPv6)); len(got) != 0 {
		t.Errorf("%d of IPv6, where there are none", len(got))
	}
	verify(t, b)
}

// play does at random what a node does with its book.
func play(b *Book, rng *rand.Rand, steps int) string {
	var log bytes.Buffer
	now := start
	addr := func() netaddr.Addr { return ip(1+rng.IntN(3), rng.IntN(4), rng.IntN(8), rng.IntN(16)) }
	for range steps {
		now = now.Add(time.Duration(rng.IntN(3600)) * time.Second)
		switch rng.IntN(8) {
		case 0, 1, 2:
			fmt.Fprintln(&log, b.Add(now, addr(), time.Hour, news(addr(), now.Add(-time.Duration(rng.IntN(100))*time.Hour)), news(addr(), now)))
		case 3:
			b.Attempt(now, addr(), rng.IntN(4) > 0)
		case 4:
			fmt.Fprintln(&log, b.Good(now, addr()))
		case 5:
			e, ok := b.Select(now, rng.IntN(2) == 0, 0)
			fmt.Fprintln(&log, e, ok)
		case 6:
			b.Resolve(now)
			e, ok := b.ToTest()
			fmt.Fprintln(&log, e, ok)
		case 7:
			fmt.Fprintln(&log, b.Sample(now, 5, 50, 0))
		}
	}
	return log.String()
}

// The same calls on the same seed give the same answers.
func TestReplay(t *testing.T) {
	opts := Options{NewBuckets: 16, TriedBuckets: 4, BucketsPerSource: 4, BucketsPerGroup: 2}
	run := func() (string, []byte) {
		b := NewBook(seed(8), opts)
		log := play(b, rand.New(rand.NewPCG(1, 2)), 20_000)
		return log, b.Encode()
	}
	log1, book1 := run()
	log2, book2 := run()
	if log1 != log2 || !bytes.Equal(book1, book2) {
		t.Error("two runs differ")
	}
}

func TestPlay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		opts := Options{
			NewBuckets: rapid.IntRange(1, 20).Draw(rt, "new"), TriedBuckets: rapid.IntRange(1, 5).Draw(rt, "tried"),
			BucketsPerSource: 3, BucketsPerGroup: 2, References: rapid.IntRange(1, 4).Draw(rt, "references"),
		}
		b := NewBook(seed(9), opts)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		for range rapid.IntRange(1, 10).Draw(rt, "rounds") {
			play(b, rng, 200)
			verify(t, b)
			again, err := DecodeBook(b.Encode(), seed(9), opts)
			if err != nil {
				rt.Fatal(err)
			}
			verify(t, again)
			if diff := cmp.Diff(b.All(), again.All(), cmp.AllowUnexported(netaddr.Addr{})); diff != "" {
				rt.Fatalf("read again it is another book:\n%s", diff)
			}
		}
	})
}
