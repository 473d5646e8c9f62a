package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"starling/chain"
	"starling/clock"
	"starling/rpc/jsonrpc"

	"starling/node"
	"starling/node/settings"
	"starling/store"
	"starling/wire"
)

// Caller calls methods of a node: of one that runs, over HTTP, or of one that
// was opened for the purpose, in this process (then it is a *Local).
type Caller interface {
	Call(ctx context.Context, method string, params any) (json.RawMessage, error)
}

// Options says which node is meant, and how to open it if it does not run. All
// but Settings may be left out.
type Options struct {
	Settings *settings.Settings
	// Connect lets the node connect to its peers: those of --connect and
	// --addnode, and the seeds of the network's file. It catches up with them
	// first, and never listens.
	Connect bool
	// Make lets a data directory be made that is not there.
	Make bool
	// Log is for the node if it is opened; nil discards.
	Log *slog.Logger
	// Version is what the node says that it is.
	Version string
}

// Local is a node that was opened for one command.
type Local struct {
	jsonrpc.Local
	node     *node.Node
	handover *handover // nil if it does not connect

	stop  context.CancelFunc // ends the node
	ended chan struct{}      // closed when it has ended
	err   error              // of its Run; set before ended is closed
	told  bool               // somebody has been told of err
}

// HandOver waits until a peer has taken a transaction over, or for some
// seconds, and returns the address of that peer, or "".
func (l *Local) HandOver(ctx context.Context, txid wire.Hash) (string, error) {
	if l.handover == nil {
		return "", nil
	}
	return l.handover.wait(ctx, l.node, txid)
}

// run has the node run until close is called.
func (l *Local) run(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.ended = make(chan struct{})
	go func() {
		defer close(l.ended)
		l.err = l.node.Run(ctx)
	}()
}

// close ends the node, and returns what it failed by unless that has been told.
func (l *Local) close() error {
	l.stop()
	<-l.ended
	return l.failure()
}

// failure returns what a node that has ended failed by, once.
func (l *Local) failure() error {
	if l.told {
		return nil
	}
	l.told = true
	return l.err
}

// Rebuilt waits until a node that rebuilds all from its blocks has done so. If the
// node ends meanwhile, the error says why.
func (l *Local) Rebuilt(ctx context.Context) error {
	c := l.node.Server.Chain()
	select {
	case <-c.Ready():
		err := c.Settle(ctx)
		if !errors.Is(err, chain.ErrStopped) {
			return err
		}
		<-l.ended
	case <-l.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := l.failure(); err != nil {
		return err
	}
	return chain.ErrStopped
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
	// startRetry is how often a node is asked that is starting.
	startRetry = 200 * time.Millisecond
)

// Open returns what calls the methods of the node that the settings describe. If
// that node does not run, it is opened in this process, without listening; so
// commands work the same either way. The function returned ends it, which leaves
// everything on disk, and is to be called if there was no error. The error is a
// *[NoDataError] if there is nothing to open, a *[layered.Error] if a setting is
// wrong, and a *[jsonrpc.Error] if the running node said no.
func Open(ctx context.Context, opts Options) (Caller, func() error, error) {
	cfg := opts.Settings
	for patience := lockPatience; ; patience -= lockRetry {
		client, err := Running(ctx, cfg)
		if client != nil || err != nil {
			return client, func() error { return nil }, err
		}
		if err := checkData(opts); err != nil {
			return nil, nil, err
		}
		local, closeLocal, err := openLocal(ctx, opts)
		var locked *store.LockedError
		if !errors.As(err, &locked) {
			return local, closeLocal, err
		}
		if patience <= 0 {
			return nil, nil, fmt.Errorf("a program uses %s but does not answer calls at %s: if it is a node, give the same --rpc-listen; otherwise stop it",
				cfg.Server.Dir, Address(cfg))
		}
		if err := pause(ctx, lockRetry); err != nil {
			return nil, nil, err
		}
	}
}

// Running returns a client if a node answers, after waiting until it is ready;
// nil if none does.
func Running(ctx context.Context, cfg *settings.Settings) (Caller, error) {
	client := Client(cfg)
	for {
		_, err := client.Call(ctx, "getblockcount", []any{})
		var unreachable *jsonrpc.UnreachableError
		var auth *jsonrpc.AuthError
		switch {
		case err == nil:
			return client, nil
		case errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeInWarmup}):
			if err := pause(ctx, startRetry); err != nil {
				return nil, err
			}
		case errors.As(err, &unreachable), errors.As(err, &auth):
			// Nobody there, or somebody else's node.
			return nil, nil
		default:
			return nil, err
		}
	}
}

// openLocal opens and runs a node in this process.
func openLocal(ctx context.Context, opts Options) (Caller, func() error, error) {
	fc, err := node.Configure(opts.Settings)
	if err != nil {
		return nil, nil, err
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
	if opts.Log != nil {
		fc.Server.Log, fc.Server.Logs = opts.Log, node.Logs(opts.Log)
	}
	fc.Version = opts.Version
	n, err := node.Open(ctx, fc)
	if err != nil {
		return nil, nil, err
	}
	local := &Local{Local: jsonrpc.Local{Table: n.Table}, node: n, handover: hand}
	local.run(ctx)
	// After a crash blocks that are there have to be connected again.
	if err := local.Rebuilt(ctx); err != nil {
		return nil, nil, errors.Join(err, local.close())
	}
	if opts.Connect {
		if err := catchUp(ctx, n); err != nil {
			return nil, nil, errors.Join(err, local.close())
		}
	}
	return local, local.close, nil
}

// pause waits in real time.
func pause(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, clock.System(), d) }
