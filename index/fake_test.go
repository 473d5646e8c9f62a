package index

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/coins"
	"starling/chain/headertree"
	"starling/params"
	"starling/store"
	"starling/wire"
)

// fakeChain is a source whose tip the test moves.
type fakeChain struct {
	net  *params.Network
	tree *headertree.Tree

	mu      sync.Mutex
	blocks  map[wire.Hash]*wire.Block
	gone    map[wire.Hash]error // blocks that cannot be read
	tip     *headertree.Node
	changed chan struct{}
}

// newFakeChain returns a chain that knows blocks and has its tip at genesis.
func newFakeChain(t testing.TB, blocks ...chaintest.Block) *fakeChain {
	net := params.Regtest()
	c := &fakeChain{
		net: net, tree: headertree.New(net), blocks: map[wire.Hash]*wire.Block{},
		gone: map[wire.Hash]error{}, changed: make(chan struct{}),
	}
	c.tip = c.tree.Genesis()
	c.add(t, blocks...)
	return c
}

func (c *fakeChain) add(t testing.TB, blocks ...chaintest.Block) {
	t.Helper()
	for _, b := range blocks {
		now := time.Unix(int64(b.Header.Timestamp), 0)
		if _, _, err := c.tree.Add(&b.Header, now); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		c.blocks[b.Hash()] = b.Block
		c.mu.Unlock()
	}
}

// node returns the node of a block that was added.
func (c *fakeChain) node(b chaintest.Block) *headertree.Node { return c.tree.Lookup(b.Hash()) }

func (c *fakeChain) setTip(b chaintest.Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tip = c.node(b)
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *fakeChain) lose(err error, blocks ...chaintest.Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range blocks {
		c.gone[b.Hash()] = err
	}
}

func (c *fakeChain) Network() *params.Network  { return c.net }
func (c *fakeChain) Headers() *headertree.Tree { return c.tree }

func (c *fakeChain) Tip() *headertree.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip
}

func (c *fakeChain) TipChanged() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *fakeChain) Block(n *headertree.Node) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.gone[n.Hash]; err != nil {
		return nil, err
	}
	if b := c.blocks[n.Hash]; b != nil {
		return b.Bytes(), nil
	}
	return nil, chain.ErrNoBlock
}

func (c *fakeChain) HoldBlocks(string, int32) *chain.Hold { return nil }

func (c *fakeChain) Follow(from *headertree.Node) Follower { return &fakeFollower{c, from} }

type fakeFollower struct {
	c  *fakeChain
	at *headertree.Node
}

func (f *fakeFollower) Next(ctx context.Context) (chain.Event, error) {
	for {
		changed, tip := f.c.TipChanged(), f.c.Tip()
		if tip == f.at {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return chain.Event{}, ctx.Err()
			}
		}
		e := chain.Event{Node: f.at, Undo: &coins.Undo{}}
		to := f.at.Parent
		if f.at.IsAncestorOf(tip) {
			e.Connect, e.Node = true, tip.Ancestor(f.at.Height+1)
			to = e.Node
		}
		raw, err := f.c.Block(e.Node)
		if err != nil {
			return chain.Event{}, err
		}
		if e.Block, err = wire.ParseBlock(raw); err != nil {
			return chain.Event{}, err
		}
		e.Block.HashTxs()
		f.at = to
		return e, nil
	}
}

// recorder is an indexer that keeps the hash of each height, and what it was
// called for.
type recorder struct {
	version uint16
	weight  int // bytes to write for each block besides
	fail    error

	mu    sync.Mutex
	calls []string
}

func (r *recorder) Name() string    { return "recorder" }
func (r *recorder) Version() uint16 { return r.version }

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
}

// take returns the calls since the last take.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

func (r *recorder) Connect(b *store.Batch, e chain.Event) error {
	r.note("+%d", e.Node.Height)
	b.Set([]byte{'h', byte(e.Node.Height)}, e.Node.Hash[:])
	if r.weight > 0 {
		b.Set([]byte{'w', byte(e.Node.Height)}, make([]byte, r.weight))
	}
	return r.fail
}

func (r *recorder) Disconnect(b *store.Batch, e chain.Event) error {
	r.note("-%d", e.Node.Height)
	b.Delete([]byte{'h', byte(e.Node.Height)})
	return nil
}

func (r *recorder) Forget(b *store.Batch, above int32) error {
	r.note("forget >%d", above)
	b.DeleteRange([]byte{'h', byte(above + 1)}, []byte{'h' + 1})
	return nil
}

// check compares the records with the chain that ends in the index's block.
func (r *recorder) check(t testing.TB, ix *Index) {
	t.Helper()
	err := ix.View(func(db *store.Snapshot, best *headertree.Node) error {
		n := int32(0)
		err := db.Iterate([]byte{'h'}, func(k, v []byte) error {
			if at := best.Ancestor(int32(k[1])); at == nil || wire.Hash(v) != at.Hash {
				t.Errorf("record %d is not of the chain up to %d", k[1], best.Height)
			}
			n++
			return nil
		})
		if best != nil && n != best.Height+1 {
			t.Errorf("%d records up to height %d", n, best.Height)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// running is an index whose Run runs.
type running struct {
	*Index
	stop context.CancelFunc
	done chan error
}

func run(t testing.TB, src Source, fs vfs.FS, x Indexer) *running {
	t.Helper()
	return start(openIndex(t, src, fs, x))
}

// openIndex opens an index that does not follow the chain until start.
func openIndex(t testing.TB, src Source, fs vfs.FS, x Indexer) *Index {
	t.Helper()
	ix, err := Open(Options{Source: src, FS: fs, Dir: "data/indexes/test"}, x)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func start(ix *Index) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{ix, cancel, make(chan error, 1)}
	go func() { r.done <- ix.Run(ctx) }()
	return r
}

// end stops the index cleanly.
func (r *running) end(t testing.TB) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
