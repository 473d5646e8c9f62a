package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/clock"
	"starling/store"
)

const (
	// batchBytes is how much is gathered while catching up before it is
	// written. It is what catching up costs in memory.
	batchBytes = 4 << 20

	// tellEvery is how often progress is logged while catching up.
	tellEvery = 30 * time.Second

	// syncEvery is after how many blocks the position is sure to be on disk, so
	// that the chain need not keep the blocks up to it from being pruned.
	syncEvery = 144
)

// Indexer turns blocks into records. The frame calls it from one goroutine.
// Keys must not begin with a zero byte.
type Indexer interface {
	// Name is how people call the index, such as "txindex".
	Name() string

	// Version is the version of its records. A database with another one is
	// built anew.
	Version() uint16

	// Connect adds the records of a block that joins the chain. The genesis
	// block comes first.
	Connect(b *store.Batch, e chain.Event) error

	// Disconnect takes back what Connect did. Everything up to the block has
	// been written before, so it may be read.
	Disconnect(b *store.Batch, e chain.Event) error

	// Forget is called in place of Disconnect, once for all blocks above a
	// height, when their data are lost. Records which stay behind and tell that
	// they are outdated do no harm.
	Forget(b *store.Batch, above int32) error
}

// Options says where an index is and what it follows. Source and Dir are
// needed.
type Options struct {
	Source     Source
	FS         vfs.FS // nil is the real one
	Dir        string // of this index alone
	CacheBytes int64  // see [store.DBOptions]
	Clock      clock.Clock
	Log        *slog.Logger
}

// Index is the frame of one index. Safe for concurrent use, but Run is called
// once.
type Index struct {
	opts Options
	src  Source
	x    Indexer
	log  *slog.Logger
	clk  clock.Clock

	db    *store.DB
	views views // what readers see of it

	moved atomic.Pointer[chan struct{}] // closed when best changes

	// What follows belongs to Run.
	at     *headertree.Node // best, and on top what is in the batch
	batch  *store.Batch
	hold   *chain.Hold
	synced int32 // height from which a power cut can not take the index back
	told   time.Time
	behind bool
	loud   bool // whether that was told
}

