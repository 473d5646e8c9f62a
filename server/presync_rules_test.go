package server

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/transport/memnet"
	"starling/wire"
)

// TestPresyncCosts: a chain that has to show its work before it is kept has its
// headers fetched twice. The blocks are not, and beside them a second copy of the
// headers is little, in bytes and in time.
func TestPresyncCosts(t *testing.T) {
	const height, most = 2100, 1.1
	type cost struct {
		all, headers uint64 // bytes that came
		took         time.Duration
	}
	fetch := func(t *testing.T, gate bool) (c cost) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, height)
			blocks := w.heavy(height, 2000) // a thousandth of what is usual on the main network
			a := w.start(1)
			a.give(blocks...)
			change := withMinimum(0)
			if gate {
				change = withMinimum(height)
			}
			b := w.startWith(2, vfs.NewMem(), change)
			w.net.SetPath(a.host.IP(), b.host.IP(), memnet.Path{Latency: 20 * time.Millisecond, Bandwidth: 1_000_000})
			start := time.Now()
			if err := b.Conns().Add(addr(1)); err != nil {
				t.Fatal(err)
			}
			b.reach(last(blocks), time.Minute)
			c.took = time.Since(start)
			st := b.Peers()[0].Peer.Stats()
			c.all, c.headers = st.BytesIn, st.BytesInBy[wire.CmdHeaders]
		})
		return c
	}
	once, twice := fetch(t, false), fetch(t, true)
	if twice.headers < 2*once.headers {
		t.Errorf("%d bytes of headers came, and %d without a minimum: they were not fetched twice", twice.headers, once.headers)
	}
	if share := float64(twice.all) / float64(once.all); share > most {
		t.Errorf("%d bytes came, %.3f of the %d without a minimum", twice.all, share, once.all)
	}
	if share := float64(twice.took) / float64(once.took); share > most {
		t.Errorf("it took %v, %.3f of the %v without a minimum", twice.took, share, once.took)
	}
}

// heavy makes a chain of blocks whose coinbases are followed by a transaction that
// carries so many bytes.
func (w *world) heavy(n, size int) []chaintest.Block {
	w.t.Helper()
	const mature = 100
	blocks := w.gen.Chain(w.gen.Genesis(), mature)
	for i := range n - mature {
		op, value := blocks[i].Coinbase()
		data := append([]byte{0x6a, 0x4d, byte(size), byte(size >> 8)}, bytes.Repeat([]byte{1}, size)...) // pushed, and never spent
		tx := wire.NewTx(2, []wire.TxIn{{PrevOut: op}}, []wire.TxOut{{Value: value, Script: chaintest.AnyoneCanSpend}, {Script: data}}, 0)
		blocks = append(blocks, w.gen.Next(last(blocks), 0, tx))
	}
	return blocks
}
