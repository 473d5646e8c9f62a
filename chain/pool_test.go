package chain_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

// notingPool keeps what it is told: the block that the moves led to, and how
// many moves there were since the last TipMoving.
type notingPool struct {
	t     *testing.T
	c     *chain.Chain
	at    wire.Hash
	moves int
	tips  []wire.Hash
	seen  atomic.Pointer[headertree.Node]
}

func (p *notingPool) BlockConnected(n *headertree.Node, b *wire.Block) {
	if n.Parent.Hash != p.at || b.Hash() != n.Hash {
		p.t.Errorf("block %d connected while the pool stands on %v", n.Height, p.at)
	}
	p.at = n.Hash
	p.moves++
}

func (p *notingPool) BlockDisconnected(n *headertree.Node, b *wire.Block) {
	if n.Hash != p.at || b.Hash() != n.Hash {
		p.t.Errorf("block %d disconnected while the pool stands on %v", n.Height, p.at)
	}
	p.at = n.Parent.Hash
	p.moves++
}

func (p *notingPool) TipMoving(tip *headertree.Node, publish func()) {
	if tip.Hash != p.at || p.moves == 0 {
		p.t.Errorf("tip moves to %d after %d moves that led elsewhere", tip.Height, p.moves)
	}
	p.moves = 0
	p.tips = append(p.tips, tip.Hash)
	before := p.c.Tip()
	p.seen.Store(tip)
	if p.c.Tip() != before {
		p.t.Error("the tip moved before the pool published it")
	}
	publish()
	if p.c.Tip() != tip {
		p.t.Error("publishing did not move the tip")
	}
}

func TestPoolMovesWithTheTip(t *testing.T) {
	m := chaintest.New(params.Regtest())
	c, err := chain.Open(chain.Config{Network: params.Regtest(), FS: vfs.NewMem(), Dir: "data", Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := &notingPool{t: t, c: c, at: c.Tip().Hash}
	c.AttachPool(p)
	r := run(t, c)

	base := m.Chain(m.Genesis(), 3)
	r.give(base...)
	short, long := m.Chain(base[2], 1), m.Chain(base[2], 2)
	r.give(short...)
	r.give(long...)
	r.wantTip(long[1])

	// A longer branch whose last block is invalid leads there and back.
	bad := m.Chain(long[1], 1)[0]
	worse := m.Next(bad, 1) // takes a fee that nobody paid
	fork := []chaintest.Block{m.Next(long[0], 0)}
	fork = append(fork, m.Next(fork[0], 1))
	var rule *consensus.RuleError
	r.give(fork[0])
	if o := r.Process(t.Context(), chain.Incoming{Raw: fork[1].Bytes(), Requested: true}); !errors.As(o.Err, &rule) {
		t.Fatalf("a block that pays too much: %v", o.Err)
	}
	r.wantTip(long[1])
	if o := r.Process(t.Context(), chain.Incoming{Raw: bad.Bytes(), Requested: true}); o.Err != nil {
		t.Fatal(o.Err)
	}
	if o := r.Process(t.Context(), chain.Incoming{Raw: worse.Bytes(), Requested: true}); !errors.As(o.Err, &rule) {
		t.Fatalf("a block that pays too much: %v", o.Err)
	}
	r.wantTip(bad)
	if err := r.Invalidate(t.Context(), r.Tip()); err != nil {
		t.Fatal(err)
	}
	r.wantTip(long[1])
	r.close()
	if p.moves != 0 {
		t.Errorf("%d moves that no tip followed", p.moves)
	}
	for _, b := range []chaintest.Block{base[2], short[0], long[1], bad} {
		if !slices.Contains(p.tips, b.Hash()) {
			t.Errorf("the pool never saw block %d as the tip", b.Height)
		}
	}
}

func TestPrecious(t *testing.T) {
	m := chaintest.New(params.Regtest())
	r := start(t, vfs.NewMem(), nil)
	base := m.Chain(m.Genesis(), 2)
	r.give(base...)
	first, second := m.Chain(base[1], 3), m.Chain(base[1], 3)
	r.give(first...)
	r.give(second...)
	r.wantTip(first[2])
	prefer := func(b chaintest.Block) {
		t.Helper()
		if err := r.Precious(t.Context(), r.Headers().Lookup(b.Hash())); err != nil {
			t.Fatal(err)
		}
	}
	prefer(second[2])
	r.wantTip(second[2])
	prefer(first[2])
	r.wantTip(first[2])
	prefer(second[1]) // less work: nothing happens
	r.wantTip(first[2])
	next := m.Next(second[2], 0)
	r.give(next)
	r.wantTip(next)
}

func TestCheckProposal(t *testing.T) {
	m := chaintest.New(params.Regtest())
	r := start(t, vfs.NewMem(), nil)
	blocks := m.Chain(m.Genesis(), 101)
	r.give(blocks...)
	op, value := blocks[0].Coinbase()
	pay := chaintest.Spend(op, value, 1000, 2)
	young, youngValue := blocks[50].Coinbase()
	unworked := func(b chaintest.Block) *wire.Block {
		h := b.Header
		h.Nonce++ // every second hash is no proof of work
		for consensus.CheckProofOfWork(h.Hash(), h.Bits, params.Regtest()) == nil {
			h.Nonce++
		}
		txs := make([]*wire.Tx, len(b.Txs))
		for i := range txs {
			txs[i] = &b.Txs[i]
		}
		return wire.NewBlock(h, txs)
	}
	tip := blocks[100]
	for _, c := range []struct {
		name   string
		b      chaintest.Block
		reason string
	}{
		{"empty", m.Next(tip, 0), ""},
		{"with a payment", m.Next(tip, 1000, pay), ""},
		{"takes too much", m.Next(tip, 1001, pay), "bad-cb-amount"},
		{"spends a young coinbase", m.Next(tip, 1000, chaintest.Spend(young, youngValue, 1000, 1)), "bad-txns-premature-spend-of-coinbase"},
		{"spends nothing that exists", m.Next(tip, 1000, chaintest.Spend(wire.OutPoint{Hash: pay.TxID()}, 5000, 1000, 1)), "bad-txns-inputs-missingorspent"},
		{"builds on another block", m.Next(blocks[99], 0), "inconclusive-not-best-prevblk"},
	} {
		err := r.CheckProposal(t.Context(), unworked(c.b))
		var rule *consensus.RuleError
		got := ""
		if errors.As(err, &rule) {
			got = rule.Reason
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got != c.reason {
			t.Errorf("%s: %q, want %q", c.name, got, c.reason)
		}
	}
	r.wantTip(tip)
	r.give(m.Next(tip, 1000, pay)) // the checks changed nothing
}
