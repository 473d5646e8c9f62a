package mining

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"starling/clock"
	"starling/wire"
)

const (
	// refreshEvery is how long the search goes on with one draft, so that
	// better transactions and the time get into the block.
	refreshEvery = 10 * time.Second
	// lookEvery is how often the pool is looked at where it tells of no
	// changes, and whatever else there is to wait for.
	lookEvery = time.Second
	// maxAhead is how far the time of a block may be ahead of the clock, as it
	// must be where blocks come faster than the rules' seconds. Other nodes
	// refuse two hours. Blocks without transactions are not worth any of it.
	maxAhead = time.Hour
	// tellEvery is how often a search that has found nothing yet logs its
	// rate.
	tellEvery = 30 * time.Second
)

// WorkerConfig says how a [Worker] works. Miner and Script are needed.
type WorkerConfig struct {
	Miner  *Miner
	Script []byte // where subsidy and fees go

	// Threads is how many goroutines search; 0 for one less than there are
	// cores, and at least one.
	Threads int
	// MinTxs is how many transactions must be in the pool for the work to
	// begin; it goes on until none is left that can be mined. With 0 it never
	// pauses.
	MinTxs int
	// Pace, if not nil, says how long to wait before each block.
	Pace Pace
	// Behind reports whether the node should rather wait for its peers than
	// build on its tip, which has been the same for so long. Nil for never.
	Behind func(since time.Duration) bool
	Log    *slog.Logger // nil for none
}

// Worker makes one block after the other as long as there is work.
type Worker struct {
	cfg   WorkerConfig
	miner *Miner
	clock clock.Clock
	log   *slog.Logger
	meter meter

	// For the goroutine of Run.
	gate  gate
	tip   wire.Hash // as last seen
	since time.Time // when it was first seen
	told  time.Time // when the rate was last logged
}

// NewWorker returns a worker.
func NewWorker(cfg WorkerConfig) *Worker {
	w := &Worker{cfg: cfg, miner: cfg.Miner, clock: cfg.Miner.clock, log: cfg.Log, gate: gate{least: cfg.MinTxs}}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.cfg.Threads <= 0 {
		w.cfg.Threads = max(1, runtime.NumCPU()-1)
	}
	return w
}

// HashRate returns how many hashes a second of searching has brought lately,
// and whether a search is going on. Any goroutine may call it.
func (w *Worker) HashRate() (perSecond float64, searching bool) { return w.meter.rate() }

// Run works until ctx ends and then returns nil, at once; it returns
// [ErrSignet] where blocks need a signature.
func (w *Worker) Run(ctx context.Context) error {
	if w.miner.chain.Network().IsSignet() {
		return ErrSignet
	}
	w.log.Info("mining", "threads", w.cfg.Threads, "min-txs", w.cfg.MinTxs)
	w.told = w.clock.Now()
	for ctx.Err() == nil {
		if w.cfg.Pace != nil && clock.Sleep(ctx, w.clock, w.cfg.Pace()) != nil {
			break
		}
		for ctx.Err() == nil && !w.round(ctx) {
		}
	}
	return nil
}

// round tries to make a block, and reports whether it did. If there is nothing
// to do it waits for a change first.
func (w *Worker) round(ctx context.Context) (found bool) {
	tipChanged, poolChanged := w.miner.chain.TipChanged(), w.miner.source.Changed()
	idle := func() {
		t := w.clock.NewTimer(lookEvery)
		defer t.Stop()
		timer := t.C
		if poolChanged != nil {
			timer = nil
		}
		select {
		case <-tipChanged:
		case <-poolChanged:
		case <-timer:
		case <-ctx.Done():
		}
	}
	if w.behind() {
		poolChanged = nil
		idle()
		return false
	}
	if !w.gate.look(w.miner.source.Len()) {
		idle()
		return false
	}
	d, err := w.miner.Assemble(w.cfg.Script)
	if err != nil {
		w.fail(ctx, err)
		return false
	}
	if w.cfg.MinTxs > 0 && len(d.Txs) == 0 {
		idle() // what the pool holds can not be mined now
		return false
	}
	ahead := time.Unix(int64(d.Block.Header.Timestamp), 0).Sub(w.clock.Now())
	if ahead > maxAhead || ahead > 0 && len(d.Txs) == 0 {
		_ = clock.Sleep(ctx, w.clock, min(ahead, lookEvery)) // the caller looks at ctx
		return false
	}
	h := d.Block.Header
	took, err := w.search(ctx, &h, tipChanged)
	if err == nil {
		err = w.miner.submit(ctx, d.Parent, withHeader(d.Block, &h))
	}
	if err == nil {
		err = w.miner.chain.Keep(ctx)
	}
	rate, _ := w.meter.rate()
	switch {
	case err == nil:
		w.log.Info("block found", "height", d.Parent.Height+1, "hash", h.Hash(), "txs", 1+len(d.Txs),
			"fees", d.Fees, "took", took, "hashes/s", uint64(rate))
		w.told = w.clock.Now()
		return true
	case ctx.Err() != nil:
	case errors.Is(err, ErrStale), errors.Is(err, ErrNoNonce), errors.Is(err, context.Canceled):
		if now := w.clock.Now(); now.Sub(w.told) >= tellEvery {
			w.told = now
			w.log.Info("mining goes on", "height", d.Parent.Height+1, "txs", 1+len(d.Txs), "hashes/s", uint64(rate))
		}
	default:
		w.fail(ctx, err)
	}
	return false
}

// behind asks the configuration whether to wait for peers.
func (w *Worker) behind() bool {
	if w.cfg.Behind == nil {
		return false
	}
	tip, now := w.miner.chain.Tip().Hash, w.clock.Now()
	if tip != w.tip {
		w.tip, w.since = tip, now
	}
	return w.cfg.Behind(now.Sub(w.since))
}

// search searches for the nonce until the tip moves or the draft is old. The
// error is [ErrNoNonce] or the context's.
func (w *Worker) search(ctx context.Context, h *wire.Header, tipChanged <-chan struct{}) (took time.Duration, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		t := w.clock.NewTimer(refreshEvery)
		defer t.Stop()
		select {
		case <-tipChanged:
		case <-t.C:
		case <-ctx.Done():
		}
		stop()
	}()
	w.meter.start()
	err = searchAll(ctx, h, w.cfg.Threads, &w.meter.count)
	took = w.meter.stop()
	stop()
	<-watched
	return took, err
}

// fail tells of an error that should not come, and waits a moment, lest it
// come again without end.
func (w *Worker) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	w.log.Error("making a block failed", "err", err)
	_ = clock.Sleep(ctx, w.clock, lookEvery) // the caller looks at ctx
}
