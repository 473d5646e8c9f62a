package chain_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/coins"
	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/params"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a chain whose Run runs.
type running struct {
	*chain.Chain
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

// start opens and runs a chain on fs.
func start(t *testing.T, fs vfs.FS, edit func(*chain.Config)) *running {
	t.Helper()
	cfg := chain.Config{Network: params.Regtest(), FS: fs, Dir: "data", DBCache: chain.MinDBCache, Workers: 2}
	if edit != nil {
		edit(&cfg)
	}
	c, err := chain.Open(cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return run(t, c)
}

// run runs a chain that was opened.
func run(t *testing.T, c *chain.Chain) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Chain: c, t: t, stop: cancel, done: make(chan error, 1)}
	go func() { r.done <- c.Run(ctx) }()
	t.Cleanup(r.close)
	return r
}

// close stops the chain cleanly; it may be called twice.
func (r *running) close() {
	if r.stop == nil {
		return
	}
	r.stop()
	r.stop = nil
	if err := <-r.done; err != nil {
		r.t.Errorf("run: %v", err)
	}
	if err := r.Close(); err != nil {
		r.t.Errorf("close: %v", err)
	}
}

func (r *running) give(blocks ...chaintest.Block) {
	r.t.Helper()
	for _, b := range blocks {
		if o := r.Process(r.t.Context(), chain.Incoming{Raw: b.Bytes(), Requested: true}); o.Err != nil {
			r.t.Fatalf("block %d: %v", b.Height, o.Err)
		}
	}
}

func (r *running) wantTip(b chaintest.Block) {
	r.t.Helper()
	if err := r.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if tip := r.Tip(); tip.Hash != b.Hash() {
		r.t.Fatalf("tip is %d %v, want %d %v", tip.Height, tip.Hash, b.Height, b.Hash())
	}
}

