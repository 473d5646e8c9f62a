package server

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/clock"
	"starling/mempool/feeest"
	"starling/params"
	"starling/wire"
)

// TestFeesAreReadFirst has a block seen as soon as the node is open, as by a
// command that pays and mines at once. What is saved then can be read again.
func TestFeesAreReadFirst(t *testing.T) {
	fs := vfs.NewMem()
	clk := clock.NewMock(time.Unix(2_000_000_000, 0))
	cfg := Config{Network: params.Regtest(), FS: fs, Dir: "node", Clock: clk}
	for _, busy := range []bool{false, true, false} {
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if busy {
			id := wire.Hash{1}
			n.Fees().Added(feeest.Tx{ID: id, Fee: 500, VSize: 100})
			n.Fees().Block(1, []wire.Hash{id})
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		for !n.Mempool().Loaded() {
			runtime.Gosched()
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := feeest.New().Load(fs, "node/"+feesFile, clk.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFeesOutliveARestart has what was learned about fees saved at the end and
// read at the start, unless it is too old.
func TestFeesOutliveARestart(t *testing.T) {
	fs := vfs.NewMem()
	clk := clock.NewMock(time.Unix(2_000_000_000, 0))
	run := func(during func(*feeest.Estimator)) {
		t.Helper()
		n, stop := running(t, Config{Network: params.Regtest(), FS: fs, Dir: "node", Clock: clk})
		defer stop()
		for !n.Mempool().Loaded() { // which comes after the fees
			runtime.Gosched()
		}
		during(n.Fees())
	}
	var before, after feeest.Estimate
	run(func(e *feeest.Estimator) {
		for h := range int32(30) {
			var block []wire.Hash
			for i := range 5 {
				block = append(block, wire.Hash{byte(h), byte(i)})
			}
			e.Block(h+1, block)
			for i := range 5 {
				e.Added(feeest.Tx{ID: wire.Hash{byte(h + 1), byte(i)}, Height: h + 1, Fee: 500, VSize: 100})
			}
		}
		before, _ = e.Estimate(6, false)
	})
	run(func(e *feeest.Estimator) { after, _ = e.Estimate(6, false) })
	if before.Rate != 5000 || after != before {
		t.Errorf("%+v before, %+v after", before, after)
	}
	clk.Advance(61 * time.Hour)
	run(func(e *feeest.Estimator) {
		if _, err := e.Estimate(6, false); err == nil {
			t.Error("days-old fees are told")
		}
	})
}
