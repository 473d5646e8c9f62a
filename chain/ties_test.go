package chain_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// TestTiesAfterInvalidate: of branches with as much work, the one whose blocks
// arrived first is the chain, also after an operator has changed what is valid.
func TestTiesAfterInvalidate(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 5)
	a, b, c := m.Chain(base[4], 3), m.Chain(base[4], 3), m.Chain(base[4], 3)
	// The order in which the blocks come is not that of the tree, and a parent
	// may come after its child.
	setup := func(t *testing.T) (*running, func(chaintest.Block) *headertree.Node) {
		r := start(t, vfs.NewMem(), nil)
		r.give(base...)
		for _, branch := range [][]chaintest.Block{a, b, c} {
			var headers []wire.Header
			for _, x := range branch {
				headers = append(headers, x.Header)
			}
			if _, _, err := r.AcceptHeaders(headers); err != nil {
				t.Fatal(err)
			}
		}
		r.give(c[0], b[0], a[0], a[1], c[2], b[1], b[2], a[2], c[1])
		r.wantTip(b[2])
		return r, func(x chaintest.Block) *headertree.Node { return r.Headers().Lookup(x.Hash()) }
	}
	t.Run("a branch", func(t *testing.T) {
		r, node := setup(t)
		if err := r.Invalidate(t.Context(), node(b[0])); err != nil {
			t.Fatal(err)
		}
		r.wantTip(a[2])
		if err := r.Invalidate(t.Context(), node(a[0])); err != nil {
			t.Fatal(err)
		}
		r.wantTip(c[2])
		if err := r.Reconsider(t.Context(), node(a[2])); err != nil {
			t.Fatal(err)
		}
		r.wantTip(a[2])
		if err := r.Reconsider(t.Context(), node(b[2])); err != nil {
			t.Fatal(err)
		}
		r.wantTip(b[2])
	})
	t.Run("below the tip", func(t *testing.T) {
		r, node := setup(t)
		for _, x := range []chaintest.Block{b[2], a[2], c[2]} {
			if err := r.Invalidate(t.Context(), node(x)); err != nil {
				t.Fatal(err)
			}
		}
		r.wantTip(a[1]) // its second block came before that of the others
	})
}

// TestSenderOnASideBranch: who gave a block that has no more work than the tip
// answers for it when it is connected at last.
func TestSenderOnASideBranch(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 5)
	bad := m.Next(base[3], 1) // a fee that nobody pays
	on := m.Next(bad, 0)
	type blame struct {
		from any
		hash wire.Hash
	}
	told := make(chan blame, 4)
	r := start(t, vfs.NewMem(), func(cfg *chain.Config) {
		cfg.OnInvalid = func(from any, hash wire.Hash, _ error) { told <- blame{from, hash} }
	})
	r.give(base...)
	for from, x := range []chaintest.Block{bad, on} {
		if o := r.Process(t.Context(), chain.Incoming{Raw: x.Bytes(), Origin: from, Requested: true}); from == 0 && o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	r.wantTip(base[4])
	if got, want := <-told, (blame{0, bad.Hash()}); got != want {
		t.Errorf("%v is blamed for %v, want %v", got.from, got.hash, want)
	}
	if len(told) > 0 {
		t.Errorf("%v is blamed as well", <-told)
	}
}
