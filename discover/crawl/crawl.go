package crawl

import (
	"cmp"
	"context"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
	"starling/clock"
)

// DefaultWorkers is how many visits are under way at a time unless told
// otherwise.
const DefaultWorkers = 32

// Options say how a crawl goes. The zero value works.
type Options struct {
	Workers  int // visits under way at a time; 0 for [DefaultWorkers]
	MaxNodes int // visits in all; 0 for [DefaultMaxNodes]
	// Progress is told how far the crawl is: when it begins, after each visit, and
	// each second in which none ends. It is called by the goroutine that runs the
	// crawl.
	Progress func(Progress)
}

// Progress says how far a crawl is.
type Progress struct {
	Visited, Reached int // nodes so far
	Busy, Waiting    int // visits under way, and nodes that wait for theirs
	Elapsed          time.Duration
}

// tellEvery is how often a crawl in which nothing happens tells its progress: a
// node that does not answer takes many seconds.
const tellEvery = time.Second

// Result is what a crawl has found.
type Result struct {
	Nodes []Node // in the order in which the visits ended; Known is left out
	// Knew is how many addresses each of them told.
	Knew []int
	// Left is how many known nodes were not visited because the crawl was
	// stopped. More says that it has visited as many as it may, and knew of others.
	Left int
	More bool
}

// Run visits the nodes at the given addresses, those that they know, and so on,
// until there are no more or ctx is done. It returns what it has found either
// way.
func Run(ctx context.Context, v *Visitor, starts []ma.Multiaddr, opts Options) Result {
	f := NewFrontier(opts.MaxNodes)
	for _, s := range starts {
		f.Start(s)
	}
	workers, busy := cmp.Or(opts.Workers, DefaultWorkers), 0
	done := make(chan Node)
	tell := newTeller(v, opts.Progress)
	defer tell.tick.Stop()
	var r Result
	for {
		for busy < workers && ctx.Err() == nil {
			m, ok := f.Next()
			if !ok {
				break
			}
			busy++
			go func() { done <- v.Visit(ctx, m) }()
		}
		if busy == 0 {
			break
		}
		n := tell.wait(done, busy, f.Waiting())
		busy--
		if ctx.Err() != nil && !n.Reached {
			r.Left++ // it was not given its time
			continue
		}
		known := make([]netaddr.Addr, len(n.Known))
		for i, k := range n.Known {
			known[i] = k.Addr
		}
		f.Add(n.Addr, known)
		tell.count(&n)
		r.Knew = append(r.Knew, len(n.Known))
		n.Known = nil
		r.Nodes = append(r.Nodes, n)
	}
	tell.now(0, f.Waiting())
	r.Left += f.Waiting()
	r.More = f.Full()
	return r
}

// teller tells how far a crawl is.
type teller struct {
	to    func(Progress)
	clk   clock.Clock
	tick  *clock.Timer
	begun time.Time
	is    Progress
}

func newTeller(v *Visitor, to func(Progress)) *teller {
	clk := v.clock()
	return &teller{to: to, clk: clk, tick: clk.NewTimer(tellEvery), begun: clk.Now()}
}

// wait returns the next visit that ends, and tells the progress meanwhile.
func (t *teller) wait(done <-chan Node, busy, waiting int) Node {
	t.now(busy, waiting)
	for {
		select {
		case n := <-done:
			return n
		case <-t.tick.C:
			t.now(busy, waiting)
			t.tick.Reset(tellEvery)
		}
	}
}

func (t *teller) count(n *Node) {
	t.is.Visited++
	if n.Reached {
		t.is.Reached++
	}
}

func (t *teller) now(busy, waiting int) {
	if t.to == nil {
		return
	}
	t.is.Busy, t.is.Waiting, t.is.Elapsed = busy, waiting, t.clk.Now().Sub(t.begun)
	t.to(t.is)
}
