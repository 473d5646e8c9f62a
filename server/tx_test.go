package server

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/mempool"
	"starling/netsync/txdownload"
	"starling/peer"
	"starling/wire"
)

// TestFeeFilters follows the fee filters of both sides.
func TestFeeFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 3)
		a := m.node(1)
		x := m.dialWTx(a, 9)
		x.noise = x.noise[:len(x.noise)-1]
		if f := x.expect(wire.CmdFeeFilter).(*wire.MsgFeeFilter); f.FeeRate != 100 {
			t.Errorf("it asks for %d", f.FeeRate)
		}
		x.send(&wire.MsgFeeFilter{FeeRate: 5000})
		x.sync()
		low, high := m.pay(200), m.pay(10_000)
		a.submit(low, high)
		x.expectTxs(wire.CmdInv, wtx(high))
		time.Sleep(5 * time.Minute)
		x.sync() // nothing more
		if p := a.Peers()[0]; p.Relay.FeeFilter != 5000 || p.Peer.Prefs().FeeFilter != 5000 {
			t.Errorf("%+v", p.Relay)
		}
	})
}

// TestServeTx asks for transactions before and after they were announced, in all
// words.
func TestServeTx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 2)
		a := m.nodeWith(1, vfs.NewMem(), func(c *Config) { c.RelayDelayInbound = 100 * time.Second; c.PingTimeout = -1 })
		x := m.dialWTx(a, 9)
		x.sync()
		tx := m.pay(1000)
		a.submit(tx)
		x.send(&wire.MsgGetData{Inv: []wire.InvVect{wtx(tx)}})
		x.expectTxs(wire.CmdNotFound, wtx(tx))
		if n := len(a.Mempool().Unbroadcast()); n != 1 {
			t.Errorf("%d unbroadcast", n)
		}
		x.expectTxs(wire.CmdInv, wtx(tx))
		for _, typ := range []wire.InvType{wire.InvWTx, wire.InvWitnessTx, wire.InvTx} {
			x.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: typ, Hash: tx.TxID()}}})
			if got := x.expect(wire.CmdTx).(*wire.MsgTx); got.Tx.TxID() != tx.TxID() {
				t.Error("another transaction")
			}
		}
		if n := len(a.Mempool().Unbroadcast()); n != 0 {
			t.Errorf("%d unbroadcast", n)
		}
		none := wire.InvVect{Type: wire.InvWTx, Hash: wire.Hash{1}}
		x.send(&wire.MsgGetData{Inv: []wire.InvVect{none, wtx(tx)}})
		x.expect(wire.CmdTx)
		x.expectTxs(wire.CmdNotFound, none)
	})
}

// TestWitness relays a transaction with a witness. A copy without it, or with
// another one, must not keep the real one from coming, and peers are given it as
// they ask.
func TestWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		a := m.node(1)
		program := sha256.Sum256(chaintest.AnyoneCanSpend)
		op, value := m.blocks[0].Coinbase()
		parent := wire.NewTx(2, []wire.TxIn{{PrevOut: op}}, []wire.TxOut{{Value: value - 1000, Script: append([]byte{0, 32}, program[:]...)}}, 0)
		make := func(wit ...[]byte) *wire.Tx {
			return wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: parent.TxID()}, Witness: wire.NewWitness(wit...)}},
				[]wire.TxOut{{Value: value - 9000, Script: chaintest.AnyoneCanSpend}, {Value: 1000, Script: chaintest.AnyoneCanSpend}}, 0)
		}
		tx, stripped, mutated := make(chaintest.AnyoneCanSpend), make(), make([]byte{0x52})
		if tx.TxID() != stripped.TxID() || tx.TxID() != mutated.TxID() || tx.WTxID() == tx.TxID() {
			t.Fatal("not the same transaction")
		}
		x, y, z := m.dialWTx(a, 7), m.dialWTx(a, 8), m.dial(a, 9)
		a.add(parent)
		for _, s := range []*script{x, y, z} {
			s.expect(wire.CmdInv) // of the parent
		}
		x.send(&wire.MsgTx{Tx: stripped}, &wire.MsgTx{Tx: mutated})
		x.sync()
		a.lacks(tx)
		y.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}})
		y.expectTxs(wire.CmdGetData, wtx(tx))
		y.send(&wire.MsgTx{Tx: tx})
		a.has(time.Second, tx)
		x.expectTxs(wire.CmdInv, wtx(tx))
		z.expectTxs(wire.CmdInv, wire.InvVect{Type: wire.InvTx, Hash: tx.TxID()})
		for _, tc := range []struct {
			typ  wire.InvType
			hash wire.Hash
			want *wire.Tx
		}{{wire.InvWTx, tx.WTxID(), tx}, {wire.InvWitnessTx, tx.TxID(), tx}, {wire.InvTx, tx.TxID(), stripped}} {
			z.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: tc.typ, Hash: tc.hash}}})
			if got := z.expect(wire.CmdTx).(*wire.MsgTx).Tx; got.WTxID() != tc.want.WTxID() {
				t.Errorf("%v: another form", tc.typ)
			}
		}
		// Who announces by the other kind of id than agreed is not heard.
		other := spend(tx, 1000)
		x.send(&wire.MsgInv{Inv: []wire.InvVect{{Type: wire.InvTx, Hash: other.TxID()}}})
		z.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(other)}})
		time.Sleep(time.Minute)
		x.sync()
		z.sync()
	})
}

