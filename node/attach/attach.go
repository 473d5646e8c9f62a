package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	// Rebuild has a node that is opened rebuild everything from its blocks. The
	// settings do not: what they say of it is for the node itself.
	Rebuild bool
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
	lockPatience = 5 * time.Second
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
// wrong, a *[jsonrpc.Error] if the running node said no, and a *[jsonrpc.AuthError]
// if it did not let the caller in.
func Open(ctx context.Context, opts Options) (Caller, func() error, error) {
	cfg := opts.Settings
	for until := clock.System().Now().Add(lockPatience); ; {
		client, err := ask(ctx, cfg)
		if client != nil {
			return client, func() error { return nil }, nil
		}
		var auth *jsonrpc.AuthError
		if err != nil && (!errors.As(err, &auth) || isForbidden(auth)) {
			return nil, nil, err
		}
		// Who gives a password means a node that runs. A cookie may have been left by
		// one that was killed, and who answers now may be another's.
		refused := auth != nil && auth.Cause == nil && cfg.RPC.User != ""
		if missing := checkData(opts); missing != nil {
			if refused {
				return nil, nil, auth
			}
			return nil, nil, missing
		}
		local, closeLocal, lockErr := openLocal(ctx, opts)
		var locked *store.LockedError
		if !errors.As(lockErr, &locked) {
			return local, closeLocal, lockErr
		}
		if refused {
			return nil, nil, auth // of this very node
		}
		if !clock.System().Now().Before(until) {
			return nil, nil, inUse(ctx, cfg.Server.Dir, Address(cfg))
		}
		if err := pause(ctx, lockRetry); err != nil {
			return nil, nil, err
		}
	}
}

// inUse says who has a data directory, when nobody has answered calls at an address.
func inUse(ctx context.Context, dir, asked string) error {
	if nodeAnswers(ctx, dir) {
		return fmt.Errorf("a node uses %s and answers calls at %s, not at %s: give --rpc-listen %s", dir, node.Contact(dir), asked, node.Contact(dir))
	}
	return &BusyError{Dir: dir}
}

// BusyError tells that a data directory is in use, and that no node on it answers.
type BusyError struct{ Dir string }

// Error implements the error interface.
func (e *BusyError) Error() string {
	return fmt.Sprintf("another command works on %s, or a node that is starting or stopping: try again when it is done", e.Dir)
}

// isForbidden reports whether there are credentials that cannot be read: then trying
// again is no use.
func isForbidden(e *jsonrpc.AuthError) bool { return errors.Is(e, fs.ErrPermission) }

// Running returns a client if a node answers, after waiting until it is ready;
// nil if none does, or one that does not know the credentials.
func Running(ctx context.Context, cfg *settings.Settings) (Caller, error) {
	client, err := ask(ctx, cfg)
	var auth *jsonrpc.AuthError
	if errors.As(err, &auth) && !isForbidden(auth) {
		return nil, nil
	}
	return client, err
}

// ask is Running, but the error is an *[jsonrpc.AuthError] if there are no
// credentials, or whoever answers does not know them: it may be somebody else's
// node.
func ask(ctx context.Context, cfg *settings.Settings) (Caller, error) {
	client := Client(cfg)
	for {
		_, err := client.Call(ctx, "getblockcount", []any{})
		var unreachable *jsonrpc.UnreachableError
		switch {
		case err == nil:
			return client, nil
		case errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeInWarmup}):
			if err := pause(ctx, startRetry); err != nil {
				return nil, err
			}
		case errors.As(err, &unreachable):
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
	// Whatever the settings of the node itself say.
	fc.Worker, fc.Server.Load, fc.Server.Reindex = nil, nil, opts.Rebuild
	fc.Server.Slots, fc.Server.Find = nil, nil // a command dials whom it was given
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
		got, err := catchUp(ctx, n)
		if err != nil {
			return nil, nil, errors.Join(err, local.close())
		}
		if opts.Log != nil && len(fc.Server.Peers) > 0 {
			got.tell(opts.Log, n.Server.Chain().Tip().Height)
		}
	}
	return local, local.close, nil
}

// pause waits in real time.
func pause(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, clock.System(), d) }
