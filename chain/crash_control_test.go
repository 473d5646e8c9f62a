package chain_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain/chaintest"
	"starling/params"
	"starling/wire"
)

// controlScript is a chain with two branches of one length, and what an operator
// does to it before the power goes.
type controlScript struct {
	crashScript
	base, a, b []chaintest.Block
	onA        []chaintest.Block // builds on a[1]
	bad        chaintest.Block   // builds on a[4] and breaks a rule
}

func newControlScript() *controlScript {
	net := params.Regtest()
	net.CoinbaseMaturity = 3
	m := chaintest.New(net)
	s := &controlScript{crashScript: crashScript{net: net}}
	s.base = m.Chain(m.Genesis(), 8)
	spend := func(at chaintest.Block, i, parts int) chaintest.Block {
		op, value := s.base[i].Coinbase()
		return m.Next(at, 0, chaintest.Spend(op, value, 1000, parts))
	}
	branch := func(at chaintest.Block, n, parts int) (blocks []chaintest.Block) {
		for i := range n {
			at = spend(at, i, parts)
			blocks = append(blocks, at)
		}
		return blocks
	}
	s.a, s.b = branch(s.base[7], 5, 2), branch(s.base[7], 5, 3)
	s.onA = []chaintest.Block{spend(s.a[1], 3, 4)}
	s.bad = spend(s.a[4], 0, 5) // what a[0] has spent already
	s.now = s.bad.Header.Time().Add(time.Hour)
	return s
}

// undisturbed returns the digest of the UTXO set of a node that has only ever
// seen the way to the block.
func (s *controlScript) undisturbed(way ...[]chaintest.Block) (sum [32]byte, err error) {
	n, err := s.open(vfs.NewMem(), nil)
	if err != nil {
		return sum, err
	}
	for _, blocks := range way {
		for _, b := range blocks {
			if err := n.give(b); err != nil {
				return sum, errors.Join(err, n.end())
			}
		}
	}
	sum, err = n.sum()
	return sum, errors.Join(err, n.end())
}

// What an operator has declared invalid, taken back or preferred holds after a
// power cut as it does after a clean stop, although the UTXO set on disk stands
// on the block that was declared invalid. The same goes for a block that breaks a
// rule.
func TestCrashAfterControl(t *testing.T) {
	s := newControlScript()
	type step func(n *crashNode) error
	give := func(blocks ...chaintest.Block) step {
		return func(n *crashNode) error {
			for _, b := range blocks {
				if err := n.give(b); err != nil {
					return err
				}
			}
			return n.Keep(n.ctx)
		}
	}
	invalidate := func(b chaintest.Block) step {
		return func(n *crashNode) error { return n.Invalidate(n.ctx, n.Headers().Lookup(b.Hash())) }
	}
	reconsider := func(b chaintest.Block) step {
		return func(n *crashNode) error { return n.Reconsider(n.ctx, n.Headers().Lookup(b.Hash())) }
	}
	precious := func(b chaintest.Block) step {
		return func(n *crashNode) error { return n.Precious(n.ctx, n.Headers().Lookup(b.Hash())) }
	}
	flush := step(func(n *crashNode) error { return n.Flush(n.ctx) })
	refused := step(func(n *crashNode) error {
		if n.give(s.bad) == nil {
			return errors.New("a block that breaks a rule was taken")
		}
		return nil
	})
	var cut step // nil
	for name, c := range map[string]struct {
		steps []step // nil is a power cut
		want  [][]chaintest.Block
	}{
		"invalid":                       {[]step{invalidate(s.a[2])}, [][]chaintest.Block{s.base, s.a[:2]}},
		"invalid, two cuts":             {[]step{invalidate(s.a[2]), cut}, [][]chaintest.Block{s.base, s.a[:2]}},
		"invalid, cut, lower":           {[]step{invalidate(s.a[2]), cut, invalidate(s.a[1])}, [][]chaintest.Block{s.base, s.a[:1]}},
		"invalid, mined on":             {[]step{invalidate(s.a[2]), give(s.onA...)}, [][]chaintest.Block{s.base, s.a[:2], s.onA}},
		"invalid, cut, mined on":        {[]step{invalidate(s.a[2]), cut, give(s.onA...)}, [][]chaintest.Block{s.base, s.a[:2], s.onA}},
		"invalid, other branch":         {[]step{invalidate(s.a[0]), give(s.b...)}, [][]chaintest.Block{s.base, s.b}},
		"invalid, flushed, lower":       {[]step{invalidate(s.a[3]), flush, invalidate(s.a[1])}, [][]chaintest.Block{s.base, s.a[:1]}},
		"taken back":                    {[]step{invalidate(s.a[2]), reconsider(s.a[2])}, [][]chaintest.Block{s.base, s.a}},
		"invalid, flushed, taken back":  {[]step{invalidate(s.a[2]), flush, reconsider(s.a[4])}, [][]chaintest.Block{s.base, s.a}},
		"invalid, cut, taken back":      {[]step{invalidate(s.a[2]), cut, reconsider(s.a[2])}, [][]chaintest.Block{s.base, s.a}},
		"precious, then invalid":        {[]step{give(s.b...), precious(s.b[4]), flush, invalidate(s.b[3])}, [][]chaintest.Block{s.base, s.a}},
		"precious, cut, then invalid":   {[]step{give(s.b...), precious(s.b[4]), flush, cut, invalidate(s.b[0])}, [][]chaintest.Block{s.base, s.a}},
		"breaks a rule":                 {[]step{refused}, [][]chaintest.Block{s.base, s.a}},
		"breaks a rule, below, invalid": {[]step{refused, invalidate(s.a[2])}, [][]chaintest.Block{s.base, s.a[:2]}},
	} {
		for _, percent := range []int{0, 100} {
			t.Run(fmt.Sprintf("%s, %d%% kept", name, percent), func(t *testing.T) {
				sum, err := s.undisturbed(c.want...)
				if err != nil {
					t.Fatal(err)
				}
				fs := vfs.NewCrashableMem()
				n, err := s.open(fs, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(give(s.base...)(n), give(s.a...)(n), n.end()); err != nil {
					t.Fatal(err)
				}
				if n, err = s.open(fs, nil); err != nil {
					t.Fatal(err)
				}
				for i, do := range append(c.steps, cut) {
					if do == nil {
						crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 2))})
						if err := n.end(); err != nil {
							t.Fatal(err)
						}
						fs = crashed
						if n, err = s.open(fs, nil); err != nil {
							t.Fatal(err)
						}
					} else if err := do(n); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
				}
				defer func() {
					if err := n.end(); err != nil {
						t.Error(err)
					}
				}()
				last := c.want[len(c.want)-1]
				want := last[len(last)-1]
				if err := n.Settle(n.ctx); err != nil {
					t.Fatal(err)
				}
				if tip := n.Tip(); tip.Hash != want.Hash() || tip.Failed() {
					t.Errorf("tip is %d %v, want %d %v", tip.Height, tip.Hash, want.Height, want.Hash())
				}
				if got, err := n.sum(); err != nil || got != sum {
					t.Errorf("the UTXO set is another one: %v", err)
				}
				if err := n.Verify(n.ctx, 4, 0); err != nil {
					t.Error(err)
				}
				if _, _, err := n.AcceptHeaders([]wire.Header{want.Header}); err != nil {
					t.Errorf("the header of the tip: %v", err)
				}
			})
		}
	}
}
