package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"starling/rpc/jsonrpc"

	"github.com/spf13/cobra"

	"starling/internal/loglevel"
	"starling/node"
	"starling/node/settings"
	"starling/store"
	"starling/wire"
)

// caller calls methods of a node: of one that runs, over HTTP, or of one that
// was opened for the purpose, in this process (then it is a *localNode).
type caller interface {
	Call(ctx context.Context, method string, params any) (json.RawMessage, error)
}

// clientOptions says how to open a node that does not run. The zero value
// works.
type clientOptions struct {
	// Connect lets the node connect to its peers: those of --connect and
	// --addnode, and the seeds of the network's file. It catches up with them
	// first, and never listens.
	Connect bool
	// Make lets a data directory be made that is not there.
	Make bool
	// Stderr is where warnings of the node go; nil for nowhere.
	Stderr io.Writer
}

// localNode is a node that was opened for one command.
type localNode struct {
	jsonrpc.Local
	node     *node.Node
	handover *handover // nil if it does not connect
}

// handOver waits until a peer has taken a transaction over, or for some
// seconds, and returns the address of that peer, or "".
func (l *localNode) handOver(ctx context.Context, txid wire.Hash) (string, error) {
	if l.handover == nil {
		return "", nil
	}
	return l.handover.wait(ctx, l.node, txid)
}

// rebuilt waits until a node that rebuilds all from its blocks has done so.
func (l *localNode) rebuilt(ctx context.Context) error {
	c := l.node.Server.Chain()
	select {
	case <-c.Ready():
		return c.Settle(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	// lockPatience is how long a command waits for another one, or for a node
	// that is about to start or to stop, to let go of the data directory.
	lockPatience = 3 * time.Second
	// lockRetry is how often it looks.
	lockRetry = 50 * time.Millisecond
	// localCache is enough memory for the few coins that a command looks at;
	// a bigger cache only pays where many blocks are read.
	localCache = 64 << 20
)

// openClient returns what calls the methods of the node that the settings
// describe. If that node does not run, it is opened in this process, without
// listening; so commands work the same either way. The function returned ends
// it, which leaves everything on disk, and is to be called in any case.
func openClient(ctx context.Context, cfg *settings.Settings, opts clientOptions) (caller, func() error, error) {
	for patience := lockPatience; ; patience -= lockRetry {
		client, err := running(ctx, cfg)
		if client != nil || err != nil {
			return client, func() error { return nil }, err
		}
		if err := checkData(cfg, opts); err != nil {
			return nil, nil, err
		}
		local, closeLocal, err := openLocal(ctx, cfg, opts)
		var locked *store.LockedError
		if !errors.As(err, &locked) {
			return local, closeLocal, err
		}
		if patience <= 0 {
			return nil, nil, fmt.Errorf("a program uses %s but does not answer calls at %s: if it is a node, give the same --rpc-listen; otherwise stop it",
				cfg.Server.Dir, rpcAddress(cfg))
		}
		if err := pause(ctx, lockRetry); err != nil {
			return nil, nil, err
		}
	}
}

// running returns a client if a node answers, after waiting until it is ready;
// nil if none does.
func running(ctx context.Context, cfg *settings.Settings) (caller, error) {
	client := newClient(cfg)
	for {
		_, err := client.Call(ctx, "getblockcount", []any{})
		var unreachable *jsonrpc.UnreachableError
		var auth *jsonrpc.AuthError
		switch {
		case err == nil:
			return client, nil
		case errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeInWarmup}):
			if err := pause(ctx, retryEvery); err != nil {
				return nil, err
			}
		case errors.As(err, &unreachable), errors.As(err, &auth):
			// Nobody there, or somebody else's node.
			return nil, nil
		default:
			return nil, explain("getblockcount", err)
		}
	}
}

// openLocal opens and runs a node in this process.
func openLocal(ctx context.Context, cfg *settings.Settings, opts clientOptions) (caller, func() error, error) {
	fc, err := node.Configure(cfg)
	if err != nil {
		return nil, nil, usageError{err}
	}
	fc.RPCListen, fc.Metrics, fc.Server.Listen = "", "", nil
	fc.Worker = nil // whatever the settings of the node itself say
	fc.Server.DBCache = min(fc.Server.DBCache, localCache)
	var hand *handover
	if opts.Connect {
		hand = newHandover()
		fc.Server.PeerObservers = append(fc.Server.PeerObservers, hand)
		// Waiting would hide nothing: this session is for own transactions.
		fc.Server.RelayDelayOutbound = time.Millisecond
	} else {
		fc.Server.Peers = nil
	}
	if opts.Stderr != nil {
		levels, err := loglevel.New(node.Parts(), []string{"warn"})
		if err != nil {
			return nil, nil, err
		}
		log := newLogger(cfg, levels, opts.Stderr)
		fc.Server.Log, fc.Server.Logs = log, node.Logs(log)
	}
	fc.Version = version
	n, err := node.Open(ctx, fc)
	if err != nil {
		return nil, nil, err
	}
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- n.Run(runCtx) }()
	closeNode := func() error { stop(); return <-done }
	local := &localNode{Local: jsonrpc.Local{Table: n.Table}, node: n, handover: hand}
	// After a crash blocks that are there have to be connected again.
	if err := local.rebuilt(ctx); err != nil {
		return nil, nil, errors.Join(err, closeNode())
	}
	if opts.Connect {
		if err := catchUp(ctx, n); err != nil {
			return nil, nil, errors.Join(err, closeNode())
		}
	}
	return local, closeNode, nil
}

// ask calls a method and reads its answer into result.
func ask(ctx context.Context, node caller, result any, method string, args ...any) error {
	if args == nil {
		args = []any{}
	}
	return askNamed(ctx, node, result, method, args)
}

// askNamed is ask with parameters in any form.
func askNamed(ctx context.Context, node caller, result any, method string, params any) error {
	raw, err := node.Call(ctx, method, params)
	if err != nil {
		return explain(method, err)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(raw, result)
}

// withNode runs fn on the node that the settings describe, whether it runs or
// not.
func withNode(c *cobra.Command, cfg *settings.Settings, opts clientOptions, fn func(caller) error) error {
	if opts.Stderr == nil {
		opts.Stderr = c.ErrOrStderr()
	}
	opts.Make = makes(c)
	node, closeNode, err := openClient(c.Context(), cfg, opts)
	if err != nil {
		return err
	}
	return errors.Join(fn(node), closeNode())
}
