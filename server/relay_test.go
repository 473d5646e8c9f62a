package server

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/mempool"
	"starling/netsync/txdownload"
	"starling/wire"
)

// relaying is a change of the configuration that tests of relay start from: the
// tests' transactions are not standard.
func relaying(cfg *Config) { cfg.AcceptNonStandard = true }

// own is a change of the configuration for networks of one's own.
func own(cfg *Config) {
	net := *cfg.Network
	net.Name = "flock"
	cfg.Network = &net
}

// market is a world whose nodes have a chain with coins to spend.
type market struct {
	*world
	blocks []chaintest.Block
	next   int // coinbase to be spent next
}

// newMarket returns a world with so many mature coinbases.
func newMarket(t *testing.T, coins int) *market {
	w := newWorld(t, 100+coins)
	return &market{world: w, blocks: w.gen.Chain(w.gen.Genesis(), 100+coins)}
}

// node starts node i with the chain.
func (m *market) node(i byte, to ...byte) *node {
	return m.nodeWith(i, vfs.NewMem(), nil, to...)
}

func (m *market) nodeWith(i byte, fs vfs.FS, change func(*Config), to ...byte) *node {
	m.t.Helper()
	nd := m.startWith(i, fs, func(cfg *Config) {
		relaying(cfg)
		if change != nil {
			change(cfg)
		}
	}, to...)
	if nd.Chain().Tip().Height == 0 {
		nd.give(m.blocks...)
	}
	return nd
}

// pay makes a transaction that spends a coinbase of its own, and pays fee.
func (m *market) pay(fee int64) *wire.Tx {
	m.t.Helper()
	if m.next >= len(m.blocks)-100 {
		m.t.Fatal("no coins left")
	}
	op, value := m.blocks[m.next].Coinbase()
	m.next++
	return chaintest.Spend(op, value, fee, 2)
}

// spend makes a transaction that spends output 0 of another one.
func spend(parent *wire.Tx, fee int64) *wire.Tx {
	return chaintest.Spend(wire.OutPoint{Hash: parent.TxID()}, parent.Out[0].Value, fee, 2)
}

func (nd *node) submit(txs ...*wire.Tx) {
	nd.w.t.Helper()
	for _, tx := range txs {
		if err := nd.SubmitTx(context.Background(), tx, 0); err != nil {
			nd.w.t.Fatal(err)
		}
	}
}

// add puts transactions into the pool that are nobody's own.
func (nd *node) add(txs ...*wire.Tx) {
	nd.w.t.Helper()
	for _, tx := range txs {
		if _, err := nd.Mempool().Add(context.Background(), tx, mempool.AddOptions{}); err != nil {
			nd.w.t.Fatal(err)
		}
	}
}

// has waits until the node's pool holds transactions, for at most the given
// time.
func (nd *node) has(most time.Duration, txs ...*wire.Tx) {
	nd.w.t.Helper()
	timeout := time.After(most)
	for _, tx := range txs {
		for {
			changed := nd.Mempool().Changed()
			if nd.Mempool().Get(tx.TxID()) != nil {
				break
			}
			select {
			case <-changed:
			case <-timeout:
				nd.w.t.Fatalf("after %v transaction %v is not there; the pool holds %d; %+v", most, tx.TxID(), nd.Mempool().Len(), nd.TxDownload().Stats())
			}
		}
	}
}

func (nd *node) lacks(txs ...*wire.Tx) {
	nd.w.t.Helper()
	for _, tx := range txs {
		if nd.Mempool().Get(tx.TxID()) != nil {
			nd.w.t.Fatalf("transaction %v is there", tx.TxID())
		}
	}
}

func wtx(tx *wire.Tx) wire.InvVect { return wire.InvVect{Type: wire.InvWTx, Hash: tx.WTxID()} }

