package crawl

import (
	"cmp"
	"context"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
)

// DefaultWorkers is how many visits are under way at a time unless told
// otherwise.
const DefaultWorkers = 32

// Options say how a crawl goes. The zero value works.
type Options struct {
	Workers  int // visits under way at a time; 0 for [DefaultWorkers]
	MaxNodes int // visits in all; 0 for [DefaultMaxNodes]
	// Visited is told of each visit, and how many wait to be visited and are
	// under way. It is called by the goroutine that runs the crawl.
	Visited func(n *Node, waiting, busy int)
}

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
		n := <-done
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
		r.Knew = append(r.Knew, len(n.Known))
		n.Known = nil
		r.Nodes = append(r.Nodes, n)
		if opts.Visited != nil {
			opts.Visited(&n, f.Waiting(), busy)
		}
	}
	r.Left += f.Waiting()
	r.More = f.Full()
	return r
}
