package server

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/netsync"
	"starling/relay/compact"
	"starling/wire"
)

// coins makes a chain whose first coinbases have matured, and hands out
// transactions that spend them.
type coins struct {
	w     *world
	chain []chaintest.Block
	used  int
}

// newCoins makes a chain of 110 blocks, in a world in which the tip is recent
// then.
func newCoins(w *world) *coins {
	return &coins{w: w, chain: w.gen.Chain(w.gen.Genesis(), 110)}
}

func (c *coins) tip() chaintest.Block { return last(c.chain) }

// txs makes n transactions, all but the first of which spend what that one
// pays.
func (c *coins) txs(n int) []*wire.Tx {
	op, value := c.chain[c.used].Coinbase()
	c.used++
	split := chaintest.Spend(op, value, 1000, n)
	txs := []*wire.Tx{split}
	for i := range n - 1 {
		txs = append(txs, chaintest.Spend(wire.OutPoint{Hash: split.TxID(), Index: uint32(i)}, split.Out[i].Value, 1000, 2))
	}
	return txs
}

// block makes the next block, with these transactions.
func (c *coins) block(txs ...*wire.Tx) chaintest.Block {
	b := c.w.gen.Next(c.tip(), 0, txs...)
	c.chain = append(c.chain, b)
	return b
}

// knows has a node know transactions.
func (nd *node) knows(txs ...*wire.Tx) {
	for _, tx := range txs {
		nd.compact.index.Add(tx.WTxID(), tx)
	}
}

// came returns how many bytes of a message came from the node's first peer.
func (nd *node) came(command string) uint64 {
	return nd.Peers()[0].Peer.Stats().BytesInBy[command]
}

// TestCompactRelay sends blocks from one node to another, which has all, some
// or none of their transactions. No block travels whole.
func TestCompactRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		b := w.start(2, 1)
		b.reach(c.tip(), time.Minute)
		whole := b.came(wire.CmdBlock)

		// The first one is announced by its header and asked for as a compact
		// block. It makes a the peer that announces so.
		txs := c.txs(20)
		b.knows(txs...)
		a.give(c.block(txs...))
		b.reach(c.tip(), time.Second)
		synctest.Wait()
		time.Sleep(time.Second)
		if p := b.Peers()[0].Sync; !p.CompactTo || p.CompactFrom {
			t.Errorf("after one block: %+v", p)
		}
		if p := a.Peers()[0].Sync; !p.CompactFrom || p.CompactTo {
			t.Errorf("at the other end: %+v", p)
		}
		headers, asked := b.came(wire.CmdHeaders), b.came(wire.CmdBlockTxn)
		if asked != 0 {
			t.Errorf("%d bytes of transactions came that were known", asked)
		}
		// From now on they come unasked, after one way of 20 ms.
		for name, known := range map[string]int{"all": 20, "some": 11, "none": 0} {
			txs := c.txs(20)
			b.knows(txs[:known]...)
			start, before := time.Now(), b.came(wire.CmdBlockTxn)
			a.give(c.block(txs...))
			b.reach(c.tip(), time.Second)
			took, bytes := time.Since(start), b.came(wire.CmdBlockTxn)-before
			if want := 20 * time.Millisecond; known == 20 && took != want || known < 20 && took != 3*want {
				t.Errorf("%s known: it took %v", name, took)
			}
			if known == 20 && bytes != 0 || known < 20 && bytes < uint64(20-known)*60 {
				t.Errorf("%s known: %d bytes of transactions", name, bytes)
			}
			time.Sleep(10 * time.Minute)
		}
		if got := b.came(wire.CmdHeaders); got != headers {
			t.Errorf("%d bytes of headers came as well", got-headers)
		}
		if got := b.came(wire.CmdBlock); got != whole {
			t.Errorf("%d bytes of whole blocks came", got-whole)
		}
		if got := a.Peers()[0].Peer.Stats().BytesInBy[wire.CmdGetData]; got == 0 {
			t.Error("nothing was asked for")
		}
	})
}

