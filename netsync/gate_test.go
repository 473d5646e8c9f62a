package netsync

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// headersOf returns the headers of n's chain from height a to b.
func headersOf(n *headertree.Node, a, b int32) (out []wire.Header) {
	for _, n := range path(nil, n, b, b-a+1) {
		out = append(out, n.Header)
	}
	return out
}

func TestGate(t *testing.T) {
	w := newWorld()
	gen := w.tree.Genesis()
	good := w.grow(gen, 20_000, 0)
	other := w.grow(gen, 18_000, 1)
	now := good.Header.Time()
	// Two hashes of work per block on regtest.
	need := good.Ancestor(19_000).Work

	fresh := func() *gate { return newGate(w.net, gen, need, now, rand.New(rand.NewPCG(1, 2))) }
	// checked is a batch of the headers of n's chain.
	checked := func(n *headertree.Node, from, to int32) batch {
		b, bad := inspect(w.net, headersOf(n, from, to))
		if bad != nil {
			t.Fatal(bad.err)
		}
		return b
	}
	// feed passes the headers in messages of 2,000, as a peer would.
	feed := func(t *testing.T, g *gate, n *headertree.Node, from, to int32) (released []wire.Header, err error) {
		for ; from <= to && !g.ended; from += 2000 {
			out, err := g.offer(checked(n, from, min(from+1999, to)), true)
			if err != nil {
				return released, err
			}
			for i := range out.headers {
				if out.hashes[i] != out.headers[i].Hash() {
					t.Fatalf("header %d is released with the hash of another", len(released)+i)
				}
			}
			released = append(released, out.headers...)
		}
		return released, nil
	}

	t.Run("two passes release all", func(t *testing.T) {
		g := fresh()
		out, err := feed(t, g, good, 1, 20_000)
		if err != nil || len(out) != 0 || !g.second {
			t.Fatalf("first pass: %d released, second %v, %v", len(out), g.second, err)
		}
		if got := g.locator()[0]; got != gen.Hash {
			t.Errorf("second pass starts at %v", got)
		}
		out, err = feed(t, g, good, 1, 20_000)
		if err != nil || !g.ended {
			t.Fatalf("second pass: ended %v, %v", g.ended, err)
		}
		if len(out) < 19_000 || out[0].Hash() != good.Ancestor(1).Hash || out[len(out)-1].Hash() != good.Ancestor(int32(len(out))).Hash {
			t.Errorf("released %d headers", len(out))
		}
	})
	t.Run("nothing is released before enough bits match", func(t *testing.T) {
		g := fresh()
		feed(t, g, good, 1, 20_000)
		out, _ := feed(t, g, good, 1, 14_400) // 24 bits
		if len(out) != 0 {
			t.Errorf("released %d headers", len(out))
		}
	})
	t.Run("another chain in the second pass", func(t *testing.T) {
		g := fresh()
		feed(t, g, good, 1, 20_000)
		out, err := feed(t, g, other, 1, 18_000)
		if !errors.Is(err, errGateDiffer) || len(out) != 0 {
			t.Errorf("released %d headers, %v", len(out), err)
		}
	})
	t.Run("a gap", func(t *testing.T) {
		g := fresh()
		feed(t, g, good, 1, 4000)
		if _, err := g.offer(checked(good, 4002, 5000), true); !errors.Is(err, errGateGap) {
			t.Error(err)
		}
	})
	t.Run("the chain ends too early", func(t *testing.T) {
		g := fresh()
		feed(t, g, good, 1, 4000)
		if _, err := g.offer(checked(good, 4001, 5000), false); !errors.Is(err, errGateWeak) {
			t.Error(err)
		}
	})
	t.Run("the work is reached in the last message", func(t *testing.T) {
		g := fresh()
		feed(t, g, good, 1, 18_000)
		if _, err := g.offer(checked(good, 18_001, 19_500), false); err != nil || !g.second {
			t.Errorf("second %v, %v", g.second, err)
		}
	})
	t.Run("more headers than time allows", func(t *testing.T) {
		g := newGate(w.net, gen, *new(uint256.Int).Lsh(uint256.NewInt(1), 200), gen.Header.Time(), rand.New(rand.NewPCG(1, 2)))
		// Two hours allow 43,200 headers, that is 72 bits.
		if g.limit != 72 {
			t.Fatalf("limit %d", g.limit)
		}
		g.limit = 10
		if _, err := feed(t, g, good, 1, 20_000); !errors.Is(err, errGateLong) {
			t.Error(err)
		}
	})
}

