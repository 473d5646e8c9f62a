package netsync

import (
	"slices"
	"time"

	"starling/chain/headertree"
)

// have reports whether the block of n need not be fetched: it is stored, or it
// is part of the active chain and was pruned.
func have(n, tip *headertree.Node) bool {
	return n.Data() != nil || tip.Ancestor(n.Height) == n
}

// walked is what a walk over the window found.
type walked struct {
	nodes  []*headertree.Node // to be asked of the peer
	late   []*flight          // in flight from others for too long
	holder *peer              // alone responsible for the full window
}

// walk looks for at most count blocks to ask of the peer, from the last block
// that it and this node share on.
func (w *window) walk(now time.Time, p *peer, count int) (found walked) {
	p.resolve(w.chain.Headers())
	tip := w.chain.Tip()
	if p.best == nil || p.best.Work.Lt(&tip.Work) || p.best.Work.Lt(&w.minWork) {
		return found // nothing that we would switch to
	}
	w.advance(p, tip)
	base := connected(p.window.common, tip)
	end := w.windowEnd(p, base)
	top := min(p.best.Height, end+1)
	var first *flight // what the window waits for, if it is a peer
	waits := false
	for h := p.window.common.Height; h < top; {
		n := min(top-h, walkStep)
		w.scratch = path(w.scratch[:0], p.best, h+n, n)
		h += n
		for _, n := range w.scratch {
			switch f := w.flights[n.Hash]; {
			case n.Failed():
				return found // nobody is asked for what is built on a bad block
			case have(n, tip):
				continue
			case n.Height >= w.net.SegwitHeight && !p.witness():
				return found
			case w.holds(n.Hash):
				// The chain is working on it, whoever else was asked for it. If
				// the window waits for it, that is no peer's fault.
			case f != nil:
				if !waits {
					first = f
				}
				f.node = n
				if (late(now, f) || w.withheld(now, f)) && !f.by(p) && !p.cannot(n) {
					found.late = append(found.late, f)
				}
			case n.Height > end:
				// While stored blocks wait to be connected, the window waits for
				// this node, and nobody else is to blame.
				if base == p.window.common && len(found.nodes) == 0 && first != nil && first.from[0].peer != p {
					found.holder = first.from[0].peer
				}
				return found
			case p.cannot(n):
			default:
				if found.nodes = append(found.nodes, n); len(found.nodes) == count {
					return found
				}
			}
			waits = true
		}
	}
	return found
}

// connected returns the last block up to common, whose chain is stored, that is
// connected or would not be if it were the end: what comes after it has more
// work than the tip, and waits for its validation.
func connected(common, tip *headertree.Node) *headertree.Node {
	if !common.Work.Gt(&tip.Work) {
		return common
	}
	if common.Ancestor(tip.Height) == tip {
		return tip
	}
	// A branch that is about to replace the tip's. Work grows with height.
	low, high := headertree.Fork(common, tip).Height, common.Height
	for low < high {
		mid := low + (high-low+1)/2
		if common.Ancestor(mid).Work.Gt(&tip.Work) {
			high = mid - 1
		} else {
			low = mid
		}
	}
	return common.Ancestor(low)
}

// windowEnd returns the height up to which blocks of the peer's chain may be
// fetched. base is the last one that waits for no validation.
func (w *window) windowEnd(p *peer, base *headertree.Node) int32 {
	end := base.Height + windowSize
	if !w.pruned {
		return end
	}
	// Blocks that are not here yet count as much as the others on average.
	var bytes, known, blocks int64
	for h, top := base.Height, min(p.best.Height, end); h < top; {
		n := min(top-h, walkStep)
		w.scratch = path(w.scratch[:0], p.best, h+n, n)
		for _, n := range w.scratch {
			if d := n.Data(); d != nil {
				known += int64(d.Size)
				blocks++
				bytes += int64(d.Size)
			} else if blocks > 0 {
				bytes += known / blocks
			}
			if bytes > w.bytes {
				if base == p.window.common {
					// What the others wait for is fetched in any case.
					return max(n.Height, min(end, base.Height+maxInFlight))
				}
				return n.Height
			}
		}
		h += n
	}
	return end
}

// advance moves the peer's common block on as far as blocks are stored.
func (w *window) advance(p *peer, tip *headertree.Node) {
	fork := headertree.Fork(tip, p.best)
	if p.window.common != nil {
		p.window.common = headertree.Fork(p.window.common, p.best)
	}
	if p.window.common == nil || p.window.common.Height < fork.Height {
		p.window.common = fork
	} else if p.window.common != fork && !have(p.best.Ancestor(fork.Height+1), tip) {
		p.window.common = fork // what was stored after it has been lost
	}
	for h := p.window.common.Height; h < p.best.Height; {
		n := min(p.best.Height-h, walkStep)
		w.scratch = path(w.scratch[:0], p.best, h+n, n)
		h += n
		for _, n := range w.scratch {
			if !have(n, tip) {
				return
			}
			p.window.common = n
		}
	}
}

// path appends the count headers up to the given height of the chain that ends
// in n, the lowest first.
func path(dst []*headertree.Node, n *headertree.Node, height, count int32) []*headertree.Node {
	at := len(dst)
	for n = n.Ancestor(height); count > 0 && n != nil; count-- {
		dst = append(dst, n)
		n = n.Parent
	}
	slices.Reverse(dst[at:])
	return dst
}

// cannot reports whether the peer is not to be asked for a block of its chain:
// it keeps only the last ones, or has failed for this one before.
func (p *peer) cannot(n *headertree.Node) bool {
	if p.limited() && p.best.Height-n.Height >= limitedDepth {
		return true
	}
	_, lacks := p.window.lacks[n.Hash]
	return lacks
}
