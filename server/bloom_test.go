package server

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/chain/consensus"
	"starling/peer"
	"starling/wire"
)

func withBloom(cfg *Config) { cfg.BloomFilters = true }

// loaded has a peer load a filter of some items.
func (s *script) loaded(items ...[]byte) {
	s.t.Helper()
	s.send(&wire.MsgFilterLoad{Filter: make([]byte, 1000), HashFuncs: 20, Flags: wire.FilterUpdateAll})
	for _, it := range items {
		s.send(&wire.MsgFilterAdd{Data: it})
	}
	s.sync()
}

// dialLight connects a script that wants no transactions until it says so, and
// returns the services that it is told of.
func (w *world) dialLight(to *node, i byte) (*script, wire.ServiceFlag) {
	w.t.Helper()
	link, err := w.net.Host(netip.AddrFrom4([4]byte{10, i, 0, 1})).Dial(w.t.Context(), to.Listening()[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { link.Close() })
	s := &script{t: w.t, link: link, noise: commonNoise}
	s.send(&wire.MsgVersion{Version: 70016, UserAgent: "/light/"}, &wire.MsgVerack{})
	v := s.expect(wire.CmdVersion).(*wire.MsgVersion)
	s.expect(wire.CmdWTxIDRelay)
	s.expect(wire.CmdSendAddrV2)
	s.expect(wire.CmdVerack)
	return s, v.Services
}

func idOf(tx *wire.Tx) []byte {
	h := tx.TxID()
	return h[:]
}

// announced receives announcements of just the given transactions.
func (s *script) announced(txs ...*wire.Tx) {
	s.t.Helper()
	want := map[wire.Hash]bool{}
	for _, tx := range txs {
		want[tx.TxID()] = true
	}
	for len(want) > 0 {
		for _, v := range s.expect(wire.CmdInv).(*wire.MsgInv).Inv {
			if v.Type != wire.InvTx || !want[v.Hash] {
				s.t.Fatalf("told of %v", v)
			}
			delete(want, v.Hash)
		}
	}
}

// TestBloomRefused uses bloom filters where they are not served: that ends the
// link.
func TestBloomRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		a := w.start(1)
		for i, m := range []wire.Message{&wire.MsgFilterLoad{Filter: []byte{1}, HashFuncs: 1}, &wire.MsgFilterAdd{Data: []byte{1}}, &wire.MsgFilterClear{}} {
			s := w.dial(a, byte(10+i))
			s.send(m)
			s.gone()
		}
		if a.LocalServices().Has(wire.NodeBloom) {
			t.Error("it tells that it serves bloom filters")
		}
		w.dial(a, 10).sync() // nobody was banned
	})
}

// TestBloomRelay: a light client is told of what its filter wants, of more when it
// adds to it, and of all when it has none.
func TestBloomRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 8)
		a := m.nodeWith(1, vfs.NewMem(), withBloom)
		s, services := m.dialLight(a, 9)
		if !services.Has(wire.NodeBloom) {
			t.Errorf("told of %v", services)
		}
		quiet := func() {
			t.Helper()
			time.Sleep(time.Minute)
			s.sync()
		}
		early := m.pay(1000)
		a.add(early)
		quiet() // it wants none

		one, two, three := m.pay(1000), m.pay(1000), m.pay(1000)
		if c := a.candidates(); len(c) != 1 || c[0].RelaysTxs {
			t.Errorf("before it has a filter: %+v", c)
		}
		s.loaded(idOf(one))
		if c := a.candidates(); len(c) != 1 || !c[0].RelaysTxs || !c[0].Bloom {
			t.Errorf("since it has a filter: %+v", c)
		}
		if p := a.Peers()[0]; !p.RelaysTxs || !p.Relay.Wants {
			t.Errorf("since it has a filter: %+v", p)
		}
		a.add(one, two)
		s.announced(one)
		quiet()
		s.send(&wire.MsgFilterAdd{Data: idOf(three)})
		s.sync()
		child := spend(three, 1000) // not relevant: its parent's output pushes nothing
		a.add(three, child)
		s.announced(three)
		quiet()
		// It may ask for what the filter would not have told it.
		s.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvTx, Hash: two.TxID()}}})
		s.expect(wire.CmdTx)

		// All that the filter wants, again.
		s.send(&wire.MsgMempool{})
		s.announced(one, three)
		quiet()

		// What spends a relevant output follows without being asked for.
		s.send(&wire.MsgFilterAdd{Data: append(idOf(two), 0, 0, 0, 0)})
		s.sync()
		next := spend(two, 1000)
		a.add(next)
		s.announced(next)

		s.send(&wire.MsgFilterClear{})
		s.sync()
		last := m.pay(1000)
		a.add(last)
		s.announced(last)
	})
}

// TestBloomPool: a peer with a filter that asks for the pool is told what the
// filter wants of it.
func TestBloomPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 4)
		a := m.nodeWith(1, vfs.NewMem(), withBloom)
		one, two := m.pay(1000), m.pay(1000)
		a.add(one, two)
		s, _ := m.dialLight(a, 9)
		time.Sleep(time.Minute)
		s.loaded(idOf(two))
		time.Sleep(time.Minute)
		s.sync() // not unless it asks
		s.send(&wire.MsgMempool{})
		s.announced(two)
		time.Sleep(time.Minute)
		s.sync()
	})
}