func TestPermitted(t *testing.T) {
	main, late := params.Main(), params.Regtest()
	late.AllowMinDifficulty, late.NoRetargeting = false, false
	const height = 2016 * 10
	tests := []struct {
		name     string
		net      *params.Network
		height   int32
		from, to uint32
		want     bool
	}{
		{"the same within a period", main, height + 1, 0x1b0404cb, 0x1b0404cb, true},
		{"another within a period", main, height + 1, 0x1b0404cb, 0x1b0404cc, false},
		{"four times harder", main, height, 0x1b0404cb, 0x1b010132, true},
		{"more than four times harder", main, height, 0x1b0404cb, 0x1b010131, false},
		{"four times easier", main, height, 0x1b0404cb, 0x1b10132c, true},
		{"more than four times easier", main, height, 0x1b0404cb, 0x1b10132d, false},
		{"easier than the limit", main, height, 0x1d00ffff, 0x1d01ffff, false},
		{"the limit", main, height, 0x1d00ffff, 0x1d00ffff, true},
		{"no target", main, height, 0x1b0404cb, 0x1b8404cb, false},
		{"as easy as a number can say", late, late.DifficultyInterval(), 0x207fffff, 0x207fffff, true},
		{"four times easier, just up to the limit", late, late.DifficultyInterval(), 0x201fffff, 0x207ffffc, true},
		{"a quarter of that", late, late.DifficultyInterval(), 0x207fffff, 0x201fffff, true},
		{"less than a quarter", late, late.DifficultyInterval(), 0x207fffff, 0x201ffffe, false},
		{"anything on a test network", params.Regtest(), height + 1, 0x207fffff, 0x1b0404cb, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := permitted(tc.net, tc.height, tc.from, tc.to); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A chain below the minimum work passes the gate when it shows the work, and
// leaves no header when it does not.
func TestMinimumWork(t *testing.T) {
	w := newWorld()
	long := w.grow(w.tree.Genesis(), 5000, 0)
	short := w.grow(w.tree.Genesis(), 4600, 1)
	ms := time.Millisecond
	need := long.Ancestor(4800).Work

	t.Run("by headers", func(t *testing.T) {
		s := newSim(t, w, &need)
		s.connect(&remote{info: inbound(), tip: short, delay: 10 * ms, block: ms})
		s.connect(&remote{info: outbound(), tip: long, delay: 20 * ms, block: ms})
		s.run(5*time.Minute, s.synced(long))
		if n := s.chain.tree.Len(); n != 5001 {
			t.Errorf("%d headers kept, want those of the good chain", n)
		}
	})
	t.Run("by getblocks", func(t *testing.T) {
		s := newSim(t, w, &need)
		s.connect(&remote{info: outbound(), tip: long, delay: 20 * ms, block: ms, noHeaders: true})
		s.run(10*time.Minute, s.synced(long))
	})
	t.Run("an outbound peer that has only a weak chain is dropped", func(t *testing.T) {
		s := newSim(t, w, &need)
		r := s.connect(&remote{info: outbound(), tip: short, delay: 20 * ms})
		s.run(time.Minute, func() bool { return len(r.drops) > 0 })
		if r.drops[0] != ChainTooWeak || s.chain.tree.Len() != 1 {
			t.Errorf("dropped for %v, %d headers kept", r.drops[0], s.chain.tree.Len())
		}
	})
	t.Run("by getblocks without the work", func(t *testing.T) {
		s := newSim(t, w, &need)
		info := outbound()
		info.Manual = true
		s.connect(&remote{info: info, tip: short, delay: 20 * ms, block: ms, noHeaders: true})
		s.rest(50 * time.Minute)
		if n := s.chain.tree.Len(); n != 1 {
			t.Errorf("%d headers kept", n)
		}
		// It takes all its blocks to find out, but only once an hour.
		if n := s.fetched[short.Hash]; n != 1 {
			t.Errorf("its last block was fetched %d times", n)
		}
	})
	t.Run("a trusted peer needs to show nothing", func(t *testing.T) {
		s := newSim(t, w, &need)
		info := outbound()
		info.NoBan, info.Manual = true, true
		s.connect(&remote{info: info, tip: short, delay: 20 * ms, block: ms})
		s.run(5*time.Minute, func() bool { return s.chain.tree.Len() == 4601 })
	})
	t.Run("cheap headers without end", func(t *testing.T) {
		s := newSim(t, w, new(uint256.Int).Lsh(uint256.NewInt(1), 100))
		id := PeerID(1)
		s.byID[id] = &remote{id: id, up: true, noHeaders: true}
		s.act(s.m.PeerUp(s.now, id, inbound()))
		n := w.tree.Genesis()
		for range 10 {
			n = w.grow(n, 2000, 5)
			s.act(s.m.Headers(s.now, id, headersOf(n, n.Height-1999, n.Height)))
		}
		g := s.m.peers[id].headers.gate
		if s.chain.tree.Len() != 1 || g == nil || len(g.bits) > 10 || g.buffer != nil {
			t.Errorf("headers kept: %d, gate %+v", s.chain.tree.Len(), g)
		}
	})
}

// made is a run of headers on top of one, as the gate takes them: their proof of
// work, which it leaves to others, is missing.
func made(prev wire.Hash, bits ...uint32) (b batch) {
	for _, bits := range bits {
		h := wire.Header{PrevBlock: prev, Bits: bits}
		prev = h.Hash()
		b.headers, b.hashes = append(b.headers, h), append(b.hashes, prev)
	}
	return b
}

// same returns the same target so many times.
func same(bits uint32, count int) (all []uint32) {
	for range count {
		all = append(all, bits)
	}
	return all
}

// The difficulty changes with the first block of a period and no other.
func TestGateRetargets(t *testing.T) {
	net := params.Regtest()
	net.AllowMinDifficulty, net.NoRetargeting = false, false
	net.TargetTimespan = 10 * net.TargetSpacing
	gen := headertree.New(net).Genesis()
	for at, want := range map[int]error{8: errGateBits, 9: errGateBits, 10: nil, 11: errGateBits, 12: errGateBits, 20: nil} {
		bits := append(same(0x207fffff, at-1), 0x203fffff)
		g := newGate(net, gen, *new(uint256.Int).SetAllOne(), gen.Header.Time(), rand.New(rand.NewPCG(1, 2)))
		if _, err := g.offer(made(gen.Hash, bits...), true); !errors.Is(err, want) {
			t.Errorf("another target at height %d: %v, want %v", at, err, want)
		}
	}
}

// A chain may have six headers for each second since it branched off, and two
// hours ahead of our clock. That is looked at every 600 headers.
func TestGateTime(t *testing.T) {
	gen := headertree.New(params.Regtest()).Genesis()
	chain := made(gen.Hash, same(0x207fffff, 6600)...)
	for _, c := range []struct {
		name    string
		seconds int64 // that it has
		headers int
		want    error
	}{
		{"just in time", 1000, 6000, nil},
		{"600 more", 1000, 6600, errGateLong},
		{"600 more, a second too early", 1099, 6600, errGateLong},
		{"600 more in time", 1100, 6600, nil},
		{"no time for 600", 0, 600, errGateLong},
		{"less than none", -1_000_000, 600, errGateLong},
	} {
		for seed := range uint64(3) {
			now := time.Unix(gen.MedianTime()+c.seconds, 0).Add(-headertree.MaxFutureTime)
			g := newGate(params.Regtest(), gen, *new(uint256.Int).SetAllOne(), now, rand.New(rand.NewPCG(seed, 2)))
			if _, err := g.offer(batch{chain.headers[:c.headers], chain.hashes[:c.headers]}, true); !errors.Is(err, c.want) {
				t.Errorf("%s, seed %d: %v, want %v", c.name, seed, err, c.want)
			}
		}
	}
}

// A second pass that has matched all that was kept of the first, and goes on
// with headers of less work instead of showing what it had shown.
func TestGateSecondPassLonger(t *testing.T) {
	const easy, hard = 0x207fffff, 0x1d00ffff
	gen := headertree.New(params.Regtest()).Genesis()
	// Eight bits are kept: what is behind them is another byte.
	long := made(gen.Hash, same(easy, 10*gatePeriod)...)
	g := newGate(params.Regtest(), gen, *uint256.NewInt(1 << 30), time.Unix(gen.MedianTime()+1e6, 0), rand.New(rand.NewPCG(1, 2)))
	last := 0
	for n := range long.headers {
		if g.marked(int32(n) + 1) {
			if last++; last == 8 {
				last = n + 1
				break
			}
		}
	}
	first := batch{long.headers[:last], long.hashes[:last]}
	if _, err := g.offer(first, true); err != nil {
		t.Fatal(err)
	}
	if _, err := g.offer(made(first.last(), hard), true); err != nil || !g.second {
		t.Fatalf("the work is not shown: %v", err)
	}
	if out, err := g.offer(first, true); err != nil || out.len() > 0 {
		t.Fatalf("%d are released, %v", out.len(), err)
	}
	rest := batch{long.headers[last:], long.hashes[last:]}
	if out, err := g.offer(rest, true); !errors.Is(err, errGateDiffer) || out.len() > 0 {
		t.Errorf("%d are released, %v", out.len(), err)
	}
}
