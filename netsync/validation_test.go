package netsync

import (
	"testing"
	"time"

	"github.com/holiman/uint256"

	"starling/chain/headertree"
)

// storeSlowly stores a block at once and has it connected when those before it
// have been. As the real chain does, it tells that the block is stored when it
// is connected, or at once if an ancestor is missing.
func (s *sim) storeSlowly(n *headertree.Node) {
	n.SetData(&headertree.Data{Size: s.chain.size})
	s.ahead++
	s.most = max(s.most, s.ahead)
	for _, o := range s.remotes {
		delete(o.asked, n.Hash)
	}
	for a := n.Parent; ; a = a.Parent {
		if s.chain.onChain[a] {
			break
		}
		if a.Data() == nil {
			s.act(s.m.BlockStored(s.now, n.Hash))
			break
		}
	}
	s.validate()
}

// validate connects the stored blocks after the tip, one at a time.
func (s *sim) validate() {
	next := s.chain.tree.Best().Ancestor(s.chain.tip.Height + 1)
	if s.validating || next == nil || next.Data() == nil {
		return
	}
	s.validating = true
	s.after(s.validation, func() {
		s.validating = false
		if next.Data() == nil {
			return // it was lost
		}
		s.chain.onChain[next] = true
		s.chain.tip = next
		s.ahead--
		s.act(s.m.BlockStored(s.now, next.Hash))
		s.act(s.m.TipChanged(s.now))
		s.validate()
	})
}

// TestWindowFollowsValidation downloads from fast peers while validation is
// slow. Blocks stored ahead of the tip are bounded in number, on a pruned node
// in bytes, and no peer is dropped for what is this node's own slowness.
func TestWindowFollowsValidation(t *testing.T) {
	const size = 1 << 20
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 3000, 0)
	ms := time.Millisecond
	for _, tc := range []struct {
		name  string
		first remote
		joins time.Duration // the first peer, after the others
		block time.Duration // that the others need for a block
		cfg   Config
		limit int // blocks
	}{
		{name: "by number", first: remote{block: 2 * ms}, block: ms, limit: windowSize},
		// What waits below a slow peer's blocks is not what the peer holds up.
		{name: "by number, and a slow peer joins", first: remote{block: 30 * time.Second}, joins: time.Second, block: 5 * ms, limit: windowSize},
		{name: "by bytes", first: remote{block: 2 * ms}, block: ms, cfg: Config{Pruned: true, PrunedWindow: 100 * size}, limit: 100 + 1},
		{name: "by bytes with a slow peer", first: remote{block: 90 * ms}, block: ms, cfg: Config{Pruned: true, PrunedWindow: 100 * size}, limit: 100 + 1},
		// Its blocks are asked of others although the window is full.
		{name: "by bytes, and a peer goes", first: remote{noBlocks: true, vanishes: 1500 * ms}, block: 10 * ms,
			cfg: Config{Pruned: true, PrunedWindow: 40 * size}, limit: 40 + 4*maxInFlight},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSim(t, w, new(uint256.Int))
			s.config = func(cfg *Config) { cfg.Pruned, cfg.PrunedWindow = tc.cfg.Pruned, tc.cfg.PrunedWindow }
			s.reset()
			s.validation, s.chain.size = 100*ms, size
			first := tc.first
			first.name, first.info, first.tip, first.delay = "first", outbound(), tip, 20*ms
			if tc.joins == 0 {
				s.connect(&first)
			}
			for _, name := range []string{"second", "third", "fourth"} {
				s.connect(&remote{name: name, info: outbound(), tip: tip, delay: 20 * ms, block: tc.block})
			}
			if tc.joins > 0 {
				s.after(tc.joins, func() { s.connect(&first) })
			}
			s.run(10*time.Minute, s.synced(tip))
			t.Logf("at most %d blocks were stored ahead of the tip", s.most)
			if s.most > tc.limit {
				t.Errorf("%d blocks were stored ahead of the tip, want at most %d", s.most, tc.limit)
			}
			for _, r := range s.remotes {
				if len(r.drops) > 0 {
					t.Errorf("%s was dropped for %v", r.name, r.drops)
				}
			}
		})
	}
}

// TestLostBlockIsFetchedAgain loses the stored block that is next to be
// connected, with the ones after it still there.
func TestLostBlockIsFetchedAgain(t *testing.T) {
	w := newWorld()
	tip := w.grow(w.tree.Genesis(), 300, 0)
	s := newSim(t, w, new(uint256.Int))
	s.validation = 50 * time.Millisecond
	for _, name := range []string{"first", "second"} {
		s.connect(&remote{name: name, info: outbound(), tip: tip, delay: time.Millisecond, block: time.Millisecond})
	}
	s.run(time.Minute, func() bool { return s.chain.tip.Height == 100 && s.ahead > 50 })
	next := s.chain.tree.Best().Ancestor(101)
	next.SetData(nil)
	s.ahead--
	s.act(s.m.BlockRejected(s.now, next.Hash)) // as the chain tells whoever waits for it
	s.run(time.Minute, s.synced(tip))
	if n := s.fetched[next.Hash]; n != 2 {
		t.Errorf("the lost block was asked for %d times", n)
	}
}

// TestDeepBranchIsFetchedWhole has a branch that must grow by more than the
// window before it has more work than the tip.
func TestDeepBranchIsFetchedWhole(t *testing.T) {
	w := newWorld()
	s := newSim(t, w, new(uint256.Int))
	old := w.grow(w.tree.Genesis(), 1500, 0)
	branch := w.grow(old.Ancestor(100), 1450, 1)
	s.now = s.now.Add(24 * time.Hour)
	s.chain.give(old)
	s.connect(&remote{name: "peer", info: outbound(), tip: branch, delay: time.Millisecond, block: time.Millisecond})
	s.run(time.Minute, s.synced(branch))
}
