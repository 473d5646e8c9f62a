package store

import (
	"math"
	"sync/atomic"
)

// gateClosed is added to a gate's count to close it.
const gateClosed = math.MinInt64 / 2

// gate counts the users of something that can be closed. Unlike a read-write
// lock it lets a user in a second time while somebody waits to close.
type gate struct {
	n    atomic.Int64
	idle chan struct{} // gets one value when the last user leaves a closed gate
}

func (g *gate) init() { g.idle = make(chan struct{}, 1) }

// enter reports whether the gate is open; leave must follow if it is.
func (g *gate) enter() bool {
	if g.n.Add(1) < 0 {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.n.Add(-1) == gateClosed {
		select {
		case g.idle <- struct{}{}:
		default: // it is full: the value is there already
		}
	}
}

// close closes the gate and waits until all users have left. It returns false
// if it was closed before.
func (g *gate) close() bool {
	for {
		n := g.n.Load()
		if n < 0 {
			return false
		}
		if !g.n.CompareAndSwap(n, n+gateClosed) {
			continue
		}
		if n > 0 {
			<-g.idle
		}
		return true
	}
}
