package devnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/params"
	"starling/wallet"
	"starling/wire"
)

const (
	// fundOutputs and fundCoins are what the central node pays each other
	// node's wallet at the beginning.
	fundOutputs = 10
	fundCoins   = 1000 * params.Coin
)

// Net is a network that is open, or running. Its methods may be called from any
// goroutine.
type Net struct {
	cfg     Config
	clk     clock.Clock
	dir     string
	plan    *plan
	network *params.Network
	faults  *Faults
	nodes   []*member
	control *control
	release []func() error // what Close undoes, last first

	host     *host      // set by Run
	starting sync.Mutex // one node is started or stopped at a time
	opened   bool       // all nodes have their ports

	stop    func() // ends Run
	stopped chan struct{}

	telling sync.Mutex // held while an event is told, so that they come one at a time

	mu     sync.Mutex // what events count
	seen   map[wire.Hash]bool
	blocks int
	first  time.Duration // from the program's start to the first block
	ready  chan struct{}

	payments, failures atomic.Int64
}

// Open makes a network, or takes one up again, and opens its nodes. It is to
// be followed by Run, or else by Close.
func Open(ctx context.Context, cfg Config) (_ *Net, err error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	d := &Net{
		cfg: cfg, clk: clock.System(), seen: make(map[wire.Hash]bool),
		ready: make(chan struct{}), stopped: make(chan struct{}),
	}
	d.stop = sync.OnceFunc(func() { close(d.stopped) })
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := d.openDir(); err != nil {
		return nil, err
	}
	seed := rand.Uint64()
	if d.plan, err = loadPlan(d.dir, &cfg, seed); err != nil {
		return nil, err
	}
	if d.network, err = loadNetwork(ctx, d.dir, d.plan); err != nil {
		return nil, err
	}
	d.faults = NewFaults(d.clk, seed)
	d.release = append(d.release, func() error { d.faults.Close(); return nil })
	d.faults.SetPath(cfg.Path)
	dials := d.plan.Topology.dials(len(d.plan.Nodes), rand.New(rand.NewPCG(d.plan.Seed, 0)))
	for i := range d.plan.Nodes {
		var peers []ma.Multiaddr
		for _, j := range dials[i] {
			peers = append(peers, d.nodes[j].Server.Listening()[0])
		}
		name := d.plan.Nodes[i].Name
		nd := &member{name: name, index: i, dir: filepath.Join(d.dir, name), netDir: netDir(d.dir, name), dials: dials[i], peers: peers}
		if err := d.openNode(ctx, nd); err != nil {
			return nil, err
		}
		d.nodes = append(d.nodes, nd)
	}
	d.opened = true
	if err := d.plan.save(d.dir); err != nil {
		return nil, err
	}
	return d, d.openControl()
}

// Close releases what Open has opened. It is for networks that were never run;
// Run does the same at its end.
func (d *Net) Close() error {
	var errs []error
	for _, n := range d.nodes {
		errs = append(errs, n.Close())
	}
	return errors.Join(append(errs, d.undo())...)
}

// undo takes back all but the nodes.
func (d *Net) undo() error {
	var errs []error
	for i := len(d.release) - 1; i >= 0; i-- {
		errs = append(errs, d.release[i]())
	}
	d.release = nil
	return errors.Join(errs...)
}

// minerIndex returns which node mines: the third, or the last of fewer.
func (d *Net) minerIndex() int { return min(2, len(d.plan.Nodes)-1) }

func (d *Net) miner() *member { return d.nodes[d.minerIndex()] }

// Stop makes Run return.
func (d *Net) Stop() { d.stop() }

// Ready returns a channel that is closed when all wallets have been paid.
func (d *Net) Ready() <-chan struct{} { return d.ready }

// Run runs the network until ctx ends, [Net.Stop] is called, or a node fails.
// When it returns, all goroutines are gone, and of a network that is not to be
// kept there is nothing left. It is called once.
func (d *Net) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	nodeCtx, stopNodes := context.WithCancel(context.WithoutCancel(ctx))
	defer stopNodes()
	var (
		mu   sync.Mutex
		all  []error
		rest sync.WaitGroup
	)
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, err)
		cancel()
	}
	d.host = &host{ctx: ctx, nodes: nodeCtx, fail: fail}
	for _, n := range d.nodes {
		d.remember(n)
	}
	for _, n := range d.nodes {
		d.launch(n)
	}
	side := func(fn func(context.Context) error) {
		rest.Go(func() {
			if err := fn(ctx); err != nil && ctx.Err() == nil {
				fail(err)
			}
		})
	}
	side(d.control.serve)
	side(func(ctx context.Context) error {
		if err := d.begin(ctx); err != nil {
			return err
		}
		return d.makeUp(ctx)
	})
	select {
	case <-ctx.Done():
	case <-d.stopped:
		cancel()
	}
	d.emit(Event{Kind: "stopping"})
	rest.Wait()
	d.faults.Heal() // held messages would only delay the end
	stopNodes()
	d.host.wg.Wait()
	return errors.Join(append(all, d.undo())...)
}