// TestForceRelay has a peer that may do so send what the pool has already: those
// who have not heard of it are told.
func TestForceRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		a := m.nodeWith(1, vfs.NewMem(), func(c *Config) {
			c.Permissions = func(a netip.Addr, _ peer.Kind) peer.Permissions {
				if a.As4()[1] == 8 {
					return peer.PermForceRelay | peer.PermRelay
				}
				return 0
			}
		})
		x, y := m.dialWTx(a, 8), m.dialWTx(a, 9)
		y.send(&wire.MsgFeeFilter{FeeRate: 20_000})
		y.sync()
		tx := m.pay(1000) // at 14,000
		a.add(tx)
		time.Sleep(time.Minute)
		y.send(&wire.MsgFeeFilter{FeeRate: 12_000}) // too little a change to begin anew
		time.Sleep(time.Minute)
		y.sync()
		x.send(&wire.MsgTx{Tx: tx})
		y.expectTxs(wire.CmdInv, wtx(tx))
	})
}

// TestInitialDownloadTakesNoTxs announces and sends transactions to a node that
// is still behind.
func TestInitialDownloadTakesNoTxs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 200) // more than a day's worth
		a := m.startWith(1, vfs.NewMem(), relaying)
		x := m.dialWTx(a, 9)
		x.noise = x.noise[:len(x.noise)-1]
		if f := x.expect(wire.CmdFeeFilter).(*wire.MsgFeeFilter); f.FeeRate < 9_000_000 {
			t.Errorf("it asks for %d", f.FeeRate)
		}
		tx := m.pay(1000)
		x.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}}, &wire.MsgTx{Tx: spend(tx, 1000)})
		time.Sleep(time.Minute)
		x.sync()
		if s := a.TxDownload().Stats(); s != (txdownload.Stats{}) {
			t.Errorf("%+v", s)
		}
		a.give(m.blocks...)
		for {
			r, err := x.receive()
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := r.(*wire.MsgFeeFilter); ok && f.FeeRate == 100 {
				break
			}
		}
		x.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}})
		for {
			r, err := x.receive()
			if err != nil {
				t.Fatal(err)
			}
			if g, ok := r.(*wire.MsgGetData); ok && g.Inv[0] == wtx(tx) {
				break
			}
		}
	})
}

// TestBlocksOnly breaks the rules of a node that wants no transactions.
func TestBlocksOnly(t *testing.T) {
	for name, breach := range map[string]func(tx *wire.Tx) wire.Message{
		"inv": func(tx *wire.Tx) wire.Message { return &wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}} },
		"tx":  func(tx *wire.Tx) wire.Message { return &wire.MsgTx{Tx: tx} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, 2)
				a := m.nodeWith(1, vfs.NewMem(), func(c *Config) {
					c.BlocksOnly = true
					c.Permissions = func(a netip.Addr, _ peer.Kind) peer.Permissions {
						if a.As4()[1] == 8 {
							return peer.PermRelay
						}
						return 0
					}
				})
				x := m.dialWTx(a, 9)
				x.send(breach(m.pay(1000)))
				x.gone()
				if len(a.Conns().Bans()) != 0 {
					t.Error("it is banned")
				}
				// Those who may relay are heard, and this node's own go out.
				y := m.dialWTx(a, 8)
				tx := m.pay(1000)
				y.send(&wire.MsgTx{Tx: tx})
				a.has(time.Second, tx)
				own := spend(tx, 1000)
				a.submit(own)
				z := m.dialWTx(a, 7)
				if inv := z.expect(wire.CmdInv).(*wire.MsgInv).Inv; len(inv) != 2 {
					t.Errorf("told of %v", inv)
				}
			})
		})
	}
}

// TestWantsNone connects a peer that has said that it wants no transactions.
func TestWantsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		a := m.node(1)
		link, err := m.net.Host(host(9)).Dial(t.Context(), a.Listening()[0])
		if err != nil {
			t.Fatal(err)
		}
		defer link.Close()
		x := &script{t: t, link: link, noise: []string{wire.CmdPing, wire.CmdGetHeaders, wire.CmdSendHeaders, wire.CmdSendCmpct,
			wire.CmdFeeFilter, wire.CmdVersion, wire.CmdVerack, wire.CmdWTxIDRelay, wire.CmdSendAddrV2}}
		x.send(&wire.MsgVersion{Version: 70016, UserAgent: "/script/"}, &wire.MsgVerack{})
		x.sync()
		tx := m.pay(1000)
		a.submit(tx)
		time.Sleep(15 * time.Minute)
		x.sync()
		x.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: wire.InvTx, Hash: tx.TxID()}}})
		x.expect(wire.CmdTx) // it may ask all the same
	})
}

