package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"starling/chain"
	"starling/clock"
	"starling/peer"
	"starling/transport"
)

// Run runs the node until ctx is done or something that it cannot do without
// fails. When it returns, all goroutines are gone and everything is on disk
// and closed. It is called once.
//
// The order of stopping follows the flow of blocks and transactions: first no
// more links, then the sessions, then the mempool and the chain, which write
// what they have.
func (n *Node) Run(ctx context.Context) error {
	n.running.Store(true)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	n.ctx = ctx
	chainCtx, stopChain := context.WithCancel(context.WithoutCancel(ctx))
	defer stopChain()
	chainDone := make(chan error, 1)
	go func() {
		err := n.chain.Run(chainCtx)
		if err != nil {
			fail(err)
		}
		chainDone <- err
	}()

	select {
	case <-n.chain.Ready(): // the index may have to be rebuilt first
	case <-ctx.Done():
	}
	err := n.load(ctx)
	if err == nil && ctx.Err() == nil {
		n.serve(ctx)
	}
	stopChain()
	chainErr := <-chainDone
	closeErr := n.close()
	switch {
	case chainErr != nil:
		return chainErr
	case err != nil && ctx.Err() == nil:
		return err
	}
	return closeErr
}

// serve runs the network side of the node until ctx is done.
func (n *Node) serve(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range n.listen {
		n.log.Info("listening", "addr", transport.FormatAddr(l.Addr()))
		wg.Go(func() { n.accept(ctx, l) })
	}
	wg.Go(func() { n.conns.Run(ctx) })
	wg.Go(func() { n.syncLoop(ctx) })
	wg.Go(func() { n.relayLoop(ctx) })
	wg.Go(func() { n.orphanLoop(ctx) })
	stopPool := n.startPool(ctx)
	<-ctx.Done()
	for _, l := range n.listen {
		l.Close()
	}
	wg.Wait()
	n.links.Wait()
	stopPool()
}

// load reads the files of Config.Load.
func (n *Node) load(ctx context.Context) error {
	n.loading.Store(len(n.cfg.Load) > 0)
	defer n.loading.Store(false)
	for _, name := range n.cfg.Load {
		if err := n.loadFile(ctx, name); err != nil {
			return fmt.Errorf("load blocks from %s: %w", name, err)
		}
	}
	return nil
}

func (n *Node) loadFile(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		// The error names the file, as the caller does.
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return err
	}
	defer f.Close()
	n.log.Info("loading blocks", "file", name)
	s, err := n.chain.Import(ctx, f, func(s chain.ImportStats) {
		if n.cfg.Progress != nil {
			n.cfg.Progress(name, s)
		}
	})
	if err != nil {
		return err
	}
	n.log.Info("blocks loaded", "file", name, "blocks", s.Blocks, "known", s.Known, "orphans", s.Orphan, "height", n.chain.Tip().Height)
	return nil
}

// acceptPause is how long to wait after a failure to accept, most often for
// want of file descriptors, so that the failure does not keep a core busy.
const acceptPause = 100e6 // nanoseconds

// accept takes links that others open, until the listener is closed.
func (n *Node) accept(ctx context.Context, l transport.Listener) {
	for {
		link, err := l.Accept()
		if errors.Is(err, transport.ErrClosed) {
			return
		}
		if err != nil {
			n.log.Warn("accepting a connection failed", "addr", transport.FormatAddr(l.Addr()), "err", err)
			if clock.Sleep(ctx, n.clk, acceptPause) != nil {
				return
			}
			continue
		}
		n.admit(ctx, link)
	}
}

// admit starts a session over a link that somebody has opened, if there is a
// place for it.
func (n *Node) admit(ctx context.Context, link transport.Link) {
	addr := link.RemoteAddr()
	host, _ := transport.IP(addr)
	perm := n.cfg.Permissions(host)
	evict, found, err := n.conns.Admit(addr, perm.Has(peer.PermNoBan), n.sessions.countInbound(), n.candidates)
	if err != nil {
		n.log.Debug("connection refused", "addr", transport.FormatAddr(addr), "err", err)
		link.Close()
		return
	}
	if found {
		n.log.Debug("making room for a newcomer", "evicted", evict)
		n.endPeer(evict, peer.Requested, "evicted in favour of another peer")
	}
	s := n.newSession(link, peer.Inbound, perm, nil)
	n.links.Go(func() { n.runSession(ctx, s) })
}