// TestCompactLine passes blocks on along a line of nodes.
func TestCompactLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		b := w.start(2, 1)
		b.reach(c.tip(), time.Minute)
		d := w.start(3, 2)
		d.reach(c.tip(), time.Minute)
		for i := range 6 {
			txs := c.txs(5)
			b.knows(txs...)
			d.knows(txs...)
			start := time.Now()
			a.give(c.block(txs...))
			d.reach(c.tip(), time.Second)
			if took := time.Since(start); i > 1 && took != 40*time.Millisecond {
				t.Errorf("block %d took %v over two links of 20 ms", i, took)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestCompactReorganisation has a node that knows all transactions follow from
// one branch to the other.
func TestCompactReorganisation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		b := w.start(2, 1)
		b.reach(c.tip(), time.Minute)
		fork := c.tip()
		txs := c.txs(4)
		b.knows(txs...)
		for range 2 {
			a.give(c.block(txs...))
			b.reach(c.tip(), time.Second)
			time.Sleep(time.Second)
			txs = nil
		}
		for range 3 {
			fork = w.gen.Next(fork, 0)
			a.give(fork)
		}
		b.reach(fork, time.Minute)
	})
}

// compactOf builds a compact block.
func compactOf(t *testing.T, b chaintest.Block) *wire.MsgCmpctBlock {
	t.Helper()
	b.HashTxs()
	m, err := compact.Build(b.Block, rand.Uint64())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestBadCompactBlocks sends compact blocks that are not what they should be.
func TestBadCompactBlocks(t *testing.T) {
	for _, tc := range []struct {
		name  string
		play  func(s *script, b chaintest.Block)
		taken bool // the block is connected in the end
		gone  bool // the session ends, and the host is banned
	}{
		{"no transactions", func(s *script, b chaintest.Block) {
			s.send(&wire.MsgCmpctBlock{Header: b.Header})
		}, false, true},
		{"too few transactions in the answer", func(s *script, b chaintest.Block) {
			s.send(compactOf(s.t, b))
			s.expect(wire.CmdGetBlockTxn)
			s.send(&wire.MsgBlockTxn{BlockHash: b.Hash(), Txs: []*wire.Tx{&b.Txs[1]}})
		}, false, true},
		{"other transactions in the answer", func(s *script, b chaintest.Block) {
			s.send(compactOf(s.t, b))
			s.expect(wire.CmdGetBlockTxn)
			s.send(&wire.MsgBlockTxn{BlockHash: b.Hash(), Txs: []*wire.Tx{&b.Txs[2], &b.Txs[1], &b.Txs[3]}})
			if m := s.expect(wire.CmdGetData).(*wire.MsgGetData); m.Inv[0].Type != wire.InvWitnessBlock {
				s.t.Errorf("asked for %v", m.Inv)
			}
			s.send(&wire.MsgBlock{Raw: b.Bytes()})
		}, true, false},
		{"and again", func(s *script, b chaintest.Block) {
			s.send(compactOf(s.t, b))
			s.expect(wire.CmdGetBlockTxn)
			wrong := &wire.MsgBlockTxn{BlockHash: b.Hash(), Txs: []*wire.Tx{&b.Txs[2], &b.Txs[1], &b.Txs[3]}}
			s.send(wrong)
			s.expect(wire.CmdGetData)
			s.send(wrong)
		}, false, true},
		{"two short ids that are the same", func(s *script, b chaintest.Block) {
			m := compactOf(s.t, b)
			m.ShortIDs[1] = m.ShortIDs[0]
			s.send(m)
			s.expect(wire.CmdGetData)
			s.send(&wire.MsgBlock{Raw: b.Bytes()})
		}, true, false},
		{"another one with the same short id", func(s *script, b chaintest.Block) {
			m := compactOf(s.t, b)
			id := chaintest.Spend(wire.OutPoint{Index: 77}, 1, 0, 1).WTxID() // known to the node
			key := compact.NewKey(&m.Header, m.Nonce)
			m.ShortIDs = []uint64{key.ShortID(&id)}
			m.Prefilled = append(m.Prefilled, wire.PrefilledTx{Index: 2, Tx: &b.Txs[2]}, wire.PrefilledTx{Index: 3, Tx: &b.Txs[3]})
			s.send(m)
			s.expect(wire.CmdGetData)
			s.send(&wire.MsgBlock{Raw: b.Bytes()})
		}, true, false},
		{"no answer", func(s *script, b chaintest.Block) {
			s.send(compactOf(s.t, b))
			s.expect(wire.CmdGetBlockTxn)
			s.expect(wire.CmdGetData)
			s.send(&wire.MsgBlock{Raw: b.Bytes()})
		}, true, false},
		{"transactions that nobody asked for", func(s *script, b chaintest.Block) {
			s.send(&wire.MsgBlockTxn{BlockHash: b.Hash(), Txs: []*wire.Tx{&b.Txs[1]}})
			s.send(&wire.MsgBlockTxn{BlockHash: wire.Hash{1}})
		}, false, false},
		{"no proof of work", func(s *script, b chaintest.Block) {
			m := compactOf(s.t, b)
			for m.Header.Nonce++; m.Header.Hash()[31] < 0x80; m.Header.Nonce++ {
			}
			s.send(m)
		}, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 112)
				c := newCoins(w)
				a := w.start(1)
				a.give(c.chain...)
				a.knows(chaintest.Spend(wire.OutPoint{Index: 77}, 1, 0, 1))
				s := w.dial(a, 9)
				s.send(speaksCompact)
				b := c.block(c.txs(3)...)
				tc.play(s, b)
				if tc.gone {
					s.gone()
					synctest.Wait()
				} else {
					s.noise = append(s.noise, wire.CmdGetData)
					s.sync()
				}
				if banned := len(a.Conns().Bans()) == 1; banned != tc.gone {
					t.Errorf("banned is %v", banned)
				}
				if taken := a.Chain().Tip().Hash == b.Hash(); taken != tc.taken {
					t.Errorf("taken is %v", taken)
				}
			})
		})
	}
}

