package server

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/connmgr"
	"starling/params"
	"starling/peer"
	"starling/transport"
	"starling/transport/memnet"
	"starling/wire"
)

// testOutbound is how many places a node of the defaults keeps for links that it
// opens itself.
const testOutbound = connmgr.DefaultFull + connmgr.DefaultBlockRelay + feelerSlots

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a network in memory with nodes on it, in virtual time.
type world struct {
	t   *testing.T
	net *memnet.Network
	par *params.Network
	gen *chaintest.Maker
}

// newWorld returns a world in which it is the time at which a chain of so many
// blocks is up to date. A bubble's time begins in 2000, before any block there is.
func newWorld(t *testing.T, height int) *world {
	par := params.Regtest()
	time.Sleep(time.Until(par.Genesis.Header.Time().Add(time.Duration(height)*10*time.Minute + time.Hour)))
	return &world{t, memnet.New(memnet.Options{Path: memnet.Path{Latency: 20 * time.Millisecond}}), par, chaintest.New(par)}
}

// node is a node of a world.
type node struct {
	*Server
	w    *world
	host *memnet.Host
	fs   vfs.FS
	stop func()
}

func addr(i byte) ma.Multiaddr {
	return transport.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, i, 0, 1}), 18444))
}

// start starts node number i, connected to others.
func (w *world) start(i byte, to ...byte) *node {
	return w.startWith(i, vfs.NewMem(), nil, to...)
}

func (w *world) startWith(i byte, fs vfs.FS, change func(*Config), to ...byte) *node {
	w.t.Helper()
	return w.startBefore(i, fs, change, func(*Server) {}, to...)
}

// startBefore is startWith, and calls prepare before the node runs.
func (w *world) startBefore(i byte, fs vfs.FS, change func(*Config), prepare func(*Server), to ...byte) *node {
	w.t.Helper()
	nd := &node{w: w, host: w.net.Host(netip.AddrFrom4([4]byte{10, i, 0, 1})), fs: fs}
	cfg := Config{
		Network: params.Regtest(), FS: fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 1,
		Transports: []transport.Transport{nd.host}, Listen: []ma.Multiaddr{addr(i)},
		CountLocal: true, // the hosts have private addresses
	}
	for _, j := range to {
		cfg.Peers = append(cfg.Peers, addr(j))
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if nd.Server, err = New(cfg); err != nil {
		w.t.Fatal(err)
	}
	prepare(nd.Server)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- nd.Run(ctx) }()
	stopped := false
	nd.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("node %d: %v", i, err)
		}
	}
	w.t.Cleanup(nd.stop)
	return nd
}

// give has the node take blocks as if it had mined them.
func (nd *node) give(blocks ...chaintest.Block) {
	nd.w.t.Helper()
	for _, b := range blocks {
		if o := nd.Chain().Process(context.Background(), chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
			nd.w.t.Fatal(o.Err)
		}
	}
	synctest.Wait() // until they have been announced
}

// reach waits until the node's tip is b, for at most the given time.
func (nd *node) reach(b chaintest.Block, most time.Duration) {
	nd.w.t.Helper()
	timeout := time.After(most)
	for {
		changed := nd.Chain().TipChanged()
		if nd.Chain().Tip().Hash == b.Hash() {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			nd.w.t.Fatalf("after %v the tip is at height %d, want %d; peers: %v", most, nd.Chain().Tip().Height, b.Height, nd.Peers())
		}
	}
}

// offline takes a node off the network.
func (nd *node) offline() {
	nd.Conns().SetActive(false)
	for _, p := range nd.Peers() {
		p.Peer.Disconnect(peer.Requested, "test")
	}
}

func last(blocks []chaintest.Block) chaintest.Block { return blocks[len(blocks)-1] }

// TestSync fetches 1,200 blocks by headers from another node, and then hears of a
// new one.
func TestSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1200)
		blocks := w.gen.Chain(w.gen.Genesis(), 1200)
		a := w.start(1)
		a.give(blocks...)
		b := w.start(2, 1)
		b.reach(last(blocks), time.Minute)
		next := w.gen.Chain(last(blocks), 3)
		for _, n := range next {
			a.give(n)
			b.reach(n, time.Second)
		}
		// And the other way: who has fetched blocks serves them.
		more := w.gen.Chain(last(next), 1)
		b.give(more...)
		a.reach(last(more), time.Second)
	})
}