// dialWTx connects a script that announces by wtxid.
func (w *world) dialWTx(to *node, i byte) *script {
	w.t.Helper()
	link, err := w.net.Host(netip.AddrFrom4([4]byte{10, i, 0, 1})).Dial(w.t.Context(), to.Listening()[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { link.Close() })
	s := &script{t: w.t, link: link, noise: []string{wire.CmdPing, wire.CmdGetHeaders, wire.CmdSendHeaders, wire.CmdSendCmpct, wire.CmdFeeFilter}}
	s.send(&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/script/", Relay: true},
		&wire.MsgWTxIDRelay{}, &wire.MsgSendAddrV2{}, &wire.MsgVerack{})
	s.expect(wire.CmdVersion)
	s.expect(wire.CmdWTxIDRelay)
	s.expect(wire.CmdSendAddrV2)
	s.expect(wire.CmdVerack)
	return s
}

// expectTxs receives a getdata for exactly the given entries.
func (s *script) expectTxs(cmd string, want ...wire.InvVect) {
	s.t.Helper()
	var got []wire.InvVect
	switch m := s.expect(cmd).(type) {
	case *wire.MsgGetData:
		got = m.Inv
	case *wire.MsgInv:
		got = m.Inv
	case *wire.MsgNotFound:
		got = m.Inv
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Fatalf("%s of %v, want %v", cmd, got, want)
	}
}

// TestTxRelay has a transaction cross a line of nodes, by both kinds of links.
func TestTxRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 2)
		a := m.node(1)
		b := m.node(2, 1)
		c := m.node(3, 2)
		time.Sleep(time.Second)
		tx := m.pay(1000)
		a.submit(tx)
		c.has(time.Minute, tx)
		b.has(0, tx)
		back := m.pay(1000)
		c.submit(back)
		a.has(time.Minute, back)
		if p := b.Peers(); len(p) != 2 || p[0].LastTx.IsZero() || p[1].LastTx.IsZero() || !p[0].RelaysTxs {
			t.Errorf("peers: %+v", p)
		}
		// Each was sent once, and nothing is tracked any more.
		for _, n := range []*node{a, b, c} {
			if s := n.TxDownload().Stats(); s != (txdownload.Stats{}) {
				t.Errorf("left over: %+v", s)
			}
			for _, p := range n.Peers() {
				if got := p.Peer.Stats().BytesInBy[wire.CmdTx]; got > uint64(tx.Size()+24) {
					t.Errorf("%d bytes of transactions came over one link", got)
				}
			}
		}
		// A block takes them out of all pools.
		block := m.gen.Next(last(m.blocks), 2000, tx, back)
		c.give(block)
		a.reach(block, time.Second)
		if a.Mempool().Len() != 0 || c.Mempool().Len() != 0 {
			t.Error("the pools are not empty")
		}
	})
}

// TestTxFallback has two peers announce a transaction that the first does not
// give.
func TestTxFallback(t *testing.T) {
	for name, fail := range map[string]func(first *script, inv wire.InvVect){
		"time-out":  func(*script, wire.InvVect) {},
		"not found": func(s *script, v wire.InvVect) { s.send(&wire.MsgNotFound{Inv: []wire.InvVect{v}}) },
		"gone":      func(s *script, _ wire.InvVect) { s.link.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, 1)
				a := m.node(1)
				x, y := m.dialWTx(a, 8), m.dialWTx(a, 9)
				tx := m.pay(1000)
				x.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}})
				x.expectTxs(wire.CmdGetData, wtx(tx))
				start := time.Now()
				y.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}})
				time.Sleep(10 * time.Second)
				fail(x, wtx(tx))
				y.expectTxs(wire.CmdGetData, wtx(tx))
				took := time.Since(start)
				if name == "time-out" && (took < 59*time.Second || took > 61*time.Second) || name != "time-out" && took > 11*time.Second {
					t.Errorf("after %v", took)
				}
				y.send(&wire.MsgTx{Tx: tx})
				a.has(time.Second, tx)
			})
		})
	}
}

