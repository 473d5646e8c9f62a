package presync

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// What ends a walk before its chain has shown the work twice. None of them says
// that the peer is at fault: it may have changed chains meanwhile.
var (
	// ErrGap: headers do not continue the walk.
	ErrGap = errors.New("headers do not continue the walk")
	// ErrDifficulty: the difficulty changes more than the rules allow.
	ErrDifficulty = errors.New("difficulty changes more than the rules allow")
	// ErrTooLong: the chain has more headers than its time allows.
	ErrTooLong = errors.New("more headers than time allows")
	// ErrTooWeak: the chain ended without the work.
	ErrTooWeak = errors.New("chain ended without the minimum work")
	// ErrDiffers: the second pass shows another chain than the first.
	ErrDiffers = errors.New("second pass differs from the first")
)

// position is how far one pass has come.
type position struct {
	hash   wire.Hash
	bits   uint32
	time   uint32
	height int32
	work   uint256.Int
	each   uint256.Int // work of a header with these bits
}

// Walk goes over one chain of headers of one peer that has not shown its work.
// It is made by [New], and must not be used by two goroutines at once.
//
// What holds at every moment:
//   - It holds no more than [Walk.Bound] says.
//   - In the first pass no header is held. One that is released has been there in
//     both passes, as far as the bits behind it can tell, or has shown the work.
//   - Once it has ended, by an error or because all is released, nothing is held.
type Walk struct {
	net    *params.Network
	opt    Options
	start  *headertree.Node // the known header that the chain branches off
	need   uint256.Int      // the work that it must reach
	key    [32]byte         // secret, decides the bits
	offset int32            // secret, which heights have a bit
	limit  int64            // of bits; less than zero for none

	first  position
	second bool // in the second pass
	done   bool // all is released
	ended  error

	again  position
	bits   []byte // one secret bit each, eight to a byte
	count  int64  // of bits stored
	next   int64  // the bit that the second pass compares next
	held   []wire.Header
	proven bool // the second pass has reached the work too
}

// New starts a walk over a chain on top of a known header, which must reach the
// given work. The secrets are drawn from rng, of which no peer may know anything.
func New(net *params.Network, start *headertree.Node, need uint256.Int, now time.Time, rng *rand.Rand, o Options) *Walk {
	w := &Walk{net: net, opt: o.filled(), start: start, need: need, limit: -1}
	w.offset = rng.Int32N(w.opt.Period)
	for i := range w.key {
		w.key[i] = byte(rng.Uint32())
	}
	w.first = w.origin()
	if w.opt.Rate > 0 {
		seconds := now.Unix() - start.MedianTime() + int64(headertree.MaxFutureTime/time.Second)
		w.limit = max(0, seconds) * w.opt.Rate / int64(w.opt.Period)
	}
	return w
}

// origin is where both passes begin.
func (w *Walk) origin() position {
	h := &w.start.Header
	return position{hash: w.start.Hash, bits: h.Bits, time: h.Timestamp, height: w.start.Height,
		work: w.start.Work, each: consensus.BlockWork(h.Bits)}
}

// Start returns the known header that the chain branches off.
func (w *Walk) Start() *headertree.Node { return w.start }

// Done reports whether the work was shown twice and all that came is released.
// The peer may have more, which needs no walk.
func (w *Walk) Done() bool { return w.done }

// Progress is how far a walk has come.
type Progress struct {
	First  int32       // height that the first pass has reached
	Second bool        // the first pass has shown the work, and all comes again
	Height int32       // height that the current pass has reached
	Time   time.Time   // of the header at that height, as it claims
	Work   uint256.Int // of the chain up to that height
}

// Progress returns how far the walk has come.
func (w *Walk) Progress() Progress {
	at := w.at()
	return Progress{First: w.first.height, Second: w.second, Height: at.height, Time: time.Unix(int64(at.time), 0), Work: at.work}
}

// at returns where the current pass is.
func (w *Walk) at() *position {
	if w.second {
		return &w.again
	}
	return &w.first
}