// begin pays the wallets of a network in which nobody has done so, and waits until
// that is confirmed everywhere.
func (d *Net) begin(ctx context.Context) error {
	due, pending, err := d.due(ctx)
	if err == nil && due {
		err = d.fund(ctx, pending)
	}
	if err != nil {
		return fmt.Errorf("paying the wallets: %w", err)
	}
	e := Event{Kind: "ready", Ready: d.describe(ctx)}
	if due {
		e.Ready.FirstPayment = d.since().Seconds()
		d.mu.Lock()
		e.Ready.FirstBlock = d.first.Seconds()
		d.mu.Unlock()
	}
	close(d.ready)
	d.emit(e)
	return nil
}

// due reports whether the wallets have still to be paid: an earlier start may have
// come to nothing. If the payment is made but in no block, it is returned too.
func (d *Net) due(ctx context.Context) (due bool, pending *wire.Hash, err error) {
	central := d.nodes[0]
	c := central.Server.Chain()
	select {
	case <-c.Ready():
	case <-ctx.Done():
		return false, nil, ctx.Err()
	}
	// After a crash blocks that are there have to be connected again.
	if err := c.Settle(ctx); err != nil {
		return false, nil, err
	}
	if len(d.nodes) == 1 {
		return c.Tip().Height == 0, nil, nil
	}
	w, err := central.wallet()
	if err != nil {
		return false, nil, err
	}
	if err := w.Sync(ctx); err != nil {
		return false, nil, err
	}
	due, pending = owed(w.History(), d.network.Genesis.Txs[0].TxID())
	return due, pending, nil
}

// owed reads in the history of the first node's wallet, which owns what the genesis
// block pays, whether it has still to pay the others, and which payment of it waits
// for a block.
func owed(history []wallet.Entry, genesis wire.Hash) (due bool, pending *wire.Hash) {
	for i := range history {
		switch e := &history[i]; {
		case e.ID == genesis:
			due = true
		case e.FromUs && e.Depth > 0:
			return false, nil
		case e.FromUs && e.Depth == 0 && !e.Abandoned && pending == nil:
			pending = &e.ID
		}
	}
	return due, pending
}

// fund pays each wallet from the first one's, unless that is done already, and has
// it confirmed.
func (d *Net) fund(ctx context.Context, pending *wire.Hash) error {
	central, miner := d.nodes[0], d.miner()
	if len(d.nodes) == 1 {
		_, err := d.mine(ctx, central, 1)
		d.sawBlock()
		return err
	}
	if pending == nil {
		id, err := d.payAll(ctx)
		if err != nil {
			return err
		}
		pending = &id
	}
	if err := miner.await(ctx, func() bool { return miner.knows(*pending) }); err != nil {
		return err
	}
	if !d.cfg.Mode.instant() {
		if _, err := d.mine(ctx, miner, 1); err != nil {
			return err
		}
	}
	for _, n := range d.nodes {
		if err := n.await(ctx, func() bool { return n.confirmed(*pending) }); err != nil {
			return err
		}
		d.sawBlock()
	}
	return nil
}

// payAll pays each wallet but the first from that, in one transaction.
func (d *Net) payAll(ctx context.Context) (id wire.Hash, err error) {
	w, err := d.nodes[0].wallet()
	if err != nil {
		return id, err
	}
	var o wallet.SpendOptions
	for _, n := range d.nodes[1:] {
		to, err := n.wallet()
		if err != nil {
			return id, err
		}
		for range fundOutputs {
			a, err := to.NewAddress("", "funds")
			if err != nil {
				return id, err
			}
			o.Payments = append(o.Payments, wallet.Payment{Script: a.Script(), Amount: fundCoins})
		}
	}
	entry, err := w.Send(ctx, o)
	return entry.ID, err
}

// sawBlock takes the time of the first block.
func (d *Net) sawBlock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first == 0 {
		d.first = d.since()
	}
}

// since returns how long ago the program was started.
func (d *Net) since() time.Duration {
	w := d.cfg.Since
	return w.Lap()
}

// openDir finds the directory, takes it, and removes what a network that was
// killed has left.
func (d *Net) openDir() error {
	if d.cfg.Control == "" {
		d.cfg.Control = d.cfg.State
	}
	if d.cfg.Control == "" {
		return errors.New("devnet: a directory for the state or for the control file is needed")
	}
	if err := d.takeControl(); err != nil {
		return err
	}
	if d.dir = d.cfg.State; d.dir != "" {
		var err error
		if d.dir, err = filepath.Abs(d.dir); err != nil {
			return err
		}
		return os.MkdirAll(d.dir, 0o700)
	}
	var err error
	if d.dir, err = os.MkdirTemp("", tempPrefix+"*"); err != nil {
		return err
	}
	dir := d.dir
	d.release = append(d.release, func() error { return os.RemoveAll(dir) })
	return nil
}

// tempPrefix begins the names of directories that are not kept.
const tempPrefix = "starling-devnet-"

// isTemp reports whether a directory is one that a network was to remove.
func isTemp(dir string) bool {
	return filepath.Dir(dir) == filepath.Clean(os.TempDir()) && strings.HasPrefix(filepath.Base(dir), tempPrefix)
}
