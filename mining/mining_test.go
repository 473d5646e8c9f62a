package mining

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/chain"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/clock"
	"starling/params"
	"starling/script"
	"starling/wire"
)

var _ Chain = (*chain.Chain)(nil)

// fakeChain accepts what its header tree accepts.
type fakeChain struct {
	net    *params.Network
	tree   *headertree.Tree
	tip    *headertree.Node
	clock  *clock.Mock
	step   time.Duration // by which each block moves the clock
	now    func() time.Time
	blocks []*wire.Block
	refuse error

	connected func(*wire.Block) // hears of each block
	refused   int               // blocks refused

	mu      sync.Mutex
	changed chan struct{} // closed when the tip moves
}

func newFakeChain(net *params.Network) *fakeChain {
	t := headertree.New(net)
	mock := clock.NewMock(net.Genesis.Header.Time().Add(time.Hour))
	return &fakeChain{net: net, tree: t, tip: t.Genesis(), changed: make(chan struct{}), clock: mock, now: mock.Now}
}

func (c *fakeChain) Network() *params.Network { return c.net }

func (c *fakeChain) Tip() *headertree.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip
}

func (c *fakeChain) TipChanged() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// setTip moves the tip, as a block from elsewhere would.
func (c *fakeChain) setTip(n *headertree.Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tip = n
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *fakeChain) CheckProposal(_ context.Context, b *wire.Block) error {
	if c.refuse != nil {
		return c.refuse
	}
	return consensus.CheckBlock(b, c.net)
}

func (c *fakeChain) Keep(context.Context) error { return nil }

func (c *fakeChain) Process(_ context.Context, in chain.Incoming) chain.Outcome {
	if c.refuse != nil {
		c.refused++
		return chain.Outcome{Err: c.refuse}
	}
	b, err := wire.ParseBlock(in.Raw)
	if err != nil {
		return chain.Outcome{Err: err}
	}
	b.HashTxs()
	parent := c.Tip()
	n, _, err := c.tree.Add(&b.Header, c.now())
	if err == nil {
		err = consensus.CheckBlock(b, c.net)
	}
	if err == nil {
		err = consensus.CheckBlockContext(b, c.net, n.Height, parent.MedianTime())
	}
	if err != nil {
		return chain.Outcome{Node: n, Err: err}
	}
	c.clock.Advance(c.step)
	c.blocks = append(c.blocks, b)
	if n.Parent != parent {
		return chain.Outcome{Node: n}
	}
	c.setTip(n)
	if c.connected != nil {
		c.connected(b)
	}
	return chain.Outcome{Node: n, Connected: true}
}

var anyone = []byte{script.Op1}

func TestGenerateMakesAChain(t *testing.T) {
	for _, net := range []*params.Network{params.Regtest(), shortPeriods()} {
		c := newFakeChain(net)
		c.step = net.TargetSpacing
		start := c.clock.Now()
		m := New(Config{Chain: c, Clock: c.clock})
		hashes, err := m.Generate(context.Background(), anyone, 300, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		if len(hashes) != 300 || c.tip.Height != 300 || c.tip.Hash != hashes[299] {
			t.Fatalf("%d hashes, tip at %d", len(hashes), c.tip.Height)
		}
		seen := make(map[wire.Hash]bool)
		for i, b := range c.blocks {
			height := int32(i + 1)
			if want := consensus.Subsidy(height, net); consensus.OutputValue(&b.Txs[0]) != want {
				t.Errorf("block %d pays %d, want %d", height, consensus.OutputValue(&b.Txs[0]), want)
			}
			if id := b.Txs[0].TxID(); seen[id] {
				t.Errorf("block %d repeats a coinbase", height)
			} else {
				seen[id] = true
			}
			if want := start.Add(time.Duration(i) * c.step); !b.Header.Time().Equal(want) {
				t.Errorf("block %d is from %v, want %v", height, b.Header.Time(), want)
			}
		}
	}
}

// shortPeriods is a network that changes its difficulty every ten blocks and
// has the rules of BIP94.
func shortPeriods() *params.Network {
	net := params.Regtest()
	net.NoRetargeting, net.EnforceBIP94 = false, true
	net.TargetTimespan = 10 * net.TargetSpacing
	return net
}

func TestTemplate(t *testing.T) {
	net := params.Regtest()
	genesis := headertree.New(net).Genesis()
	now := net.Genesis.Header.Time().Add(time.Hour)
	spend := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}}, Sequence: 1, Witness: wire.NewWitness([]byte{7})}},
		[]wire.TxOut{{Value: 5, Script: anyone}}, 0)
	b, err := Template(Options{Network: net, Parent: genesis, Now: now, Script: anyone, Txs: []*wire.Tx{spend}, Fees: 123, ExtraNonce: 2 * 0x1234})
	if err != nil {
		t.Fatal(err)
	}
	if b.Header.Version != 0x20000000 || b.Header.PrevBlock != net.GenesisHash || !b.Header.Time().Equal(now) || b.Header.Bits != net.PowLimitBits {
		t.Errorf("header %+v", b.Header)
	}
	cb := &b.Txs[0]
	if got, want := hex.EncodeToString(cb.In[0].Script), "51023412"; got != want {
		t.Errorf("coinbase script %s, want %s", got, want)
	}
	if cb.Out[0].Value != 50_0000_0000+123 || cmp.Diff(cb.Out[0].Script, anyone) != "" || len(cb.Out) != 2 || cb.LockTime != 0 {
		t.Errorf("coinbase %+v", cb)
	}
	if consensus.FindWitnessCommitment(b) != 1 || cb.In[0].Witness.Len() != 1 {
		t.Error("no witness commitment")
	}
	if len(b.Txs) != 2 || b.Txs[1].WTxID() != spend.WTxID() {
		t.Error("the transaction given is missing")
	}

	// Before segwit there is none.
	old := params.Regtest()
	old.SegwitHeight = 100
	b, err = Template(Options{Network: old, Parent: genesis, Now: now, Script: anyone})
	if err != nil {
		t.Fatal(err)
	}
	if b.Txs[0].HasWitness() || len(b.Txs[0].Out) != 1 {
		t.Error("a witness commitment before segwit")
	}
}

