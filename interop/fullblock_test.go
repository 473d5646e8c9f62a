package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/blockchain/fullblocktests"
	btcwire "github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// longTests is the environment variable that lets the long tests run, as
// make test-long does.
const longTests = "STARLING_TEST_LONG"

// TestFullBlocks feeds btcd's generated blocks, each made to keep or to break
// one rule, to a chain.
func TestFullBlocks(t *testing.T) {
	groups, err := fullblocktests.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	if len(groups) != 92 {
		t.Errorf("%d groups, want 92", len(groups))
	}
	t.Run("rules of the generator", func(t *testing.T) { playFullBlocks(t, generatorNet(), groups) })
	// The same with every rule of today from the start.
	t.Run("regtest", func(t *testing.T) { playFullBlocks(t, params.Regtest(), groups) })
}

// TestFullBlocksLong adds two reorganisations of more than a thousand blocks,
// one of them of full blocks.
func TestFullBlocksLong(t *testing.T) {
	if os.Getenv(longTests) == "" {
		t.Skip("takes gigabytes and minutes; set " + longTests + "=1 or use make test-long")
	}
	groups, err := fullblocktests.Generate(true)
	if err != nil {
		t.Fatal(err)
	}
	playFullBlocks(t, generatorNet(), groups)
}

// generatorNet returns the rules that the generator has in mind: regtest with
// BIP34, BIP65 and BIP66, but without what came after them.
func generatorNet() *params.Network {
	const never = 1 << 30
	n := params.Regtest()
	n.CSVHeight, n.SegwitHeight, n.TaprootHeight = never, never, never
	return n
}

// reasons lists what a chain may say of a block that the generator expects to
// fail with a certain code.
var reasons = map[blockchain.ErrorCode][]string{
	blockchain.ErrMissingTxOut:         {"bad-txns-inputs-missingorspent"},
	blockchain.ErrBadCoinbaseValue:     {"bad-cb-amount"},
	blockchain.ErrTooManySigOps:        {"bad-blk-sigops"},
	blockchain.ErrImmatureSpend:        {"bad-txns-premature-spend-of-coinbase"},
	blockchain.ErrBlockTooBig:          {"bad-blk-length"},
	blockchain.ErrBadCoinbaseScriptLen: {"bad-cb-length"},
	blockchain.ErrFirstTxNotCoinbase:   {"bad-cb-missing"},
	blockchain.ErrNoTransactions:       {"bad-blk-length"},
	blockchain.ErrHighHash:             {"high-hash"},
	blockchain.ErrTimeTooNew:           {"time-too-new"},
	blockchain.ErrTimeTooOld:           {"time-too-old"},
	// b48 has the header of b45, which has no transactions for its root of
	// zero and so can never be valid.
	blockchain.ErrBadMerkleRoot:        {"bad-txnmrklroot", "duplicate-invalid"},
	blockchain.ErrUnexpectedDifficulty: {"bad-diffbits", "high-hash"},
	blockchain.ErrMultipleCoinbases:    {"bad-cb-multiple"},
	// A transaction twice in a block: a mutation if the merkle root does not
	// show it, otherwise its inputs are spent the second time.
	blockchain.ErrDuplicateTx:       {"bad-txns-duplicate", "bad-txns-inputs-missingorspent"},
	blockchain.ErrSpendTooHigh:      {"bad-txns-in-belowout"},
	blockchain.ErrBadCoinbaseHeight: {"bad-cb-height"},
	// A transaction that is repeated overwrites its outputs, and spends what is
	// spent.
	blockchain.ErrOverwriteTx:   {"bad-txns-BIP30", "bad-txns-inputs-missingorspent"},
	blockchain.ErrUnfinalizedTx: {"bad-txns-nonfinal"},
}

// player drives one chain with test instances.
type player struct {
	t       *testing.T
	chain   *chain.Chain
	orphans []*btcwire.MsgBlock

	mu sync.Mutex
	// leaving holds what to check when a block leaves the best chain.
	leaving map[wire.Hash][]fullblocktests.BlockDisconnectExpectUTXO
}

// watcher looks at the UTXO set as soon as a block has left.
type watcher struct {
	chain.NopObserver
	p *player
}

func (w watcher) BlockDisconnected(n *headertree.Node) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	for _, item := range w.p.leaving[n.Hash] {
		op := wire.OutPoint{Hash: wire.Hash(item.OutPoint.Hash), Index: item.OutPoint.Index}
		if _, ok, _, err := w.p.chain.Coin(op); err != nil || ok != item.Expected {
			w.p.t.Errorf("%s after block %v left: exists %v (%v), want %v", item.Name, n.Hash, ok, err, item.Expected)
		}
	}
	delete(w.p.leaving, n.Hash)
}

// playFullBlocks plays all groups on a new chain.
func playFullBlocks(t *testing.T, net *params.Network, groups [][]fullblocktests.TestInstance) {
	p := &player{t: t, leaving: make(map[wire.Hash][]fullblocktests.BlockDisconnectExpectUTXO)}
	c, err := chain.Open(chain.Config{Network: net, FS: vfs.Default, Dir: t.TempDir(), Observer: watcher{p: p}})
	if err != nil {
		t.Fatal(err)
	}
	p.chain = c
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, group := range groups {
		for j, item := range group {
			if err := p.play(item); err != nil {
				t.Fatalf("group %d, item %d: %v", i, j, err)
			}
		}
	}
	for hash := range p.leaving {
		t.Errorf("block %v never left", hash)
	}
}

