package chain_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/params"
)

// TestKeep cuts the power right after a block was kept, with all lost that was
// not synced. The next block, which was not kept, shows that it was.
func TestKeep(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 3)
	mem := vfs.NewCrashableMem()
	r := start(t, mem, nil)
	r.give(blocks[:2]...)
	if err := r.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.give(blocks[2])
	after := mem.CrashClone(vfs.CrashCloneCfg{RNG: rand.New(rand.NewPCG(1, 2))})
	r.close()

	r = start(t, after, nil)
	defer r.close()
	if err := r.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantTip(blocks[1])
}