func TestTemplateTime(t *testing.T) {
	net := shortPeriods()
	c := newFakeChain(net)
	mock := c.clock
	mock.Set(net.Genesis.Header.Time())
	m := New(Config{Chain: c, Clock: mock})
	start := mock.Now()
	// The clock stands still: blocks move by the least that the median allows.
	if _, err := m.Generate(context.Background(), anyone, 8, 1000); err != nil {
		t.Fatal(err)
	}
	if c.tip.Time() <= start.Unix() || c.tip.Time() > start.Unix()+8 {
		t.Errorf("tip is %d s after the clock", c.tip.Time()-start.Unix())
	}
	// A parent far ahead holds the first block of a period back (BIP94), and
	// no other.
	mock.Advance(90 * time.Minute)
	if _, err := m.Generate(context.Background(), anyone, 1, 1000); err != nil {
		t.Fatal(err)
	}
	mock.Set(start.Add(time.Minute))
	parent := c.tip
	if (parent.Height+1)%10 != 0 {
		t.Fatalf("the test is off: tip at %d", parent.Height)
	}
	if got := MinTime(parent, net); got != parent.Time()-timewarpSlack {
		t.Errorf("first block of a period is at %+d from its parent", got-parent.Time())
	}
	if got := MinTime(parent.Parent, net); got != parent.Parent.MedianTime()+1 {
		t.Errorf("another block is at %+d from the median time", got-parent.Parent.MedianTime())
	}
}

func TestTemplateRefusals(t *testing.T) {
	net := params.Regtest()
	genesis := headertree.New(net).Genesis()
	now := net.Genesis.Header.Time().Add(time.Hour)
	tx := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}}}}, []wire.TxOut{{Value: 5, Script: anyone}}, 0)
	other := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{4}}}}, []wire.TxOut{{Value: 5, Script: anyone}}, 0)
	late := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{2}}}}, []wire.TxOut{{Value: 5, Script: anyone}}, 50)
	ops := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{3}}}}, []wire.TxOut{{Script: make([]byte, 0)}, {Script: repeated(script.OpCheckMultiSig, 1001)}}, 0)
	for _, c := range []struct {
		name, reason string
		txs          []*wire.Tx
	}{
		{"one twice", "bad-txns-duplicate", []*wire.Tx{other, tx, tx}},
		{"not final", "bad-txns-nonfinal", []*wire.Tx{late}},
		{"too many signature operations", "bad-blk-sigops", []*wire.Tx{ops}},
	} {
		_, err := Template(Options{Network: net, Parent: genesis, Now: now, Script: anyone, Txs: c.txs})
		var rule *consensus.RuleError
		if !errors.As(err, &rule) || rule.Reason != c.reason {
			t.Errorf("%s: got %v, want %s", c.name, err, c.reason)
		}
	}
	if _, err := Template(Options{Network: params.Signet(), Parent: headertree.New(params.Signet()).Genesis(), Now: now, Script: anyone}); !errors.Is(err, ErrSignet) {
		t.Errorf("signet: got %v", err)
	}
}

func repeated(op byte, n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = op
	}
	return s
}

