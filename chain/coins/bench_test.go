package coins

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/store"
	"starling/wire"
)

// benchOuts and benchTxs make the blocks of the benchmarks: as many inputs as
// outputs, as on the main network.
const benchTxs, benchOuts = 500, 4

// benchBlock makes a block whose transactions spend those of the block before.
func benchBlock(prev *wire.Block, n uint32) *wire.Block {
	out := make([]wire.TxOut, benchOuts)
	for i := range out {
		out[i] = wire.TxOut{Value: 5000, Script: binary.LittleEndian.AppendUint64([]byte{0, 20, 18: 0}, uint64(i))[:22]}
	}
	txs := []*wire.Tx{wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}}}, out, n)}
	var parent wire.Hash
	if prev != nil {
		parent = prev.Hash()
	}
	for i := range benchTxs {
		// The transactions of the first block spend nothing that there is.
		in := []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}, Index: uint32(i)}}}
		if prev != nil {
			in = in[:0]
			for j := range benchOuts {
				in = append(in, wire.TxIn{PrevOut: wire.OutPoint{Hash: prev.Txs[i+1].TxID(), Index: uint32(j)}})
			}
		}
		txs = append(txs, wire.NewTx(1, in, out, n<<16|uint32(i)))
	}
	return wire.NewBlock(wire.Header{PrevBlock: parent, Nonce: n}, txs)
}

// benchCache returns a cache with the outputs of one block, which spends nothing.
func benchCache(b *testing.B) (*Cache, *store.DB, *wire.Block) {
	b.Helper()
	c, db := openCache(b, vfs.NewMem())
	first := benchBlock(nil, 1)
	c.Replay(first, 1)
	return c, db, first
}

func BenchmarkGet(b *testing.B) {
	c, db, first := benchCache(b)
	defer db.Close()
	get := func(b *testing.B, known bool) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			op := wire.OutPoint{Hash: first.Txs[i%benchTxs+1].TxID(), Index: uint32(i % benchOuts)}
			if !known {
				op.Hash[3] ^= 1
			}
			if _, ok, _, err := c.Get(op); ok != known || err != nil {
				b.Fatal(ok, err)
			}
		}
	}
	b.Run("cached", func(b *testing.B) { get(b, true) })
	if _, err := c.Flush(true, nil); err != nil {
		b.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	b.Run("stored", func(b *testing.B) { get(b, true) })
	b.Run("unknown", func(b *testing.B) { get(b, false) })
}

// BenchmarkBlock connects blocks of 2,000 inputs and outputs.
func BenchmarkBlock(b *testing.B) {
	for _, bc := range []struct {
		name  string
		every int // blocks between flushes that empty the cache; 0 for none
	}{{"cached", 0}, {"flushed", 1}} {
		b.Run(bc.name, func(b *testing.B) {
			c, db, prev := benchCache(b)
			defer db.Close()
			b.ReportAllocs()
			for n := uint32(2); b.Loop(); n++ {
				b.StopTimer()
				next := benchBlock(prev, n)
				b.StartTimer()
				ch, err := c.Resolve(next, int32(n), true, c.Prefetch(next))
				if err != nil {
					b.Fatal(err)
				}
				c.Apply(ch, nil)
				if bc.every != 0 {
					if _, err := c.Flush(true, nil); err != nil {
						b.Fatal(err)
					}
				}
				prev = next
			}
		})
	}
}

func BenchmarkDisconnect(b *testing.B) {
	c, db, first := benchCache(b)
	defer db.Close()
	next := benchBlock(first, 2)
	b.ReportAllocs()
	for b.Loop() {
		ch, err := c.Resolve(next, 2, true, nil)
		if err != nil {
			b.Fatal(err)
		}
		c.Apply(ch, nil)
		if err := c.Disconnect(next, ch.Undo(), 2, false, nil); err != nil {
			b.Fatal(err)
		}
	}
}
