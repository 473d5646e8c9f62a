package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"starling/params"
	"starling/rpc/rpctypes"
)

// fading is a context that ends after it has been looked at some times, as that
// of a caller who goes in the middle of a loop.
type fading struct {
	context.Context
	left int
}

func (f *fading) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return f.Context.Err()
}

// TestCallerGone runs the calls that can take long for callers who go. Those
// that wait end at once, those that work do no more.
func TestCallerGone(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	to := regtestAddress(t)
	hashes := get[[]string](n, "generatetoaddress", 50, to)
	tip := n.chain.Tip()
	zero := strings.Repeat("00", 32)

	for _, call := range []struct{ method, args string }{
		{"waitfornewblock", `[]`}, {"waitforblock", `["` + zero + `"]`}, {"waitforblockheight", `[1000]`},
		{"getblocktemplate", `[{"rules":["segwit"],"longpollid":"` + tip.Hash.String() + `0"}]`},
		{"getpeermessages", `[0,1000000000]`}, {"stop", `[1000000000]`},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = n.table.Lookup(call.method).Call(ctx, json.RawMessage(call.args))
		}()
		for range 100 {
			runtime.Gosched() // let it begin to wait
		}
		cancel()
		<-done // or the test never ends
	}

	for _, call := range []struct{ method, args string }{
		{"gettxoutsetinfo", `[]`}, {"gettxoutsetinfo", `["muhash"]`}, {"verifychain", `[4,0]`},
		{"deriveaddresses", `["addr(` + to + `)#checksum",[0,100]]`}, {"invalidateblock", `["` + hashes[0] + `"]`},
		{"generatetoaddress", `[100000,"` + to + `"]`},
	} {
		if call.method == "deriveaddresses" {
			desc := get[rpctypes.DescriptorInfo](n, "getdescriptorinfo", "wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/0/*)")
			call.args = `["` + desc.Descriptor + `",[0,999999]]`
		}
		got, err := n.table.Lookup(call.method).Call(&fading{t.Context(), 5}, json.RawMessage(call.args))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s for a caller who has gone: %v, %v", call.method, asJSON(got), err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	scan, err := n.table.Lookup("scantxoutset").Call(gone, json.RawMessage(`["start",["addr(`+to+`)"]]`))
	if r, ok := scan.(rpctypes.ScanResult); ok && r.Success || !ok && !errors.Is(err, context.Canceled) {
		t.Errorf("scantxoutset for a caller who has gone: %+v, %v", scan, err)
	}
	// What was begun and not done leaves the chain as it was.
	if err := n.chain.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.chain.Tip(); got.Height < tip.Height || got.Height > tip.Height+10 || got.Ancestor(tip.Height) != tip {
		t.Errorf("the tip went from height %d to %d", tip.Height, got.Height)
	}
}