// coinSet returns a digest of all coins, and how many there are.
func (r *running) coinSet() (sum [32]byte, count int) {
	r.t.Helper()
	s, _, err := r.CoinSnapshot(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close()
	h := sha256.New()
	err = s.All(func(op wire.OutPoint, c coins.Coin) error {
		count++
		b := op.Append(nil)
		b = binary.LittleEndian.AppendUint64(b, uint64(c.Value))
		b = binary.LittleEndian.AppendUint32(b, uint32(c.Height))
		if c.Coinbase {
			b = append(b, 1)
		}
		h.Write(append(b, c.Script...))
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return [32]byte(h.Sum(nil)), count
}

func TestConnectSpendAndRestart(t *testing.T) {
	fs := vfs.NewMem()
	m := chaintest.New(params.Regtest())
	r := start(t, fs, nil)
	blocks := m.Chain(m.Genesis(), 101)
	r.give(blocks...)
	r.wantTip(blocks[100])

	op, value := blocks[0].Coinbase()
	pay := chaintest.Spend(op, value, 1000, 3)
	// A transaction that spends an output of its own block.
	again := chaintest.Spend(wire.OutPoint{Hash: pay.TxID(), Index: 1}, pay.Out[1].Value, 500, 2)
	b := m.Next(blocks[100], 1500, pay, again)
	r.give(b)
	r.wantTip(b)
	for _, c := range []struct {
		name string
		op   wire.OutPoint
		want bool
	}{
		{"spent coinbase", op, false},
		{"new output", wire.OutPoint{Hash: pay.TxID(), Index: 0}, true},
		{"spent within the block", wire.OutPoint{Hash: pay.TxID(), Index: 1}, false},
		{"made of an output of the block", wire.OutPoint{Hash: again.TxID(), Index: 1}, true},
		{"immature coinbase", wire.OutPoint{Hash: b.Txs[0].TxID()}, true},
	} {
		if _, ok, at, err := r.Coin(c.op); err != nil || ok != c.want || at != r.Tip() {
			t.Errorf("%s: exists %v at %v, want %v (%v)", c.name, ok, at.Height, c.want, err)
		}
	}
	sum, count := r.coinSet()
	r.close()

	r = start(t, fs, nil)
	r.wantTip(b)
	if sum2, count2 := r.coinSet(); sum2 != sum {
		t.Errorf("after a restart %d coins, before %d, or other ones", count2, count)
	}
	raw, err := r.Block(r.Tip())
	if err != nil || !bytes.Equal(raw, b.Bytes()) {
		t.Errorf("the tip's block reads back otherwise (%v)", err)
	}
	for level := range int32(5) {
		if err := r.Verify(t.Context(), level, 0); err != nil {
			t.Errorf("verify level %d: %v", level, err)
		}
	}
}

func TestOutOfOrder(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 50)
	r := start(t, vfs.NewMem(), nil)
	var headers []wire.Header
	for _, b := range blocks {
		headers = append(headers, b.Header)
	}
	if _, n, err := r.AcceptHeaders(headers); err != nil || n != 50 {
		t.Fatalf("%d headers accepted: %v", n, err)
	}
	for i := len(blocks) - 1; i >= 0; i-- {
		r.give(blocks[i])
		if i > 0 && r.Tip().Height != 0 {
			t.Fatalf("tip at %d before block 1 came", r.Tip().Height)
		}
	}
	r.wantTip(blocks[49])
}

func TestReorganisation(t *testing.T) {
	for _, depth := range []int{1, 6, 150} {
		m := chaintest.New(params.Regtest())
		r := start(t, vfs.NewMem(), nil)
		base := m.Chain(m.Genesis(), 110)
		r.give(base...)
		fork := base[109]

		// Both branches spend the same coins in different ways.
		branch := func(n, parts int) []chaintest.Block {
			at, blocks := fork, []chaintest.Block{}
			for i := range n {
				var txs []*wire.Tx
				fees := int64(0)
				if i < 8 {
					op, value := base[i].Coinbase()
					tx := chaintest.Spend(op, value, 1000, parts)
					txs = append(txs, tx, chaintest.Spend(wire.OutPoint{Hash: tx.TxID()}, tx.Out[0].Value, 1000, 2))
					fees = value - (tx.Out[0].Value * int64(parts)) + 1000
				}
				at = m.Next(at, fees-fees%1000, txs...)
				blocks = append(blocks, at)
			}
			return blocks
		}
		a, b := branch(depth, 2), branch(depth+1, 5)
		r.give(a...)
		r.wantTip(a[depth-1])
		follow := r.Follow(r.Headers().Lookup(a[depth-1].Hash()))
		r.give(b...)
		r.wantTip(b[depth])
		sum, _ := r.coinSet()

		straight := start(t, vfs.NewMem(), nil)
		straight.give(base...)
		straight.give(b...)
		straight.wantTip(b[depth])
		if want, _ := straight.coinSet(); sum != want {
			t.Errorf("depth %d: the UTXO set differs from one that never saw the other branch", depth)
		}

		off, on := 0, 0
		for follow.At() != r.Tip() {
			e, err := follow.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if e.Connect {
				on++
			} else {
				off++
			}
		}
		if off != depth || on != depth+1 {
			t.Errorf("depth %d: follower saw %d blocks leave and %d join", depth, off, on)
		}
	}
}

func TestInvalidBlocks(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 110)
	tip := base[109]
	op, value := base[0].Coinbase()
	young, youngValue := base[105].Coinbase()
	spend := chaintest.Spend(op, value, 0, 1)
	failing := wire.NewTx(2, []wire.TxIn{{PrevOut: op, Script: []byte{0x00, 0x75, 0x00, 0x7a}}}, []wire.TxOut{{Value: 1}}, 0)
	locked := wire.NewTx(2, []wire.TxIn{{PrevOut: op, Sequence: 500}}, []wire.TxOut{{Value: 1, Script: chaintest.AnyoneCanSpend}}, 0)
	for _, c := range []struct {
		name, reason string
		block        chaintest.Block
	}{
		{"pays too much", "bad-cb-amount", m.Next(tip, 1)},
		{"missing input", "bad-txns-inputs-missingorspent", m.Next(tip, 0, chaintest.Spend(wire.OutPoint{Hash: wire.Hash{1}}, 10, 0, 1))},
		{"double spend", "bad-txns-inputs-missingorspent", m.Next(tip, 0, spend, chaintest.Spend(op, value, 7, 1))},
		{"spends a later transaction", "bad-txns-inputs-missingorspent", m.Next(tip, 0, chaintest.Spend(wire.OutPoint{Hash: spend.TxID()}, value, 0, 1), spend)},
		{"immature coinbase", "bad-txns-premature-spend-of-coinbase", m.Next(tip, 0, chaintest.Spend(young, youngValue, 0, 1))},
		{"makes money", "bad-txns-in-belowout", m.Next(tip, 0, chaintest.Spend(op, value+1, 0, 1))},
		{"relative lock time", "bad-txns-nonfinal", m.Next(tip, 0, locked)},
		{"failing script", "block-script-verify-flag-failed", m.Next(tip, 0, failing)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told error
			fs := vfs.NewMem()
			r := start(t, fs, func(cfg *chain.Config) {
				cfg.OnInvalid = func(origin any, hash wire.Hash, err error) {
					if origin != "peer 7" || hash != c.block.Hash() {
						t.Errorf("told of %v from %v", hash, origin)
					}
					told = err
				}
			})
			r.give(base...)
			o := r.Process(t.Context(), chain.Incoming{Raw: c.block.Bytes(), Requested: true, Origin: "peer 7"})
			var rule *consensus.RuleError
			if !errors.As(o.Err, &rule) || rule.Kind != consensus.Invalid || !bytes.HasPrefix([]byte(rule.Reason), []byte(c.reason)) {
				t.Fatalf("outcome %v, want %s", o.Err, c.reason)
			}
			r.wantTip(tip)
			if told == nil {
				t.Error("OnInvalid was not told")
			}
			// It stays invalid, also after a restart, and so does what builds
			// on it.
			r.close()
			r = start(t, fs, nil)
			if o := r.Process(t.Context(), chain.Incoming{Raw: c.block.Bytes(), Requested: true}); o.Err == nil && !o.Duplicate {
				t.Errorf("accepted the second time")
			}
			if _, _, err := r.AcceptHeaders([]wire.Header{m.Next(c.block, 0).Header}); err == nil {
				t.Error("a header on top of it was accepted")
			}
			// A good block takes its place.
			good := m.Next(tip, 0)
			r.give(good)
			r.wantTip(good)
		})
	}
}

