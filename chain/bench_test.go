package chain_test

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/params"
	"starling/wire"
)

// BenchmarkConnect takes blocks of 300 transactions from their bytes to the tip.
func BenchmarkConnect(b *testing.B) {
	const txs, blocks = 300, 60
	m := chaintest.New(params.Regtest())
	parent := m.Genesis()
	var all []chaintest.Block
	add := func(fees int64, txs ...*wire.Tx) {
		parent = m.Next(parent, fees, txs...)
		all = append(all, parent)
	}
	for range 101 {
		add(0)
	}
	op, value := all[0].Coinbase()
	split := chaintest.Spend(op, value, 0, txs)
	add(0, split)
	from := make([]*wire.Tx, txs)
	at := func(i int) (wire.OutPoint, int64) {
		if from[i] == nil {
			return wire.OutPoint{Hash: split.TxID(), Index: uint32(i)}, split.Out[i].Value
		}
		return wire.OutPoint{Hash: from[i].TxID()}, from[i].Out[0].Value
	}
	for range blocks {
		for i := range from {
			op, value := at(i)
			from[i] = chaintest.Spend(op, value, 0, 1)
		}
		add(0, from...)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c, err := chain.Open(chain.Config{Network: params.Regtest(), FS: vfs.NewMem(), Dir: "data", DBCache: chain.MinDBCache, Workers: 2})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		b.StartTimer()
		for _, next := range all {
			if o := c.Process(ctx, chain.Incoming{Raw: next.Bytes(), Requested: true}); o.Err != nil {
				b.Fatal(o.Err)
			}
		}
		b.StopTimer()
		cancel()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
