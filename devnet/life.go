package devnet

import (
	"context"
	"fmt"
	"sync"
)

// life is whether a node runs. Whoever works with a node takes part in its life
// for so long, so that it ends only when nobody does.
type life struct {
	mu     sync.Mutex
	ctx    context.Context // of the present life; done when it is to end
	cancel context.CancelFunc
	up     bool
	users  int
	idle   chan struct{} // closed when the last user leaves a life that is to end

	stop context.CancelFunc // ends the node's Run
	done chan struct{}      // closed when it has returned
}

// StoppedError says that a node is not running.
type StoppedError struct{ Node string }

// Error implements the error interface.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("node %s is stopped; \"starling devnet start %s\" starts it", e.Node, e.Node)
}

// begin begins a life, which lasts for at most as long as ctx.
func (l *life) begin(ctx context.Context) (run context.Context, done chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ctx, l.cancel = context.WithCancel(ctx)
	l.up, l.idle, l.done = true, make(chan struct{}), make(chan struct{})
	run, l.stop = context.WithCancel(ctx)
	return run, l.done
}

// end ends a life: it has its users stop, waits for them, and then stops the
// node. It reports false if there was none.
func (l *life) end() bool {
	l.mu.Lock()
	if !l.up {
		l.mu.Unlock()
		return false
	}
	l.up = false
	l.cancel()
	if l.users == 0 {
		close(l.idle)
	}
	l.mu.Unlock()
	<-l.idle
	l.stop()
	<-l.done
	return true
}

// ended reports whether the life that was last begun was ended on purpose.
func (l *life) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.up
}

// use takes part in a node's life until leave is called. The context that it
// returns is done when that life is to end. The error is a *StoppedError.
func (n *member) use(ctx context.Context) (_ context.Context, leave func(), err error) {
	l := &n.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.up {
		return nil, nil, &StoppedError{n.name}
	}
	l.users++
	ctx, cancel := context.WithCancel(ctx)
	unwatch := context.AfterFunc(l.ctx, cancel)
	return ctx, func() {
		unwatch()
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.users--
		if l.users == 0 && !l.up {
			close(l.idle)
		}
	}, nil
}

// each calls fn with every node that runs.
func (d *Net) each(ctx context.Context, fn func(ctx context.Context, n *member)) {
	for _, n := range d.nodes {
		if ctx, leave, err := n.use(ctx); err == nil {
			fn(ctx, n)
			leave()
		}
	}
}

// host is what nodes run in while the network does.
type host struct {
	ctx   context.Context // of the network
	nodes context.Context // of the nodes, which end last
	wg    sync.WaitGroup
	fail  func(error) // notes an error, if it is one, and ends the network
}

// launch runs a node that is open.
func (d *Net) launch(n *member) {
	run, done := n.life.begin(d.host.nodes)
	d.host.wg.Go(func() {
		defer close(done)
		watch, stopWatch := context.WithCancel(d.host.ctx)
		var watcher sync.WaitGroup
		watcher.Go(func() { d.watch(watch, n) })
		err := n.Run(run)
		stopWatch()
		watcher.Wait()
		if err != nil {
			err = fmt.Errorf("node %s: %w", n.name, err)
		}
		if err != nil || !n.life.ended() {
			d.host.fail(err)
		}
	})
}

// StopNode stops one node; the others lose it as they would lose any peer.
func (d *Net) StopNode(name string) error {
	n, err := d.find(name)
	if err != nil {
		return err
	}
	d.starting.Lock()
	defer d.starting.Unlock()
	if !n.life.end() {
		return &StoppedError{n.name}
	}
	d.emit(Event{Kind: "stopped", Node: n.name})
	return nil
}

// StartNode starts a node again that was stopped, where it was before, and has
// the others that dial it do so at once.
func (d *Net) StartNode(ctx context.Context, name string) error {
	n, err := d.find(name)
	if err != nil {
		return err
	}
	d.starting.Lock()
	defer d.starting.Unlock()
	if !n.life.ended() {
		return fmt.Errorf("node %s runs already", n.name)
	}
	if err := d.openNode(ctx, n); err != nil {
		return err
	}
	d.launch(n)
	at := n.Server.Listening()[0]
	d.each(ctx, func(_ context.Context, other *member) {
		for _, a := range other.peers {
			if a.Equal(at) {
				// An error says that there is a link, or will be.
				_ = other.Server.Conns().TryOnce(a)
			}
		}
	})
	d.emit(Event{Kind: "started", Node: n.name})
	return nil
}
