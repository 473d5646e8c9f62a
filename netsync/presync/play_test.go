package presync

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"starling/chain/headertree"
	"starling/wire"
)

// The targets of the play, each twice as hard as the one before, and their work.
var (
	targets = []uint32{easy, 0x203fffff, 0x201fffff, 0x200fffff}
	works   = map[uint32]uint64{easy: 2, 0x203fffff: 4, 0x201fffff: 8, 0x200fffff: 16}
)

// every is how often the difficulty may change in the play, if not at any time.
const every = 10

// model says what a walk must do, and keeps all headers for it. Of the walk it
// takes only what is secret: of which heights there are bits, and the bits.
type model struct {
	w      *Walk
	strict bool
	start  wire.Hash
	need   uint64
	limit  int
	buffer int

	passes [2][]wire.Hash
	work   uint64
	bits   uint32
	marks  int
	second bool
	out    int // headers released
	ended  error
	done   bool
}

// begin sets the model to the start of a pass.
func (m *model) begin() { m.work, m.bits = 2, easy }

// step returns what is wrong with the next header of the current pass.
func (m *model) step(h *wire.Header, hash wire.Hash) error {
	pass := &m.passes[0]
	if m.second {
		pass = &m.passes[1]
	}
	prev := m.start
	if n := len(*pass); n > 0 {
		prev = (*pass)[n-1]
	}
	if h.PrevBlock != prev {
		return ErrGap
	}
	*pass = append(*pass, hash)
	height := len(*pass)
	// All targets of the play have the same exponent.
	from, to := m.bits&0x7fffff, h.Bits&0x7fffff
	if m.strict && from != to && (height%every != 0 || to > 4*from || to < from/4) {
		return ErrDifficulty
	}
	m.work += works[h.Bits]
	m.bits = h.Bits
	if !m.w.marked(int32(height)) {
		return nil
	}
	if !m.second {
		if m.marks++; m.limit >= 0 && m.marks > m.limit {
			return ErrTooLong
		}
		return nil
	}
	if m.work < m.need && (height > len(m.passes[0]) || m.w.bit(&m.passes[0][height-1]) != m.w.bit(&hash)) {
		return ErrDiffers
	}
	return nil
}

// offer returns how many headers must be released.
func (m *model) offer(r run, more bool) (released int, err error) {
	if m.ended != nil {
		return 0, m.ended
	}
	if m.done {
		m.ended = ErrGap
		return 0, m.ended
	}
	for i := range r.headers {
		if m.ended = m.step(&r.headers[i], r.hashes[i]); m.ended != nil {
			return 0, m.ended
		}
	}
	shown := m.work >= m.need
	if !shown && !more {
		m.ended = ErrTooWeak
		return 0, m.ended
	}
	if !m.second {
		if shown {
			m.second = true
			m.begin()
		}
		return 0, nil
	}
	all := len(m.passes[1])
	switch {
	case shown:
		released, m.done = all-m.out, true
	case m.buffer > 0:
		released = max(0, all-m.buffer-m.out)
	}
	m.out += released
	return released, nil
}

// TestPlay feeds a walk what a peer may come upon, and holds it to the model.
func TestPlay(t *testing.T) { rapid.Check(t, play) }

// FuzzPlay is the same with a fuzzer's choices.
func FuzzPlay(f *testing.F) { f.Fuzz(rapid.MakeFuzz(play)) }