// TestGetBlocks fetches the same from a node that leaves getheaders
// unanswered, as one does that thinks itself behind.
func TestGetBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1200)
		blocks := w.gen.Chain(w.gen.Genesis(), 1200)
		a := w.start(1)
		delete(a.handlers, wire.CmdGetHeaders)
		a.give(blocks...)
		b := w.start(2, 1)
		b.reach(last(blocks), 5*time.Minute)
		p := b.Peers()[0]
		if got := p.Peer.Stats().BytesInBy[wire.CmdInv]; got < 1200*wire.InvVectSize {
			t.Errorf("only %d bytes of inv came", got)
		}
		if !p.Sync.ByGetBlocks {
			t.Error("the blocks did not come by getblocks")
		}
	})
}

// TestReorganisation lets two nodes grow apart, by 6 and 7 blocks, and meet.
func TestReorganisation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 120)
		common := w.gen.Chain(w.gen.Genesis(), 100)
		a := w.start(1)
		b := w.start(2, 1)
		a.give(common...)
		b.reach(last(common), time.Minute)

		b.offline()
		short, long := w.gen.Chain(last(common), 6), w.gen.Chain(last(common), 7)
		a.give(short...)
		b.give(long...)
		synctest.Wait()
		if a.Chain().Tip().Hash != last(short).Hash() || len(a.Peers()) != 0 {
			t.Fatal("the nodes are not apart")
		}
		b.Conns().SetActive(true)
		a.reach(last(long), time.Minute)

		// And back again, from the other side.
		b.offline()
		longer := w.gen.Chain(last(short), 3)
		a.give(longer...)
		b.Conns().SetActive(true)
		b.reach(last(longer), time.Minute)
	})
}

// TestLoss takes away the peer that a node fetches from, again and again, and
// then for good. The other one goes on.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 600)
		blocks := w.gen.Chain(w.gen.Genesis(), 600)
		a, b := w.start(1), w.start(2)
		a.give(blocks...)
		b.give(blocks...)
		w.net.SetPath(a.host.IP(), netip.AddrFrom4([4]byte{10, 3, 0, 1}), memnet.Path{Latency: 10 * time.Millisecond, Bandwidth: 20_000})
		c := w.start(3, 1, 2)
		for range 5 {
			time.Sleep(200 * time.Millisecond)
			w.net.Cut(a.host.IP(), c.host.IP())
		}
		a.stop()
		c.reach(last(blocks), time.Minute)

		// Near the tip: it is on its own again, until the other comes back.
		next := w.gen.Chain(last(blocks), 2)
		b.give(next[0])
		c.reach(next[0], time.Second)
		w.net.Cut(b.host.IP(), c.host.IP())
		b.give(next[1])
		c.reach(next[1], time.Minute)
	})
}

// TestLine has three nodes in a line, one of which comes late. What is mined
// at one end reaches the other.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 300)
		blocks := w.gen.Chain(w.gen.Genesis(), 300)
		a, b := w.start(1), w.start(2, 1)
		a.give(blocks[:200]...)
		b.reach(blocks[199], time.Minute)
		a.give(blocks[200:]...)
		b.reach(blocks[299], time.Minute)
		c := w.start(3, 2)
		c.reach(blocks[299], time.Minute)
		next := w.gen.Chain(last(blocks), 5)
		for _, n := range next {
			a.give(n)
			c.reach(n, time.Second)
		}
	})
}

// TestRestart stops a node in the middle and starts it again on its own data.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 300)
		blocks := w.gen.Chain(w.gen.Genesis(), 300)
		a := w.start(1)
		a.give(blocks...)
		b := w.start(2, 1)
		b.reach(blocks[299], time.Minute)
		b.stop()
		b = w.startWith(2, b.fs, nil)
		if got := b.Chain().Tip().Hash; got != blocks[299].Hash() {
			t.Errorf("after a restart the tip is %v", got)
		}
		if err := b.Conns().Add(addr(1)); err != nil {
			t.Fatal(err)
		}
		next := w.gen.Chain(last(blocks), 1)
		synctest.Wait()
		time.Sleep(time.Second)
		a.give(next...)
		b.reach(next[0], time.Second)
	})
}
