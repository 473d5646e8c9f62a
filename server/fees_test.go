package server

import (
	"runtime"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/clock"
	"starling/mempool/feeest"
	"starling/params"
	"starling/wire"
)

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