// A longer branch with an invalid block in the middle: the chain goes over to
// what is valid of it only as far as that has more work.
func TestInvalidBranchGoesBack(t *testing.T) {
	m := chaintest.New(params.Regtest())
	r := start(t, vfs.NewMem(), nil)
	base := m.Chain(m.Genesis(), 10)
	a := m.Chain(base[9], 4)
	b := m.Chain(base[9], 2)
	bad := m.Next(b[1], 1) // takes one satoshi too much
	rest := m.Chain(bad, 5)
	r.give(base...)
	r.give(a...)
	r.wantTip(a[3])
	sum, _ := r.coinSet()
	r.give(b...)
	var headers []wire.Header
	for _, x := range append([]chaintest.Block{bad}, rest...) {
		headers = append(headers, x.Header)
	}
	if _, _, err := r.AcceptHeaders(headers); err != nil {
		t.Fatal(err)
	}
	// The bad block comes last, so that the whole branch is tried at once.
	for _, x := range rest {
		r.give(x)
	}
	r.Process(t.Context(), chain.Incoming{Raw: bad.Bytes(), Requested: true})
	r.wantTip(a[3])
	if got, _ := r.coinSet(); got != sum {
		t.Error("the UTXO set is not as before the attempt")
	}
	if best := r.Headers().Best(); best.Hash != a[3].Hash() {
		t.Errorf("best header is %d, on the failed branch", best.Height)
	}
}

// fading is a context that ends after it has been looked at some times.
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