// Locator tells the peer where to go on: behind the last header that came, or
// where the chain branches off if it has another chain now.
func (w *Walk) Locator() []wire.Hash {
	at, rest := w.at().hash, headertree.Locator(w.start)
	if at == w.start.Hash {
		return rest
	}
	return append([]wire.Hash{at}, rest...)
}

// Offer takes the next headers, at most [wire.MaxHeaders] of them: hashes[i] is
// the hash of headers[i], and has the proof of work that it claims. More says
// that the peer has further ones. It returns those that are released, with their
// hashes. An error ends the walk, and all later calls return it.
func (w *Walk) Offer(headers []wire.Header, hashes []wire.Hash, more bool) (released []wire.Header, ids []wire.Hash, err error) {
	switch {
	case w.ended != nil:
		return nil, nil, w.ended
	case w.done:
		return nil, nil, w.end(ErrGap)
	case w.second:
		err = w.compare(headers, hashes)
	default:
		err = w.note(headers, hashes)
		more = more || w.second // all of it comes again
	}
	if err == nil && !more && !w.proven {
		err = ErrTooWeak
	}
	if err != nil {
		return nil, nil, w.end(err)
	}
	released, ids = w.release()
	if w.done = w.proven; w.done {
		w.bits, w.held = nil, nil
	}
	return released, ids, nil
}

// end ends the walk, and lets go of what it held.
func (w *Walk) end(err error) error {
	w.ended, w.bits, w.held = err, nil, nil
	return err
}

// step moves a pass on by one header.
func (w *Walk) step(p *position, h *wire.Header, hash wire.Hash) error {
	if h.PrevBlock != p.hash {
		return ErrGap
	}
	if !permitted(w.net, p.height+1, p.bits, h.Bits) {
		return ErrDifficulty
	}
	if h.Bits != p.bits {
		p.bits, p.each = h.Bits, consensus.BlockWork(h.Bits)
	}
	p.work.Add(&p.work, &p.each)
	p.hash, p.time = hash, h.Timestamp
	p.height++
	return nil
}

// note takes headers of the first pass.
func (w *Walk) note(headers []wire.Header, hashes []wire.Hash) error {
	for i := range headers {
		if err := w.step(&w.first, &headers[i], hashes[i]); err != nil {
			return err
		}
		if !w.marked(w.first.height) {
			continue
		}
		if w.limit >= 0 && w.count >= w.limit {
			return ErrTooLong
		}
		w.keep(w.bit(&w.first.hash))
	}
	if !w.first.work.Lt(&w.need) {
		w.second, w.again = true, w.origin()
	}
	return nil
}

// compare takes headers of the second pass.
func (w *Walk) compare(headers []wire.Header, hashes []wire.Hash) error {
	for i := range headers {
		if err := w.step(&w.again, &headers[i], hashes[i]); err != nil {
			return err
		}
		// Beyond the point where the work is shown nothing needs comparing,
		// and the chain may have grown since the first pass.
		w.proven = w.proven || !w.again.work.Lt(&w.need)
		if w.proven || !w.marked(w.again.height) {
			continue
		}
		if w.next >= w.count || w.kept(w.next) != w.bit(&w.again.hash) {
			return ErrDiffers
		}
		w.next++
	}
	w.hold(headers)
	return nil
}

// release returns the headers that need wait no longer.
func (w *Walk) release() (released []wire.Header, ids []wire.Hash) {
	free := 0
	switch {
	case w.proven:
		free = len(w.held)
	case w.opt.Buffer > 0:
		free = len(w.held) - w.opt.Buffer
	}
	if free <= 0 {
		return nil, nil
	}
	released, ids = append([]wire.Header(nil), w.held[:free]...), make([]wire.Hash, free)
	// No hashes are held: each header names that of the one before.
	for i := 1; i < free; i++ {
		ids[i-1] = released[i].PrevBlock
	}
	if free < len(w.held) {
		ids[free-1] = w.held[free].PrevBlock
	} else {
		ids[free-1] = w.again.hash
	}
	w.held = append(w.held[:0], w.held[free:]...)
	return released, ids
}