// speaksCompact is what a peer says whose unasked compact blocks are rebuilt.
var speaksCompact = &wire.MsgSendCmpct{Version: wire.CompactBlocksWitness}

// TestInvalidCompactBlock sends a block that pays its miner too much, as a
// compact block. It is passed on, as that shows only when it is connected, but
// nobody is blamed; afterwards it is not served.
func TestInvalidCompactBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		s, other := w.dial(a, 8), w.dial(a, 9)
		other.send(&wire.MsgSendCmpct{Announce: true, Version: 2}, &wire.MsgGetHeaders{Locator: []wire.Hash{c.chain[100].Hash()}})
		other.expect(wire.CmdHeaders)
		other.sync()
		bad := w.gen.Next(c.tip(), 1)
		s.send(speaksCompact, compactOf(t, bad))
		s.sync()
		if m := other.expect(wire.CmdCmpctBlock).(*wire.MsgCmpctBlock); m.Header.Hash() != bad.Hash() {
			t.Error("another block was announced")
		}
		other.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvWitnessBlock, Hash: bad.Hash()}}})
		other.expect(wire.CmdNotFound)
		if n := len(a.Conns().Bans()); n != 0 || a.Chain().Tip().Hash != c.tip().Hash() {
			t.Errorf("%d bans, tip at %d", n, a.Chain().Tip().Height)
		}
		s.send(compactOf(t, bad)) // again: still nobody's fault
		s.sync()
	})
}