// Open opens the index, which [Index.Run] then keeps up to date. An index that
// cannot be gone on with, because its version or its chain is another or because
// it has lost its mark, is deleted and built anew.
func Open(opts Options, x Indexer) (*Index, error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	if opts.Clock == nil {
		opts.Clock = clock.System()
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	ix := &Index{opts: opts, src: opts.Source, x: x, clk: opts.Clock, log: opts.Log.With("index", x.Name())}
	moved := make(chan struct{})
	ix.moved.Store(&moved)
	err := ix.open()
	if errors.Is(err, errStale) {
		ix.log.Info("building the index anew")
		if err := store.RemoveDB(opts.FS, opts.Dir); err != nil {
			return nil, err
		}
		err = ix.open()
	}
	if err != nil {
		return nil, ix.advise(err)
	}
	return ix, nil
}

func (ix *Index) open() error {
	if _, err := ix.opts.FS.Stat(ix.opts.Dir); errors.Is(err, fs.ErrNotExist) {
		// Deleted by somebody who was told to, perhaps without the mark.
		if err := store.RemoveDB(ix.opts.FS, ix.opts.Dir); err != nil {
			return err
		}
	}
	db, err := store.OpenDB(store.DBOptions{FS: ix.opts.FS, Dir: ix.opts.Dir, CacheBytes: ix.opts.CacheBytes, Logger: ix.opts.Log, Marked: true})
	if err != nil {
		return err
	}
	if db.InDoubt() {
		// Nothing else tells whether records are missing in the middle.
		return errors.Join(errStale, db.Close())
	}
	n, exact, err := loadPosition(db, ix.x.Version(), ix.src.Headers())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	ix.db, ix.at = db, n
	ix.views.set(n, db.Snapshot())
	if n != nil {
		ix.synced = n.Height
	}
	ix.hold = ix.src.HoldBlocks("the index "+ix.x.Name(), ix.synced)
	ix.batch = db.NewBatch()
	if exact {
		return nil
	}
	ix.log.Info("the chain has lost the last blocks of the index", "back to", n.Height)
	if err := ix.forget(n); err != nil {
		return errors.Join(err, ix.Close())
	}
	return nil
}

// advise says in errors about damage what to do about an index, which is less
// than for the chain.
func (ix *Index) advise(err error) error {
	var c *store.CorruptError
	if errors.As(err, &c) {
		d := *c
		d.Advice = "check the disk, delete " + ix.opts.Dir + " and start again to have it built anew"
		return &d
	}
	return err
}

// Close closes the database. Run must have returned, or never have been called.
func (ix *Index) Close() error {
	ix.hold.Release()
	return ix.db.Close()
}

// Best returns the block that the index has reached, or nil if it has none yet.
func (ix *Index) Best() *headertree.Node { return ix.views.best() }

// Height returns the height that the index has reached, -1 if there is none
// yet, and whether that is the tip.
func (ix *Index) Height() (height int32, synced bool) {
	// The tip is read first: an index cannot have been at a tip that came later.
	tip, best := ix.src.Tip(), ix.Best()
	if best == nil {
		return -1, false
	}
	return best.Height, tip.IsAncestorOf(best)
}

// WaitSynced waits until the index has every block that was in the best chain
// when it was called, or until ctx ends. Without Run it waits for nothing.
func (ix *Index) WaitSynced(ctx context.Context) error {
	want := ix.src.Tip()
	for {
		moved, tipMoved := *ix.moved.Load(), ix.src.TipChanged()
		best := ix.Best()
		if !want.IsAncestorOf(ix.src.Tip()) {
			want = ix.src.Tip() // a reorganisation took it away
		}
		if best != nil && want.IsAncestorOf(best) {
			return nil
		}
		select {
		case <-moved:
		case <-tipMoved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// View calls fn with the database and the block that its records stand for,
// nil if there is none yet. Both stay as they are until fn returns, while the
// index goes on.
func (ix *Index) View(fn func(db *store.Snapshot, best *headertree.Node) error) error {
	v := ix.views.enter()
	defer ix.views.leave(v)
	return ix.advise(fn(v.snap, v.best))
}

// Run follows the chain until ctx ends and then returns nil. An error means
// that the index cannot go on: its disk fails, or a block cannot be read.
func (ix *Index) Run(ctx context.Context) error {
	err := ix.run(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = ix.commit() // keep what has been done
	}
	if err != nil {
		return fmt.Errorf("%s: %w", ix.x.Name(), err)
	}
	return nil
}

func (ix *Index) run(ctx context.Context) error {
	if err := ix.resume(ctx); err != nil {
		return err
	}
	follow := ix.src.Follow(ix.at)
	for {
		if ix.at == ix.src.Tip() || ix.batch.Len() >= batchBytes {
			if err := ix.commit(); err != nil {
				return err
			}
		}
		ix.tell()
		e, err := follow.Next(ctx)
		switch {
		case err == nil && e.Connect:
			err = ix.connect(e)
		case err == nil:
			err = ix.disconnect(e)
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, chain.ErrPruned) && ix.onChain():
			return fmt.Errorf("block %d was pruned before it was indexed; delete the block data or run without this index", ix.at.Height+1)
		case isGone(err) && !ix.onChain():
			// The block is to be taken back, but there is nothing left of it.
			err = ix.forget(ix.at.Parent)
			follow = ix.src.Follow(ix.at)
		}
		if err != nil {
			return err
		}
	}
}

// onChain reports whether the next step is forward.
func (ix *Index) onChain() bool { return ix.at.IsAncestorOf(ix.src.Tip()) }

func isGone(err error) bool {
	return errors.Is(err, chain.ErrNoBlock) || errors.Is(err, chain.ErrPruned)
}

// resume brings the index to a block from where it can follow.
func (ix *Index) resume(ctx context.Context) error {
	if ix.at == nil {
		g := ix.src.Network().Genesis
		g.HashTxs()
		return ix.connect(chain.Event{Connect: true, Node: ix.src.Headers().Genesis(), Block: g, Undo: &coins.Undo{}})
	}
	// After a crash the chain may have to catch up with the index. To take
	// blocks back and add them again would be work for nothing.
	for {
		changed, tip := ix.src.TipChanged(), ix.src.Tip()
		if tip == ix.at || !tip.IsAncestorOf(ix.at) || ix.at.Failed() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (ix *Index) connect(e chain.Event) error {
	if err := ix.x.Connect(ix.batch, e); err != nil {
		return ix.advise(err)
	}
	ix.batch.Set(trailKey(e.Node.Height), e.Node.Hash[:])
	if h := e.Node.Height - trailLength; h >= 0 {
		ix.batch.Delete(trailKey(h))
	}
	ix.at = e.Node
	return nil
}

func (ix *Index) disconnect(e chain.Event) error {
	// The indexer may look at what it wrote.
	if err := ix.commit(); err != nil {
		return err
	}
	if err := ix.x.Disconnect(ix.batch, e); err != nil {
		return ix.advise(err)
	}
	ix.batch.Delete(trailKey(e.Node.Height))
	ix.at = e.Node.Parent
	return ix.commit()
}

// forget goes back to n without the blocks above it.
func (ix *Index) forget(n *headertree.Node) error {
	if err := ix.commit(); err != nil {
		return err
	}
	if err := ix.x.Forget(ix.batch, n.Height); err != nil {
		return ix.advise(err)
	}
	ix.batch.DeleteRange(trailKey(n.Height+1), trailKey(-1))
	ix.at = n
	return ix.write()
}

// commit writes what has been gathered, if there is something.
func (ix *Index) commit() error {
	if ix.at == ix.Best() { // only Run changes it
		return nil
	}
	return ix.write()
}

// write writes the batch together with the position that it leads to. It need
// not be synced each time: a crash may take the last writes, but only whole
// ones, and the chain keeps the blocks for them to be done again.
func (ix *Index) write() error {
	setTip(ix.batch, ix.x.Version(), ix.at)
	sync := ix.at.Height < ix.synced || ix.at.Height >= ix.synced+syncEvery
	if err := ix.db.Write(ix.batch, sync); err != nil {
		return ix.advise(err)
	}
	// Nobody else writes, so that this is what the batch led to.
	ix.views.set(ix.at, ix.db.Snapshot())
	if sync {
		ix.synced = ix.at.Height
		ix.hold.Move(ix.synced)
	}
	moved := make(chan struct{})
	close(*ix.moved.Swap(&moved))
	return nil
}

// tell logs progress now and then while the index is behind.
func (ix *Index) tell() {
	tip := ix.src.Tip()
	if ix.at == tip {
		if ix.loud {
			ix.log.Info("the index has caught up", "height", ix.at.Height)
		}
		ix.behind, ix.loud = false, false
		return
	}
	now := ix.clk.Now()
	switch {
	case !ix.behind:
		ix.behind, ix.told = true, now
	case now.Sub(ix.told) >= tellEvery:
		ix.told, ix.loud = now, true
		ix.log.Info("the index is catching up", "height", ix.at.Height, "tip", tip.Height)
	}
}