// play submits the block of an instance and checks what became of it.
func (p *player) play(item fullblocktests.TestInstance) error {
	switch it := item.(type) {
	case fullblocktests.AcceptedBlock:
		err := p.submit(it.Block)
		switch {
		case it.IsOrphan && reasonOf(err) == "prev-blk-not-found":
			return p.wantTip(it.Name, it.Block, false)
		case it.IsOrphan || err != nil:
			return fmt.Errorf("block %s: %v, want it to be accepted (orphan %v)", it.Name, err, it.IsOrphan)
		}
		return p.wantTip(it.Name, it.Block, it.IsMainChain)

	case fullblocktests.RejectedBlock:
		before := p.chain.Tip()
		orphans := len(p.orphans)
		err := p.submit(it.Block)
		if orphans > 0 && len(p.orphans) < orphans {
			// The block brought its orphans in, and what is wrong is wrong
			// with the last of them. The best block, which is checked next,
			// shows how far the chain has come.
			if err != nil {
				return fmt.Errorf("block %s: %v, want only its orphan to be rejected", it.Name, err)
			}
			return nil
		}
		if err == nil && it.RejectCode == blockchain.ErrDuplicateTx {
			// b56p2 holds transactions twice where the merkle root does not
			// show it. The second copy spends what is spent, which comes out
			// when its branch becomes the best, and this one never does.
			return p.wantTip(it.Name, it.Block, false)
		}
		want, known := reasons[it.RejectCode]
		if !known {
			return fmt.Errorf("block %s: no reason is known for %v", it.Name, it.RejectCode)
		}
		if got := reasonOf(err); !slices.Contains(want, got) {
			return fmt.Errorf("block %s: %v, want %v (%v)", it.Name, err, it.RejectCode, want)
		}
		if p.chain.Tip() != before {
			return fmt.Errorf("block %s was rejected, yet the best block changed", it.Name)
		}
		return p.wantTip(it.Name, it.Block, false)

	case fullblocktests.OrphanOrRejectedBlock:
		if got := reasonOf(p.submit(it.Block)); got != "prev-blk-not-found" && got != "bad-prevblk" {
			return fmt.Errorf("block %s: %q, want an orphan or a rejection", it.Name, got)
		}
		return p.wantTip(it.Name, it.Block, false)

	case fullblocktests.ExpectedTip:
		if err := p.wantTip(it.Name, it.Block, true); err != nil {
			return err
		}
		if got := p.chain.Tip().Height; got != it.Height {
			return fmt.Errorf("block %s: height %d, want %d", it.Name, got, it.Height)
		}
		return nil

	case fullblocktests.RejectedNonCanonicalBlock:
		before := p.chain.Tip()
		o := p.chain.Process(p.t.Context(), chain.Incoming{Raw: it.RawBlock, Requested: true})
		var rule *consensus.RuleError
		if !errors.As(o.Err, &rule) || rule.Kind != consensus.Mutated || p.chain.Tip() != before {
			return fmt.Errorf("block %s: %v, want it to count as damaged", it.Name, o.Err)
		}
		return nil

	case fullblocktests.BlockDisconnectExpectUTXO:
		p.mu.Lock()
		defer p.mu.Unlock()
		hash := wire.Hash(it.BlockHash)
		p.leaving[hash] = append(p.leaving[hash], it)
		return nil
	}
	return fmt.Errorf("unknown instance %T", item)
}

// submit hands a block to the chain, and after it the orphans that were kept,
// as long as one of them finds its parent. It returns what the chain said of
// the block itself.
func (p *player) submit(b *btcwire.MsgBlock) error {
	err := p.process(b)
	if reasonOf(err) == "prev-blk-not-found" {
		p.orphans = append(p.orphans, b)
		return err
	}
	for again := err == nil; again; {
		again = false
		for i, o := range p.orphans {
			if oerr := p.process(o); reasonOf(oerr) != "prev-blk-not-found" {
				p.orphans = slices.Delete(p.orphans, i, i+1)
				again = true
				break
			}
		}
	}
	return err
}

// process hands one block to the chain and returns why it was rejected. A
// block on another branch is accepted until a check of its scripts or coins,
// which waits for the branch to become the best, says otherwise.
func (p *player) process(b *btcwire.MsgBlock) error {
	var raw bytes.Buffer
	if err := b.Serialize(&raw); err != nil {
		return err
	}
	o := p.chain.Process(p.t.Context(), chain.Incoming{Raw: raw.Bytes(), Requested: true})
	return o.Err
}

// wantTip checks whether a block is the best.
func (p *player) wantTip(name string, b *btcwire.MsgBlock, want bool) error {
	tip := p.chain.Tip()
	if got := tip.Hash == wire.Hash(b.BlockHash()); got != want {
		return fmt.Errorf("block %s is the best: %v, want %v (the best has height %d)", name, got, want, tip.Height)
	}
	return nil
}

// reasonOf returns the reject reason of an error, or nothing if there is none.
func reasonOf(err error) string {
	var rule *consensus.RuleError
	if errors.As(err, &rule) {
		return rule.Reason
	}
	return ""
}