func TestSolve(t *testing.T) {
	// Block 1 of the main network, with the nonce taken away by a little.
	merkle := wire.MustHash("0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098")
	h := wire.Header{Version: 1, PrevBlock: params.Main().GenesisHash, MerkleRoot: merkle, Timestamp: 1231469665, Bits: 0x1d00ffff, Nonce: 2573394689 - 999}
	tries, err := Solve(context.Background(), &h, 1000)
	if err != nil || tries != 1000 || h.Nonce != 2573394689 ||
		h.Hash().String() != "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048" {
		t.Errorf("got nonce %d after %d tries, %v", h.Nonce, tries, err)
	}
	h.Nonce = 2573394689 - 999
	if tries, err := Solve(context.Background(), &h, 999); !errors.Is(err, ErrNoNonce) || tries != 999 {
		t.Errorf("one try too few: %d, %v", tries, err)
	}
	h.Nonce = 1<<32 - 3
	if tries, err := Solve(context.Background(), &h, 1000); !errors.Is(err, ErrNoNonce) || tries != 3 {
		t.Errorf("past the last nonce: %d, %v", tries, err)
	}
	h.Bits = 0
	if tries, err := Solve(context.Background(), &h, 1000); !errors.Is(err, ErrNoNonce) || tries != 0 {
		t.Errorf("impossible target: %d, %v", tries, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.Bits, h.Nonce = 0x1d00ffff, 0
	if tries, err := Solve(ctx, &h, 1<<40); !errors.Is(err, context.Canceled) || tries != 0 {
		t.Errorf("cancelled: %d, %v", tries, err)
	}
}

func TestMeets(t *testing.T) {
	target, _, _ := consensus.CompactToTarget(0x207fffff)
	hash := wire.Hash{29: 0xff, 30: 0xff, 31: 0x7f}
	if !meets(&hash, &target) {
		t.Error("the target itself does not meet it")
	}
	hash[0] = 1
	if meets(&hash, &target) {
		t.Error("one more meets it")
	}
	hash = wire.Hash{31: 0x80}
	if meets(&hash, &target) {
		t.Error("far more meets it")
	}
}

func TestGenerateStops(t *testing.T) {
	c := newFakeChain(params.Regtest())
	m := New(Config{Chain: c, Clock: c.clock, ExtraNonce: func() uint64 { return 0 }})
	hashes, err := m.Generate(context.Background(), anyone, 1000, 20)
	if err != nil || len(hashes) == 0 || len(hashes) > 20 {
		t.Errorf("out of tries: %d blocks, %v", len(hashes), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Generate(ctx, anyone, 1, 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	c.refuse = consensus.Reject(consensus.Invalid, "bad-something", "")
	if _, err := m.Generate(context.Background(), anyone, 1, 1000); !errors.Is(err, c.refuse) {
		t.Errorf("refused: %v", err)
	}
	for _, submit := range []bool{true, false} {
		if _, err := m.Block(context.Background(), anyone, nil, submit, 1000); !errors.Is(err, c.refuse) {
			t.Errorf("refused, submit %v: %v", submit, err)
		}
	}
	c.refuse = nil
	if b, err := m.Block(context.Background(), anyone, nil, false, 1000); err != nil || b.Header.PrevBlock != c.tip.Hash || len(c.blocks) != len(hashes) {
		t.Errorf("without submitting: %v", err)
	}
}

// brokenTip is a chain that takes nothing on its tip, which has failed.
type brokenTip struct{ *fakeChain }

func (c brokenTip) Process(context.Context, chain.Incoming) chain.Outcome {
	return chain.Outcome{Err: consensus.Reject(consensus.Invalid, "bad-prevblk", "")}
}

// Blocks that are found and come to nothing are not told as none wanted.
func TestGenerateSaysWhyNothingIsMade(t *testing.T) {
	c := newFakeChain(params.Regtest())
	m := New(Config{Chain: c, Clock: c.clock})
	if _, err := m.Generate(context.Background(), anyone, 2, 1000); err != nil {
		t.Fatal(err)
	}
	c.tree.MarkFailed(c.tip)
	m = New(Config{Chain: brokenTip{c}, Clock: c.clock})
	hashes, err := m.Generate(context.Background(), anyone, 1, 50)
	if len(hashes) != 0 || !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), c.tip.Hash.String()+" was declared invalid") {
		t.Errorf("%d blocks on a failed tip, %v", len(hashes), err)
	}
}

func TestMinersDiffer(t *testing.T) {
	c := newFakeChain(params.Regtest())
	m := New(Config{Chain: c, Clock: c.clock})
	a, err := m.Block(context.Background(), anyone, nil, false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Block(context.Background(), anyone, nil, false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if a.Hash() == b.Hash() {
		t.Error("the same block twice")
	}
}
