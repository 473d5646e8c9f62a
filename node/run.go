package node

import (
	"context"
	"errors"
)

// Run runs the node until ctx ends or a part fails. When it returns, all
// goroutines are gone and everything is on disk and closed. It is called once.
//
// RPC ends first, then what follows the chain, then the server with its
// sessions, and the chain last.
func (n *Node) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Whatever fails stops the rest; the chain goes last.
	serverCtx, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	serverDone := make(chan error, 1)
	go func() {
		err := n.Server.Run(serverCtx)
		stop()
		serverDone <- err
	}()
	sides := n.sides()
	sideDone := make(chan error, len(sides))
	for _, run := range sides {
		go func() {
			err := run(ctx)
			if err != nil {
				stop()
			}
			sideDone <- err
		}()
	}
	if n.RPC != nil {
		n.RPC.Ready(n.Table)
	}

	select {
	case <-ctx.Done():
	case <-n.rpcFailed:
		stop()
	}
	n.log.Info("stopping")
	errs := []error{n.stopRPC()}
	for range sides {
		errs = append(errs, <-sideDone)
	}
	errs = append(errs, n.closeIndexes())
	if n.Wallets != nil {
		errs = append(errs, n.Wallets.Close())
	}
	stopServer()
	errs = append(errs, <-serverDone, n.lock.Close())
	return errors.Join(errs...)
}

// sides returns what runs beside the server. Each returns when its context
// ends, and stops the node by an error.
func (n *Node) sides() []func(context.Context) error {
	var all []func(context.Context) error
	if n.TxIndex != nil {
		all = append(all, n.TxIndex.Run)
	}
	if n.Filters != nil {
		all = append(all, n.Filters.Run)
	}
	if n.Wallets != nil {
		all = append(all, n.Wallets.Run)
	}
	if n.Worker != nil {
		all = append(all, n.Worker.Run)
	}
	if n.Metrics != nil {
		all = append(all, func(ctx context.Context) error {
			return n.Metrics.ServeListener(ctx, n.metricsListen, n.part("metrics"))
		})
	}
	return all
}