// TestOrphan gives a grandchild, a child and a parent in the wrong order.
func TestOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		a := m.node(1)
		x := m.dialWTx(a, 9)
		parent := m.pay(1000)
		child := spend(parent, 1000)
		grandchild := spend(child, 1000)
		ask := func(tx *wire.Tx) wire.InvVect { return wire.InvVect{Type: wire.InvWitnessTx, Hash: tx.TxID()} }
		x.send(&wire.MsgTx{Tx: grandchild})
		x.expectTxs(wire.CmdGetData, ask(child))
		x.send(&wire.MsgTx{Tx: child})
		x.expectTxs(wire.CmdGetData, ask(parent))
		if s := a.TxDownload().Stats(); s.Orphans != 2 {
			t.Errorf("%+v", s)
		}
		x.send(&wire.MsgTx{Tx: parent})
		a.has(time.Second, parent, child, grandchild)
		synctest.Wait()
		if s := a.TxDownload().Stats(); s != (txdownload.Stats{}) {
			t.Errorf("left over: %+v", s)
		}
		// An orphan whose parent comes from a user of this node.
		local := spend(grandchild, 1000)
		waits := spend(local, 1000)
		x.send(&wire.MsgTx{Tx: waits})
		x.expectTxs(wire.CmdGetData, ask(local))
		a.submit(local)
		a.has(time.Second, waits)
		// An orphan whose parent comes by a block.
		blocks := m.gen.Chain(last(m.blocks), 1)
		op, value := m.blocks[1].Coinbase() // mature with the next block but one
		late := chaintest.Spend(op, value, 1000, 2)
		orphan := spend(late, 1000)
		x.noise = append(x.noise, wire.CmdInv) // of the others
		x.send(&wire.MsgTx{Tx: orphan})
		x.expectTxs(wire.CmdGetData, ask(late))
		a.give(blocks...)
		a.give(m.gen.Next(last(blocks), 1000, late))
		a.has(time.Second, orphan)
	})
}

// TestReorgRelay takes a block back: what it held is in the pool again, and is
// announced.
func TestReorgRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		a := m.node(1)
		tx := m.pay(1000)
		block := m.gen.Next(last(m.blocks), 1000, tx)
		a.give(block)
		x := m.dialWTx(a, 9)
		x.noise = append(x.noise, wire.CmdHeaders, wire.CmdCmpctBlock, wire.CmdInv)
		x.sync()
		x.noise = x.noise[:len(x.noise)-1]
		a.lacks(tx)
		// Once confirmed it is not asked for, afterwards it might be.
		x.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(m.confirmed(block))}})
		time.Sleep(time.Minute)
		x.sync()
		a.give(m.gen.Chain(last(m.blocks), 2)...)
		a.has(time.Second, tx)
		for {
			if inv := x.expect(wire.CmdInv).(*wire.MsgInv).Inv; inv[0] == wtx(tx) {
				break
			}
		}
		x.send(&wire.MsgGetData{Inv: []wire.InvVect{wtx(tx)}})
		x.expect(wire.CmdTx)
	})
}

// confirmed returns the coinbase of a block, as a transaction that is surely
// confirmed.
func (m *market) confirmed(b chaintest.Block) *wire.Tx { return &b.Txs[0] }

// TestPoolRestart stops a node with a pool, its own transactions among it, and
// starts it again.
func TestPoolRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 2)
		a := m.node(1)
		mine, other := m.pay(1000), m.pay(1000)
		a.submit(mine)
		x := m.dialWTx(a, 9)
		x.expect(wire.CmdInv)
		x.send(&wire.MsgGetData{Inv: []wire.InvVect{wtx(mine)}})
		x.expect(wire.CmdTx) // so that it counts as passed on
		a.add(other)
		a.stop()
		a = m.nodeWith(1, a.fs, func(c *Config) { c.PingTimeout = -1 })
		a.has(time.Minute, mine, other)
		synctest.Wait()
		if own := a.relay.Owned(); len(own) != 1 || own[0] != mine.TxID() {
			t.Errorf("own: %v", own)
		}
		// Another node hears of its own again and again.
		x = m.dialWTx(a, 8)
		x.expectTxs(wire.CmdInv, wtx(mine))
		x.expectTxs(wire.CmdInv, wtx(mine))
	})
}

