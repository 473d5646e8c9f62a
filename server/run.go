package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"starling/store"
	"starling/transport"
)

// Run runs the node until ctx is done or something that it cannot do without
// fails. When it returns, all goroutines are gone and everything is on disk
// and closed. It is called once.
//
// The order of stopping follows the flow of blocks and transactions: first no
// more links, then the sessions, then the mempool and the chain, which write
// what they have.
func (n *Server) Run(ctx context.Context) error {
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
func (n *Server) serve(ctx context.Context) {
	var wg sync.WaitGroup
	n.dropAnchors()
	for _, l := range n.listen {
		n.log.Info("listening", "addr", transport.FormatAddr(l.Addr()))
		wg.Go(func() { n.accept(ctx, l, n.white[l]) })
	}
	wg.Go(func() { n.conns.Run(ctx) })
	wg.Go(func() { n.syncLoop(ctx) })
	wg.Go(func() { n.relayLoop(ctx) })
	wg.Go(func() { n.orphanLoop(ctx) })
	wg.Go(func() { n.gossipLoop(ctx) })
	wg.Go(func() { n.slotLoop(ctx) })
	if n.finder != nil {
		wg.Go(func() { n.finder.Run(ctx) })
	}
	wg.Go(func() {
		if err := n.book.Run(ctx); err != nil {
			n.log.Warn("the address book could not be saved", "err", err)
		}
	})
	stopPool := n.startPool(ctx)
	<-ctx.Done()
	for _, l := range n.listen {
		l.Close()
	}
	wg.Wait()
	n.links.Wait()
	n.saveAnchors()
	stopPool()
}

// load reads the files of Config.Load.
func (n *Server) load(ctx context.Context) error {
	n.loading.Store(len(n.cfg.Load) > 0)
	defer n.loading.Store(false)
	for _, name := range n.cfg.Load {
		if err := n.loadFile(ctx, name); err != nil {
			return fmt.Errorf("load blocks from %s: %w", name, err)
		}
	}
	return nil
}

func (n *Server) loadFile(ctx context.Context, name string) error {
	f, err := store.OpenBlockFile(name, n.cfg.Network.Magic)
	if err != nil {
		// The error names the file, as the caller does.
		var p *os.PathError
		if errors.As(err, &p) && p.Path == name {
			err = p.Err
		}
		return err
	}
	defer f.Close()
	n.log.Info("loading blocks", "file", name)
	s, err := n.chain.Import(ctx, f, nil)
	if err != nil {
		return err
	}
	if s.Found == 0 {
		return fmt.Errorf("it holds no block of network %s", n.cfg.Network.Name)
	}
	n.log.Info("blocks loaded", "file", name, "blocks", s.Blocks, "known", s.Known, "orphans", s.Orphan, "height", n.chain.Tip().Height)
	return nil
}
