package netsync

import (
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// A header costs its maker nothing at low difficulty and this node some 250
// bytes for ever, so a chain of headers is kept only if it has the work of an
// honest chain. That shows at its end, so such a chain is fetched twice. The
// first pass keeps one secret bit of every gatePeriod-th header; the second
// releases headers only after gateBuffer more have matched those bits, so that
// a peer cannot show a good chain first and a cheap one then.
const (
	// gatePeriod is the distance of the headers of which a bit is kept. Each
	// bit stands for 48 KB of headers.
	gatePeriod = 600
	// gateBuffer is how many headers of the second pass wait for others behind
	// them to match: 24 bits, so one try in 16 million gets cheap headers past
	// the gate. At 80 bytes a header the buffer costs 1.3 MB at most.
	gateBuffer = 24 * gatePeriod
	// gateRate is how many headers a chain can have per second of its time: the
	// median-time rule forces one second per six headers. It bounds the bits
	// of the first pass: 700 KB on the main network in 2026, and more than the
	// limit is proof that the chain is invalid.
	gateRate = 6
)

var (
	errGateGap    = errors.New("headers do not continue the walk")
	errGateBits   = errors.New("difficulty changes more than the rules allow")
	errGateLong   = errors.New("more headers than time allows")
	errGateWeak   = errors.New("chain ended without the minimum work")
	errGateDiffer = errors.New("second pass differs from the first")
)

// gatePos is how far one pass has come.
type gatePos struct {
	hash   wire.Hash
	bits   uint32
	height int32
	work   uint256.Int
}

// gate walks one chain of headers that has not shown the minimum work. It is a
// pure state machine.
type gate struct {
	net    *params.Network
	start  *headertree.Node // the known header that the chain branches off
	need   uint256.Int      // the work that it must reach
	key    [32]byte         // secret, decides the bits
	offset int32            // secret, which heights have a bit
	limit  int              // of bits

	first  gatePos
	second bool // in the second pass
	ended  bool // all is released, or nothing more is to come

	again  gatePos
	bits   []byte // one secret bit each, eight to a byte
	count  int    // of bits stored
	next   int    // the bit that the second pass compares next
	buffer []wire.Header
	proven bool // the second pass has reached the work too
}

// newGate starts a walk from a known header.
func newGate(net *params.Network, start *headertree.Node, need uint256.Int, now time.Time, rng *rand.Rand) *gate {
	g := &gate{net: net, start: start, need: need, offset: rng.Int32N(gatePeriod)}
	for i := range g.key {
		g.key[i] = byte(rng.Uint32())
	}
	g.first = gatePos{hash: start.Hash, bits: start.Header.Bits, height: start.Height, work: start.Work}
	seconds := now.Unix() - start.MedianTime() + int64(headertree.MaxFutureTime/time.Second)
	g.limit = int(max(0, seconds) * gateRate / gatePeriod)
	return g
}

// height returns how far the current pass has come.
func (g *gate) height() int32 {
	if g.second {
		return g.again.height
	}
	return g.first.height
}

// locator tells the peer where to go on.
func (g *gate) locator() []wire.Hash {
	at := g.first.hash
	if g.second {
		at = g.again.hash
	}
	rest := headertree.Locator(g.start)
	if at == g.start.Hash {
		return rest
	}
	return append([]wire.Hash{at}, rest...)
}

// offer takes the next headers, whose proof of work and order were checked, and
// returns those that are released. More says that the peer has further headers.
// An error ends the walk: the gate must not be used again.
func (g *gate) offer(b batch, more bool) (released batch, err error) {
	if g.second {
		released, err = g.offerSecond(b)
	} else {
		err = g.offerFirst(b)
		more = more || g.second // the second pass starts over
	}
	if err == nil && !more && !g.ended {
		err = errGateWeak
	}
	return released, err
}

// step moves a pass on by one header.
func (g *gate) step(p *gatePos, h *wire.Header, hash wire.Hash) error {
	if h.PrevBlock != p.hash {
		return errGateGap
	}
	if !permitted(g.net, p.height+1, p.bits, h.Bits) {
		return errGateBits
	}
	work := consensus.BlockWork(h.Bits)
	p.work.Add(&p.work, &work)
	p.hash, p.bits = hash, h.Bits
	p.height++
	return nil
}

func (g *gate) offerFirst(b batch) error {
	for i := range b.headers {
		if err := g.step(&g.first, &b.headers[i], b.hashes[i]); err != nil {
			return err
		}
		if g.marked(g.first.height) {
			if g.count >= g.limit {
				return errGateLong
			}
			if g.count%8 == 0 {
				g.bits = append(g.bits, 0)
			}
			g.bits[g.count/8] |= g.bit(&g.first.hash) << (g.count % 8)
			g.count++
		}
	}
	if !g.first.work.Lt(&g.need) {
		g.second = true
		g.again = gatePos{hash: g.start.Hash, bits: g.start.Header.Bits, height: g.start.Height, work: g.start.Work}
	}
	return nil
}

func (g *gate) offerSecond(b batch) (batch, error) {
	for i := range b.headers {
		if err := g.step(&g.again, &b.headers[i], b.hashes[i]); err != nil {
			return batch{}, err
		}
		// Beyond the point where the work is shown nothing needs comparing,
		// and the chain may have grown since the first pass.
		g.proven = g.proven || !g.again.work.Lt(&g.need)
		if !g.proven && g.marked(g.again.height) {
			if g.next >= g.count || g.bits[g.next/8]>>(g.next%8)&1 != g.bit(&g.again.hash) {
				return batch{}, errGateDiffer
			}
			g.next++
		}
	}
	g.buffer = append(g.buffer, b.headers...)
	free := len(g.buffer) - gateBuffer
	if g.proven {
		free = len(g.buffer)
		g.ended = true
	}
	if free <= 0 {
		return batch{}, nil
	}
	released := batch{append([]wire.Header(nil), g.buffer[:free]...), make([]wire.Hash, free)}
	// The buffer keeps no hashes: each header names that of the one before.
	for i := range free - 1 {
		released.hashes[i] = g.buffer[i+1].PrevBlock
	}
	released.hashes[free-1] = g.again.hash
	if free < len(g.buffer) {
		released.hashes[free-1] = g.buffer[free].PrevBlock
	}
	g.buffer = append(g.buffer[:0], g.buffer[free:]...)
	return released, nil
}

// marked reports whether a bit is kept of the header at this height.
func (g *gate) marked(height int32) bool { return height%gatePeriod == g.offset }

// bit is the secret bit of a header.
func (g *gate) bit(h *wire.Hash) byte {
	var b [64]byte
	copy(b[:], g.key[:])
	copy(b[32:], h[:])
	sum := sha256.Sum256(b[:])
	return sum[0] & 1
}

// permitted reports whether the difficulty may go from one compact target to
// the other at this height. It knows less than the real rule, which needs the
// times of a whole period, but bounds what a forged chain can do: without it,
// one header could claim the work of millions.
func permitted(net *params.Network, height int32, from, to uint32) bool {
	if net.AllowMinDifficulty {
		return true
	}
	if net.NoRetargeting || height%net.DifficultyInterval() != 0 {
		return from == to
	}
	old, _, _ := consensus.CompactToTarget(from)
	target, negative, overflow := consensus.CompactToTarget(to)
	if negative || overflow {
		return false
	}
	// Targets move by a factor of four at most, up to the limit, and what comes
	// out is rounded by the compact form. Four times a target may be more than a
	// number holds, a quarter of the limit is not.
	var easiest, hardest, quarter uint256.Int
	easiest.Set(net.PowLimit)
	if quarter.Rsh(net.PowLimit, 2); !old.Gt(&quarter) {
		easiest.Lsh(&old, 2)
	}
	hardest.Rsh(&old, 2)
	easiest, _, _ = consensus.CompactToTarget(consensus.TargetToCompact(&easiest))
	hardest, _, _ = consensus.CompactToTarget(consensus.TargetToCompact(&hardest))
	return !target.Gt(&easiest) && !target.Lt(&hardest)
}