// TestFilteredBlocks asks for blocks as a filter leaves them.
func TestFilteredBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 8)
		a := m.nodeWith(1, vfs.NewMem(), withBloom)
		var txs []*wire.Tx
		for range 5 {
			txs = append(txs, m.pay(0))
		}
		txs = append(txs, spend(txs[1], 0))
		b := m.gen.Next(last(m.blocks), 0, txs...)
		a.give(b)
		s, _ := m.dialLight(a, 9)
		ask := func(h ...wire.Hash) {
			var inv []wire.InvVect
			for _, h := range h {
				inv = append(inv, wire.InvVect{Type: wire.InvFilteredBlock, Hash: h})
			}
			s.send(&wire.MsgGetData{Inv: inv})
		}
		check := func(of chaintest.Block, want ...*wire.Tx) {
			t.Helper()
			mb := s.expect(wire.CmdMerkleBlock).(*wire.MsgMerkleBlock)
			tree := consensus.PartialMerkleTree{Total: mb.Total, Hashes: mb.Hashes, Flags: mb.Flags}
			root, proven, err := tree.Extract()
			if err != nil || mb.Header != of.Header || root != of.Header.MerkleRoot || len(proven) != len(want) {
				t.Fatalf("a proof of %d transactions, %v", len(proven), err)
			}
			for i, tx := range want {
				got := s.expect(wire.CmdTx).(*wire.MsgTx).Tx
				if proven[i].ID != tx.TxID() || got.TxID() != tx.TxID() || got.HasWitness() {
					t.Errorf("transaction %d is %v, proven %v", i, got.TxID(), proven[i])
				}
			}
		}
		ask(b.Hash())
		s.sync() // without a filter there is no answer
		s.loaded(idOf(txs[0]), append(idOf(txs[1]), 0, 0, 0, 0))
		ask(b.Hash(), m.blocks[3].Hash(), wire.Hash{1}, b.Hash())
		check(b, txs[0], txs[5])
		check(m.blocks[3])
		check(b, txs[0], txs[5])
		if nf := s.expect(wire.CmdNotFound).(*wire.MsgNotFound); len(nf.Inv) != 1 || nf.Inv[0].Hash != (wire.Hash{1}) {
			t.Errorf("not found: %v", nf.Inv)
		}
		// A filter without bits matches all.
		s.send(&wire.MsgFilterLoad{})
		ask(b.Hash())
		var all []*wire.Tx
		for i := range b.Txs {
			all = append(all, &b.Txs[i])
		}
		check(b, all...)
		ask(m.par.GenesisHash)
		check(chaintest.Block{Block: m.par.Genesis}, &m.par.Genesis.Txs[0])
		s.send(&wire.MsgFilterClear{})
		ask(b.Hash())
		s.sync()

		// A block that has just been sent on, before it is connected.
		recent := m.gen.Next(b, 0, m.pay(0))
		a.compact.recent.set(recent.Block)
		s.loaded(idOf(&recent.Txs[1]))
		ask(recent.Hash())
		check(recent, &recent.Txs[1])
	})
}

// TestBloomLimits sends what goes beyond the limits, and an addition to no filter:
// each ends the link.
func TestBloomLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		a := w.startWith(1, vfs.NewMem(), withBloom)
		s, _ := w.dialLight(a, 9)
		s.send(&wire.MsgFilterLoad{Filter: make([]byte, wire.MaxFilterSize), HashFuncs: wire.MaxFilterHashFuncs}, &wire.MsgFilterAdd{Data: make([]byte, wire.MaxFilterAdd)})
		s.sync()
		for i, m := range []wire.Message{
			&wire.MsgFilterLoad{Filter: make([]byte, wire.MaxFilterSize+1), HashFuncs: 1},
			&wire.MsgFilterLoad{Filter: make([]byte, 1), HashFuncs: wire.MaxFilterHashFuncs + 1},
			&wire.MsgFilterAdd{Data: make([]byte, wire.MaxFilterAdd+1)},
			&wire.MsgFilterAdd{Data: []byte{1}},
		} {
			s, _ := w.dialLight(a, byte(20+i))
			if i == 2 {
				s.loaded()
			}
			s.send(m)
			s.gone()
		}
	})
}

// TestBloomPermission: where bloom filters are not served, a peer with the
// permission may use them and is told so, and others are not.
func TestBloomPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 2)
		a := m.nodeWith(1, vfs.NewMem(), func(cfg *Config) {
			cfg.Permissions = func(h netip.Addr, _ peer.Kind) peer.Permissions {
				if h == netip.AddrFrom4([4]byte{10, 9, 0, 1}) {
					return peer.PermBloomFilter
				}
				return 0
			}
		})
		s, services := m.dialLight(a, 9)
		if !services.Has(wire.NodeBloom) {
			t.Error("it is not told")
		}
		one, two := m.pay(1000), m.pay(1000)
		s.loaded(idOf(two))
		a.add(one, two)
		s.announced(two)
		s.send(&wire.MsgMempool{})
		s.announced(two)
		other, services := m.dialLight(a, 8)
		if services.Has(wire.NodeBloom) {
			t.Error("another one is told")
		}
		other.send(&wire.MsgFilterLoad{})
		other.gone()
	})
}

// TestUnaskedMerkleBlock: nobody is asked for merkleblocks, and those that come are
// ignored.
func TestUnaskedMerkleBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5)
		a := w.start(1)
		a.give(w.gen.Chain(w.gen.Genesis(), 2)...)
		s := w.dial(a, 9)
		b := w.par.Genesis
		s.send(&wire.MsgMerkleBlock{Header: b.Header, Total: 1, Hashes: []wire.Hash{b.Txs[0].TxID()}, Flags: []byte{1}})
		s.sync()
		if a.Chain().Tip().Height != 2 {
			t.Error("the tip has moved")
		}
	})
}