// TestNewLinks: on Bitcoin's networks a new link is not told of what the pool held
// before it, however long it waits, nor may its peer ask.
func TestNewLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 3)
		a := m.node(1)
		a.add(m.pay(1000), m.pay(1000))
		x := m.dialWTx(a, 9)
		time.Sleep(15 * time.Minute)
		x.sync()
		next := m.pay(1000)
		a.add(next)
		x.expectTxs(wire.CmdInv, wtx(next))
		for asked := range 4 {
			if got, most := a.Conns().Score(netip.MustParseAddr("10.9.0.1")), float64(33*asked); got > most || got < most-1 {
				t.Errorf("after it has asked %d times its score is %v, want %v", asked, got, most)
			}
			x.send(&wire.MsgMempool{})
			x.gone()
			synctest.Wait()
			if asked < 3 {
				x = m.dialWTx(a, 9)
			}
		}
		if len(a.Conns().Bans()) != 1 {
			t.Error("who asks again and again is not banned")
		}
	})
}

// TestAskedForThePool: on a network of one's own whoever connects is asked for its
// mempool and told of this node's when it asks, once for each link.
func TestAskedForThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 2)
		a := m.nodeWith(1, vfs.NewMem(), own)
		one, two := m.pay(2000), m.pay(1000)
		a.add(one, two)
		x := m.dial(a, 9)
		x.expect(wire.CmdMempool)
		time.Sleep(time.Minute)
		x.sync()
		x.send(&wire.MsgMempool{})
		x.expectTxs(wire.CmdInv, wire.InvVect{Type: wire.InvTx, Hash: one.TxID()}, wire.InvVect{Type: wire.InvTx, Hash: two.TxID()})
		x.send(&wire.MsgMempool{})
		time.Sleep(time.Minute)
		x.sync()
	})
}

// TestMinerComesBack has the miner off when a payment is made, then restart
// without its pool: it must hear of the payment each time, within 5 s.
func TestMinerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		with := func(c *Config) { // as the settings of a node have it there
			own(c)
			c.Network.TxWait = 0
			c.RelayDelayInbound, c.RelayDelayOutbound = 20*time.Millisecond, 20*time.Millisecond
		}
		forgetful := func(c *Config) { with(c); c.ForgetPool = true }
		central := m.nodeWith(1, vfs.NewMem(), with)
		payer := m.nodeWith(2, vfs.NewMem(), with, 1)
		miner := m.nodeWith(3, vfs.NewMem(), forgetful, 1)
		time.Sleep(time.Second)
		if !miner.Mempool().Info().Loaded {
			t.Error("a node that saves no mempool says that it is still reading one")
		}
		miner.stop()
		tx := m.pay(1000)
		payer.submit(tx)
		central.has(time.Minute, tx)
		payer.stop() // the payer need not be there any more
		for range 3 {
			time.Sleep(time.Hour)
			miner = m.nodeWith(3, miner.fs, forgetful, 1)
			miner.has(5*time.Second, tx)
			time.Sleep(time.Minute)
			miner.stop()
		}
	})
}

// TestLostAtPeer has a peer lose the payment while the link stays: it is
// announced again.
func TestLostAtPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		payer := m.node(1)
		x := m.dialWTx(payer, 9)
		x.sync()
		tx := m.pay(1000)
		payer.submit(tx)
		x.expectTxs(wire.CmdInv, wtx(tx))
		x.send(&wire.MsgGetData{Inv: []wire.InvVect{wtx(tx)}})
		x.expect(wire.CmdTx)
		at := time.Now()
		x.expectTxs(wire.CmdInv, wtx(tx))
		if d := time.Since(at); d < 9*time.Minute || d > 16*time.Minute {
			t.Errorf("after %v", d)
		}
	})
}

