package chain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// headersOf returns the headers of blocks.
func headersOf(blocks []chaintest.Block) []wire.Header {
	hs := make([]wire.Header, len(blocks))
	for i := range blocks {
		hs[i] = blocks[i].Header
	}
	return hs
}

// scriptsSeen notes of which blocks the scripts were checked.
type scriptsSeen struct {
	chain.NopObserver
	checked map[wire.Hash]bool
}

func (s *scriptsSeen) BlockConnected(n *headertree.Node, stats chain.ConnectStats) {
	s.checked[n.Hash] = stats.ScriptsChecked
}

// A block whose script fails gets into the chain only where the assume-valid
// block vouches for it, and each condition of that keeps it out alone.
func TestAssumeValid(t *testing.T) {
	net := params.Regtest()
	net.CoinbaseMaturity = 1
	m := chaintest.New(net)
	first := m.Next(m.Genesis(), 0)
	op, value := first.Coinbase()
	returns := wire.NewTx(2, []wire.TxIn{{PrevOut: op, Script: []byte{0x6a}}}, // OP_RETURN
		[]wire.TxOut{{Value: value, Script: chaintest.AnyoneCanSpend}}, 0)
	bad := m.Next(first, 0, returns)

	// Two weeks of work are 2,016 blocks of ten minutes.
	const twoWeeks = 2016
	after := m.Chain(bad, twoWeeks+1)
	branch := append([]chaintest.Block{first, bad}, after...)
	other := append([]chaintest.Block{first}, m.Chain(first, twoWeeks+3)...)
	last := branch[len(branch)-1].Hash()
	// A regtest block stands for two hashes, the genesis block too.
	work := uint64(2 * (1 + len(branch)))

	for _, c := range []struct {
		name     string
		headers  [][]chaintest.Block
		assumed  wire.Hash
		minimum  uint64
		accepted bool
	}{
		{"assumed block far above", [][]chaintest.Block{branch}, last, 0, true},
		{"assumed block itself", [][]chaintest.Block{branch}, bad.Hash(), 0, true},
		{"one above the assumed block", [][]chaintest.Block{branch}, first.Hash(), 0, false},
		{"nothing is assumed valid", [][]chaintest.Block{branch}, wire.Hash{}, 0, false},
		{"header of the assumed block not known", [][]chaintest.Block{branch}, other[9].Hash(), 0, false},
		{"assumed block on another branch", [][]chaintest.Block{branch, other[:10]}, other[9].Hash(), 0, false},
		{"not in the best header chain", [][]chaintest.Block{branch, other}, last, 0, false},
		{"in the best of two header chains", [][]chaintest.Block{branch, other[:len(other)-2]}, last, 0, true},
		{"best header has just the minimum work", [][]chaintest.Block{branch}, last, work, true},
		{"best header lacks one hash of the minimum work", [][]chaintest.Block{branch}, last, work + 1, false},
		{"two weeks of work on top and no more", [][]chaintest.Block{branch[:twoWeeks+2]}, branch[9].Hash(), 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := scriptsSeen{checked: map[wire.Hash]bool{}}
			r := start(t, vfs.NewMem(), func(cfg *chain.Config) {
				cfg.Network = params.Regtest()
				cfg.Network.CoinbaseMaturity = 1
				cfg.Network.AssumeValid = c.assumed
				cfg.Network.MinimumChainWork = uint256.NewInt(c.minimum)
				cfg.Observer = &seen
			})
			for _, h := range c.headers {
				if _, _, err := r.AcceptHeaders(headersOf(h)); err != nil {
					t.Fatal(err)
				}
			}
			r.give(first)
			o := r.Process(t.Context(), chain.Incoming{Raw: bad.Bytes(), Requested: true})
			if c.accepted {
				if o.Err != nil {
					t.Fatalf("refused: %v", o.Err)
				}
				r.wantTip(bad)
			} else {
				var rule *consensus.RuleError
				if !errors.As(o.Err, &rule) || !strings.HasPrefix(rule.Reason, "block-script-verify-flag-failed") {
					t.Fatalf("outcome: %v", o.Err)
				}
				r.wantTip(first)
			}
			r.close()
			if checked, connected := seen.checked[bad.Hash()]; connected != c.accepted || checked {
				t.Errorf("connected %v, scripts checked %v", connected, checked)
			}
		})
	}
}

// Only scripts are taken on trust: whatever else a block must keep to is
// checked below the assume-valid block too.
func TestAssumeValidChecksTheRest(t *testing.T) {
	m := chaintest.New(params.Regtest())
	first := m.Next(m.Genesis(), 0)
	op, value := first.Coinbase()
	for _, c := range []struct {
		name, reason string
		bad          chaintest.Block
	}{
		{"pays too much", "bad-cb-amount", m.Next(first, 1)},
		{"immature coinbase", "bad-txns-premature-spend-of-coinbase", m.Next(first, 0, chaintest.Spend(op, value, 0, 1))},
		{"missing input", "bad-txns-inputs-missingorspent", m.Next(first, 0, chaintest.Spend(wire.OutPoint{Hash: wire.Hash{1}}, 10, 0, 1))},
	} {
		t.Run(c.name, func(t *testing.T) {
			branch := append([]chaintest.Block{first, c.bad}, m.Chain(c.bad, 2017)...)
			r := start(t, vfs.NewMem(), func(cfg *chain.Config) { cfg.Network.AssumeValid = c.bad.Hash() })
			if _, _, err := r.AcceptHeaders(headersOf(branch)); err != nil {
				t.Fatal(err)
			}
			r.give(first)
			o := r.Process(t.Context(), chain.Incoming{Raw: c.bad.Bytes(), Requested: true})
			var rule *consensus.RuleError
			if !errors.As(o.Err, &rule) || rule.Reason != c.reason {
				t.Fatalf("outcome %v, want %s", o.Err, c.reason)
			}
			r.wantTip(first)
		})
	}
}