func TestInvalidateAndReconsider(t *testing.T) {
	fs := vfs.NewMem()
	m := chaintest.New(params.Regtest())
	r := start(t, fs, nil)
	base := m.Chain(m.Genesis(), 20)
	side := m.Chain(base[9], 3)
	r.give(base...)
	r.give(side...)
	r.wantTip(base[19])
	// A caller who goes in the middle leaves nothing behind.
	if err := r.Invalidate(&fading{t.Context(), 5}, r.Headers().Lookup(base[11].Hash())); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has gone: %v", err)
	}
	if err := r.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantTip(base[19])
	if err := r.Invalidate(t.Context(), r.Headers().Lookup(base[11].Hash())); err != nil {
		t.Fatal(err)
	}
	r.wantTip(side[2])
	r.close()
	r = start(t, fs, nil)
	r.wantTip(side[2])
	if err := r.Reconsider(t.Context(), r.Headers().Lookup(base[15].Hash())); err != nil {
		t.Fatal(err)
	}
	r.wantTip(base[19])
}

func TestUnrequested(t *testing.T) {
	m := chaintest.New(params.Regtest())
	base := m.Chain(m.Genesis(), 5)
	far := m.Chain(base[4], 300)
	weak := m.Chain(m.Genesis(), 3)
	r := start(t, vfs.NewMem(), nil)
	r.give(base...)
	var headers []wire.Header
	for _, b := range far {
		headers = append(headers, b.Header)
	}
	if _, _, err := r.AcceptHeaders(headers); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		block chaintest.Block
		kept  bool
	}{
		{"next block", far[0], true},
		{"too far ahead", far[299], false},
		{"less work than the tip", weak[0], false},
	} {
		o := r.Process(t.Context(), chain.Incoming{Raw: c.block.Bytes()})
		if kept := o.Node != nil && o.Node.Data() != nil; kept != c.kept || o.Err != nil {
			t.Errorf("%s: kept %v, want %v (%v)", c.name, kept, c.kept, o.Err)
		}
	}
	o := r.Process(t.Context(), chain.Incoming{Raw: m.Next(weak[2], 0).Bytes()})
	if !errors.Is(o.Err, consensus.Reject(consensus.MissingParent, "prev-blk-not-found", "")) {
		t.Errorf("unknown parent: %v", o.Err)
	}
}

func TestMinimumWork(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 10)
	r := start(t, vfs.NewMem(), func(cfg *chain.Config) {
		// Each regtest block has 2 units of work.
		cfg.Network.MinimumChainWork.SetUint64(12)
	})
	o := r.Process(t.Context(), chain.Incoming{Raw: blocks[0].Bytes()})
	if !errors.Is(o.Err, consensus.Reject(consensus.LowWork, "too-little-chainwork", "")) || r.Headers().Len() != 1 {
		t.Errorf("low-work header: %v, %d headers stored", o.Err, r.Headers().Len())
	}
	r.give(blocks...)
	r.wantTip(blocks[9])
}

func TestReindex(t *testing.T) {
	fs := vfs.NewMem()
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 120)
	op, value := blocks[0].Coinbase()
	blocks = append(blocks, m.Next(blocks[119], 1000, chaintest.Spend(op, value, 1000, 1)))
	r := start(t, fs, nil)
	var headers []wire.Header
	for _, b := range blocks {
		headers = append(headers, b.Header)
	}
	if _, _, err := r.AcceptHeaders(headers); err != nil {
		t.Fatal(err)
	}
	// Stored out of order, so that children lie in front of their parents.
	for i := range blocks {
		r.give(blocks[i^3])
		if i == 119 {
			break
		}
	}
	r.give(blocks[120])
	r.wantTip(blocks[120])
	sum, _ := r.coinSet()
	r.close()
	same := func(what string) {
		t.Helper()
		<-r.Ready()
		r.wantTip(blocks[120])
		if got, _ := r.coinSet(); got != sum {
			t.Errorf("%s: the UTXO set differs", what)
		}
		r.close()
	}
	reindex := func(cfg *chain.Config) { cfg.Reindex = true }
	r = start(t, fs, reindex)
	same("after a rebuild")
	r = start(t, fs, nil)
	same("after a restart")

	// A rebuild that has only begun goes on by itself; the blocks are kept.
	c, err := chain.Open(chain.Config{Network: params.Regtest(), FS: fs, Dir: "data", Reindex: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	r = start(t, fs, nil)
	same("after a rebuild that was cut short")

	// So does one where the index is lost.
	if err := fs.RemoveAll("data/blocks/index"); err != nil {
		t.Fatal(err)
	}
	r = start(t, fs, nil)
	same("after the index was lost")
}

func TestImport(t *testing.T) {
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 100)
	var file []byte
	magic := params.Regtest().Magic
	for i := range blocks {
		raw := blocks[i^1].Bytes()
		file = append(file, magic[:]...)
		file = binary.LittleEndian.AppendUint32(file, uint32(len(raw)))
		file = append(file, raw...)
	}
	file = append(file, make([]byte, 5000)...)
	r := start(t, vfs.NewMem(), nil)
	s, err := r.Import(t.Context(), bytes.NewReader(file), nil)
	if err != nil || s.Blocks != 100 || s.Orphan != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	r.wantTip(blocks[99])
}