func play(t *rapid.T) {
	net, gen := genesis()
	m := &model{start: gen.Hash, strict: rapid.Bool().Draw(t, "strict")}
	if m.strict {
		net.AllowMinDifficulty, net.NoRetargeting = false, false
		net.TargetTimespan = every * net.TargetSpacing
	}
	opt := Options{Period: rapid.Int32Range(1, 8).Draw(t, "period"), Buffer: rapid.IntRange(-1, 40).Draw(t, "buffer"), Rate: 1}
	seconds := rapid.IntRange(0, 800).Draw(t, "seconds")
	m.limit = seconds / int(opt.Period)
	if rapid.Bool().Draw(t, "no limit") {
		opt.Rate, m.limit = -1, -1
	}
	if m.buffer = opt.Buffer; m.buffer == 0 {
		m.buffer = DefaultBuffer
	}
	m.need = rapid.Uint64Range(1, 1000).Draw(t, "need")
	now := time.Unix(gen.MedianTime()+int64(seconds), 0).Add(-headertree.MaxFutureTime)
	w := New(net, gen, *uint256.NewInt(m.need), now, secrets(rapid.Uint64().Draw(t, "secrets")), opt)
	m.w = w
	m.begin()

	chains := drawChains(t, m)
	at := 0
	for range rapid.IntRange(1, 60).Draw(t, "messages") {
		chain := chains[min(len(chains)-1, rapid.IntRange(0, 9).Draw(t, "chain")%4)]
		from := min(int(w.Progress().Height), chain.len()-1)
		if rapid.IntRange(0, 19).Draw(t, "elsewhere") == 0 {
			from = rapid.IntRange(0, chain.len()-1).Draw(t, "from")
		}
		upTo := min(chain.len(), from+rapid.IntRange(1, 80).Draw(t, "count"))
		more := rapid.IntRange(0, 29).Draw(t, "ends") > 0
		r := chain.cut(from+1, upTo)
		count, want := m.offer(r, more)
		headers, hashes, err := w.Offer(r.headers, r.hashes, more)
		if !errors.Is(err, want) || want == nil && err != nil || len(headers) != count || len(hashes) != count {
			t.Fatalf("headers %d to %d: %d released, %v; want %d, %v", from+1, upTo, len(headers), err, count, want)
		}
		if !slices.Equal(hashes, m.passes[1][at:at+count]) {
			t.Fatal("other hashes are released than came")
		}
		for i := range headers {
			if headers[i].Hash() != hashes[i] {
				t.Fatal("a header is released with the hash of another")
			}
		}
		at += count
		look(t, m)
	}
}

// look compares what a walk tells of itself.
func look(t *rapid.T, m *model) {
	if bound := m.w.Bound(); bound >= 0 && m.w.Size() > bound {
		t.Fatalf("%d bytes are held, and %d is the bound", m.w.Size(), bound)
	}
	if (m.ended != nil || m.done) && m.w.Size() != 0 {
		t.Fatalf("%d bytes are held at the end", m.w.Size())
	}
	if m.ended != nil {
		return
	}
	p := m.w.Progress()
	height := len(m.passes[0])
	if m.second {
		height = len(m.passes[1])
	}
	if p.Second != m.second || int(p.First) != len(m.passes[0]) || int(p.Height) != height || p.Work.Uint64() != m.work || m.w.Done() != m.done {
		t.Fatalf("%+v, done: %v", p, m.w.Done())
	}
}

// drawChains returns a chain, and others that leave it somewhere.
func drawChains(t *rapid.T, m *model) (chains []run) {
	bits := func(from int, last uint32, count int) (all []uint32) {
		for i := range count {
			if (from+i+1)%every == 0 || !m.strict || rapid.IntRange(0, 99).Draw(t, "slip") == 0 {
				last = rapid.SampledFrom(targets).Draw(t, "target")
			}
			all = append(all, last)
		}
		return all
	}
	best := made(m.start, 0, bits(0, easy, rapid.IntRange(20, 400).Draw(t, "length"))...)
	chains = append(chains, best)
	for salt := range uint32(rapid.IntRange(0, 2).Draw(t, "forks")) {
		fork := rapid.IntRange(1, best.len()).Draw(t, "fork")
		other := bits(fork, best.headers[fork-1].Bits, rapid.IntRange(1, 200).Draw(t, "more"))
		chains = append(chains, best.on(fork, made(best.hashes[fork-1], salt+1, other...)))
	}
	return chains
}