// TestAnnouncersOverTheWire has four peers give a block each. The first is told
// to announce by compact blocks no longer when the fourth comes in.
func TestAnnouncersOverTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		var peers []*script
		for i := range byte(4) {
			s := w.dial(a, 10+i)
			s.send(&wire.MsgSendCmpct{Version: 2}, &wire.MsgSendCmpct{Announce: true, Version: 1}) // version 1 does not count
			s.sync()
			s.noise = slices.DeleteFunc(s.noise, func(c string) bool { return c == wire.CmdSendCmpct })
			s.noise = append(s.noise, wire.CmdInv, wire.CmdHeaders)
			peers = append(peers, s)
		}
		for i, s := range peers {
			s.send(compactOf(t, c.block()))
			if m := s.expect(wire.CmdSendCmpct).(*wire.MsgSendCmpct); !m.Announce || m.Version != 2 {
				t.Errorf("peer %d is told %+v", i, m)
			}
		}
		if m := peers[0].expect(wire.CmdSendCmpct).(*wire.MsgSendCmpct); m.Announce || m.Version != 2 {
			t.Errorf("the first is told %+v", m)
		}
		for _, s := range peers {
			s.sync()
		}
	})
}

// TestParallelCompactFetch has the first peer announce and never deliver. The
// second one's transactions are taken at once.
func TestParallelCompactFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		a := w.start(1)
		a.give(c.chain...)
		first, second := w.dial(a, 8), w.dial(a, 9)
		for _, s := range []*script{first, second} { // both become announcers
			s.send(&wire.MsgSendCmpct{Version: 2})
			s.noise = append(s.noise, wire.CmdInv)
			s.send(compactOf(t, c.block()))
			s.sync()
		}
		txs := c.txs(3)
		b := c.block(txs...)
		first.send(compactOf(t, b))
		first.expect(wire.CmdGetBlockTxn)
		second.send(compactOf(t, b))
		m := second.expect(wire.CmdGetBlockTxn).(*wire.MsgGetBlockTxn)
		if !slices.Equal(m.Indexes, []uint16{1, 2, 3}) {
			t.Errorf("asked for %v", m.Indexes)
		}
		start := time.Now()
		second.send(&wire.MsgBlockTxn{BlockHash: b.Hash(), Txs: txs})
		a.reach(b, time.Second)
		if took := time.Since(start); took != 20*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		more := c.block(c.txs(2)...)
		first.send(compactOf(t, more))
		first.expect(wire.CmdGetBlockTxn)
		if n := len(a.sessions.all()[0].partials); n != 1 {
			t.Errorf("%d compact blocks are kept for the first peer", n)
		}
		first.send(&wire.MsgBlockTxn{BlockHash: b.Hash(), Txs: txs}) // too late, and no harm
		first.sync()
	})
}

// counter counts what comes of compact blocks.
type counter struct {
	netsync.NoObserver
	mu sync.Mutex
	n  map[netsync.CompactResult]int
}

func (c *counter) CompactRead(_ netsync.PeerID, _ wire.Hash, r netsync.CompactResult, _ bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[r]++
}

// TestCompactFlood sends compact blocks that lack transactions again and again.
// Each is looked at once, and few are kept.
func TestCompactFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 112)
		c := newCoins(w)
		count := &counter{n: make(map[netsync.CompactResult]int)}
		a := w.startWith(1, vfs.NewMem(), func(cfg *Config) { cfg.SyncObserver = count })
		a.give(c.chain...)
		s := w.dial(a, 9)
		s.noise = append(s.noise, wire.CmdGetBlockTxn, wire.CmdGetData)
		s.send(speaksCompact)
		txs := c.txs(3)
		for range 20 {
			m := compactOf(t, w.gen.Next(c.tip(), 0, txs...))
			for range 50 {
				s.send(m)
			}
		}
		s.sync()
		count.mu.Lock()
		if n := count.n[netsync.CompactMissing]; n != 20 {
			t.Errorf("opened %d times", n)
		}
		count.mu.Unlock()
		sess := a.sessions.all()[0]
		if n := len(sess.partials); n != 3 {
			t.Errorf("%d are kept", n)
		}
	})
}