// damage overwrites one byte of a block in its file.
func damage(t *testing.T, fs vfs.FS, n *headertree.Node) {
	t.Helper()
	f, err := fs.OpenReadWrite("data/blocks/blk00000.dat", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xff}, int64(n.Data().Offset)+100); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedBlockFile(t *testing.T) {
	fs := vfs.NewMem()
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 10)
	r := start(t, fs, nil)
	r.give(blocks...)
	r.wantTip(blocks[9])
	n := r.Headers().Lookup(blocks[4].Hash())
	r.close()

	damage(t, fs, n)
	r = start(t, fs, nil)
	r.wantTip(blocks[9])
	_, err := r.Block(r.Headers().Lookup(blocks[4].Hash()))
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("checksum")) {
		t.Errorf("damaged block: %v", err)
	}
	for i, b := range blocks {
		if raw, err := r.Block(r.Headers().Lookup(b.Hash())); i != 4 && (err != nil || !bytes.Equal(raw, b.Bytes())) {
			t.Errorf("intact block %d: %v", i+1, err)
		}
	}
}

func TestWrongNetwork(t *testing.T) {
	fs := vfs.NewMem()
	start(t, fs, nil).close()
	_, err := chain.Open(chain.Config{Network: params.Testnet4(), FS: fs, Dir: "data"})
	if err == nil {
		t.Fatal("a regtest directory was opened for testnet4")
	}
	t.Log(err)
}

func TestInitialDownload(t *testing.T) {
	m := chaintest.New(params.Regtest())
	m.Spacing = 1
	r := start(t, vfs.NewMem(), nil)
	if !r.IsInitialDownload() {
		t.Error("not in initial download at the genesis block")
	}
	g := m.Genesis()
	m.Spacing = uint32(time.Now().Unix()) - g.Header.Timestamp
	b := m.Next(g, 0)
	r.give(b)
	r.wantTip(b)
	if r.IsInitialDownload() {
		t.Error("in initial download at a fresh tip")
	}
}

// A block that is damaged on disk before it is connected is fetched again; the
// blocks behind it are kept.
func TestDamagedBeforeConnected(t *testing.T) {
	fs := vfs.NewMem()
	m := chaintest.New(params.Regtest())
	blocks := m.Chain(m.Genesis(), 10)
	r := start(t, fs, nil)
	var headers []wire.Header
	for _, b := range blocks {
		headers = append(headers, b.Header)
	}
	if _, _, err := r.AcceptHeaders(headers); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks[1:] {
		r.give(b)
	}
	n := r.Headers().Lookup(blocks[4].Hash())
	r.close()
	damage(t, fs, n)
	r = start(t, fs, nil)
	r.give(blocks[0])
	r.wantTip(blocks[3])
	if r.Headers().Lookup(blocks[4].Hash()).Data() != nil {
		t.Fatal("the damaged block counts as stored")
	}
	r.give(blocks[4])
	r.wantTip(blocks[9])
}