// TestServeMempool asks for the whole pool with and without the permission.
func TestServeMempool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 3)
		a := m.nodeWith(1, vfs.NewMem(), func(c *Config) {
			c.Permissions = func(a netip.Addr, _ peer.Kind) peer.Permissions {
				if a.As4()[1] == 8 {
					return peer.PermMempool
				}
				return 0
			}
		})
		a.add(m.pay(1000), m.pay(1000), m.pay(1000))
		x := m.dialWTx(a, 9)
		x.send(&wire.MsgMempool{})
		x.gone()
		y := m.dialWTx(a, 8)
		time.Sleep(time.Minute)
		y.sync() // nothing at first
		y.send(&wire.MsgMempool{})
		if inv := y.expect(wire.CmdInv).(*wire.MsgInv).Inv; len(inv) != 3 {
			t.Error("when asked")
		}
	})
}

// TestInvalidTx sends what no block may hold. It is refused, remembered, and
// costs the sender nothing.
func TestInvalidTx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 1)
		a := m.node(1)
		x := m.dialWTx(a, 9)
		op, value := m.blocks[0].Coinbase()
		bad := chaintest.Spend(op, value, -1000, 2) // makes money
		x.send(&wire.MsgTx{Tx: bad})
		x.sync()
		a.lacks(bad)
		x.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(bad)}})
		time.Sleep(time.Minute)
		x.sync() // it is not asked for
		if err := a.SubmitTx(t.Context(), bad, 0); err == nil {
			t.Error("accepted by hand")
		} else if r := new(mempool.Rejection); !errors.As(err, &r) || r.Kind != mempool.Consensus {
			t.Errorf("%v", err)
		}
		if extra := a.compact.extra.All(); len(extra) != 1 || extra[0] != nil && extra[0].TxID() != bad.TxID() {
			t.Errorf("kept for compact blocks: %v", extra)
		}
		good := m.pay(1000)
		if err := a.SubmitTx(t.Context(), good, 1); err == nil {
			t.Error("accepted although it pays too much")
		}
		a.submit(good)
		a.submit(good) // twice is no error
	})
}

// TestTxFloods has a peer announce and send without end. What is kept is
// bounded, and an honest peer is served as before.
func TestTxFloods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMarket(t, 2)
		a := m.node(1)
		flood, honest := m.dialWTx(a, 8), m.dialWTx(a, 9)
		for i := range 4 {
			inv := make([]wire.InvVect, wire.MaxInv)
			for j := range inv {
				inv[j] = wire.InvVect{Type: wire.InvWTx, Hash: wire.Hash{byte(i), byte(j), byte(j >> 8), 7}}
			}
			flood.send(&wire.MsgInv{Inv: inv})
		}
		flood.noise = append(flood.noise, wire.CmdGetData)
		flood.sync()
		if p := a.Peers()[0]; p.TxsAnnounced != txdownload.MaxAnnounced {
			t.Errorf("%d tracked", p.TxsAnnounced)
		}
		tx := m.pay(1000)
		honest.send(&wire.MsgInv{Inv: []wire.InvVect{wtx(tx)}})
		at := time.Now()
		honest.expectTxs(wire.CmdGetData, wtx(tx))
		if d := time.Since(at); d > 3*time.Second {
			t.Errorf("asked after %v", d)
		}
		// Orphans: the flooder's announcements are used up, so that no more
		// parents are asked of it and none of its orphans is kept.
		for i := range uint32(50) {
			flood.send(&wire.MsgTx{Tx: chaintest.Spend(wire.OutPoint{Hash: wire.Hash{9}, Index: i}, 1000, 0, 2)})
		}
		flood.sync()
		if s := a.TxDownload().Stats(); s.Orphans != 0 {
			t.Errorf("%+v", s)
		}
		other := m.dialWTx(a, 7)
		other.noise = append(other.noise, wire.CmdGetData)
		for i := range uint32(4000) {
			other.send(&wire.MsgTx{Tx: chaintest.Spend(wire.OutPoint{Hash: wire.Hash{9}, Index: i}, 1000, 0, 2)})
		}
		other.sync()
		if s := a.TxDownload().Stats(); s.Orphans == 0 || s.Orphans > txdownload.MaxOrphanScore {
			t.Errorf("%+v", s)
		}
		honest.send(&wire.MsgTx{Tx: tx})
		a.has(time.Second, tx)
		flood.link.Close()
		other.link.Close()
		time.Sleep(time.Second)
		if s := a.TxDownload().Stats(); s != (txdownload.Stats{}) {
			t.Errorf("left over: %+v", s)
		}
	})
}