// TestPaymentsAreQuick: on a network of one's own a payment crosses two links that
// others have opened in less than half a second, as nobody waits for a better
// announcer that there is not. On Bitcoin's networks that takes longer.
func TestPaymentsAreQuick(t *testing.T) {
	for name, quick := range map[string]bool{"own": true, "Bitcoin's": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, 2)
				with := func(cfg *Config) {
					cfg.RelayDelayInbound, cfg.RelayDelayOutbound, cfg.Seed = 20*time.Millisecond, 20*time.Millisecond, [32]byte{7}
					if quick {
						own(cfg)
						cfg.Network.TxWait = 0
					}
				}
				central := m.nodeWith(1, vfs.NewMem(), with)
				payer := m.nodeWith(2, vfs.NewMem(), with, 1)
				miner := m.nodeWith(3, vfs.NewMem(), with, 1)
				m.dial(central, 8) // whom it did not choose
				patron := m.startWith(4, vfs.NewMem(), func(cfg *Config) { relaying(cfg); with(cfg) })
				patron.give(m.blocks...)
				if err := central.Conns().Add(addr(4)); err != nil { // one that it did
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				tx := m.pay(1000)
				payer.submit(tx)
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				if there := miner.Mempool().Get(tx.TxID()) != nil; there != quick {
					t.Errorf("after half a second it is there: %v", there)
				}
				miner.has(time.Minute, tx)
			})
		})
	}
}

// TestFreshNodeFills starts a node that has nothing, on a network of one's own. Its
// pool fills from its neighbour, once it has the chain.
func TestFreshNodeFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 130)
		relaying := func(cfg *Config) { relaying(cfg); own(cfg) }
		a := m.nodeWith(1, vfs.NewMem(), own)
		var txs []*wire.Tx
		for range 130 {
			txs = append(txs, m.pay(1000))
		}
		a.add(txs...)
		for i := range txs {
			txs = append(txs, spend(txs[i], 2000))
		}
		a.add(txs[130:]...)
		time.Sleep(time.Hour)
		b := m.startWith(2, vfs.NewMem(), relaying, 1)
		b.reach(last(m.blocks), time.Minute)
		b.has(2*time.Minute, txs...)
		c := m.startWith(3, vfs.NewMem(), relaying, 2)
		c.reach(last(m.blocks), time.Minute)
		c.has(2*time.Minute, txs...)
	})
}

// TestPackageRelay has a parent that pays nothing and a child that pays for it
// cross a line of nodes, in both orders of arrival.
func TestPackageRelay(t *testing.T) {
	for name, childFirst := range map[string]bool{"child first": true, "parent first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, 1)
				a := m.node(1)
				b := m.node(2, 1)
				x := m.dialWTx(a, 9)
				op, value := m.blocks[0].Coinbase()
				out := func(v int64) []wire.TxOut {
					return []wire.TxOut{{Value: v - 1000, Script: chaintest.AnyoneCanSpend}, {Value: 1000, Script: chaintest.AnyoneCanSpend}}
				}
				parent := wire.NewTx(3, []wire.TxIn{{PrevOut: op}}, out(value), 0)
				child := wire.NewTx(3, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: parent.TxID()}}}, out(value-20_000), 0)
				ask := wire.InvVect{Type: wire.InvWitnessTx, Hash: parent.TxID()}
				if childFirst {
					x.send(&wire.MsgTx{Tx: child})
					x.expectTxs(wire.CmdGetData, ask)
					x.send(&wire.MsgTx{Tx: parent})
				} else {
					x.send(&wire.MsgTx{Tx: parent})
					x.sync()
					a.lacks(parent)
					x.send(&wire.MsgTx{Tx: child})
					x.expectTxs(wire.CmdGetData, ask)
					x.send(&wire.MsgTx{Tx: parent})
				}
				a.has(time.Second, parent, child)
				b.has(time.Minute, parent, child)
			})
		})
	}
}
