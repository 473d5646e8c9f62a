package wallet

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"starling/chain/headertree"
	"starling/params"
	"starling/store"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRun lets wallets follow on their own: blocks, the pool, and the time
// after which they lock themselves.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, params.Regtest())
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.m.Run(ctx) }()
		alice, bob := b.create(Options{Name: "alice"}), b.create(Options{Name: "bob"})
		b.mine(b.address(alice, Bech32), 1)
		b.burn(100)
		synctest.Wait()
		if hash, height := alice.Position(); height != 101 || hash != b.chain.Tip().Hash {
			t.Errorf("stands at %d", height)
		}
		if got := alice.Balance(); got.Trusted != 50*coin {
			t.Errorf("%+v", got)
		}
		b.send(alice, b.address(bob, Bech32), coin)
		synctest.Wait()
		if got := bob.Balance(); got.Pending != coin {
			t.Errorf("%+v", got)
		}
		if err := alice.Encrypt("pass"); err != nil {
			t.Fatal(err)
		}
		if err := alice.Unlock("pass", time.Minute); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.clk.Advance(time.Minute)
		synctest.Wait()
		alice.mu.Lock()
		if alice.vault.open() {
			t.Error("still unlocked")
		}
		alice.mu.Unlock()

		if err := b.m.Unload("bob"); err != nil {
			t.Fatal(err)
		}
		if _, err := bob.NewAddress("", ""); !errors.Is(err, ErrClosed) {
			t.Errorf("an address of an unloaded wallet: %v", err)
		}
		b.burn(1)
		if _, err := b.m.Load(ctx, "bob"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		again, err := b.m.Get("bob")
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Balance(); got.Trusted != coin {
			t.Errorf("%+v", got)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := b.m.Load(t.Context(), "carol"); !errors.Is(err, ErrClosed) {
			t.Errorf("loading after the end: %v", err)
		}
	})
}

// slowChain is a chain whose blocks take their time to be read.
type slowChain struct {
	Chain
	gate chan struct{} // closed when they may be
}

func (c slowChain) ParsedBlock(n *headertree.Node) (*wire.Block, error) {
	<-c.gate
	return c.Chain.ParsedBlock(n)
}

// TestLoadWhileUnloading loads a wallet, and restores another of its name, while
// it is still being unloaded: two of one file would write over each other.
func TestLoadWhileUnloading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, params.Regtest())
		slow := slowChain{Chain: OverChain(b.chain), gate: make(chan struct{})}
		m, err := New(Config{Chain: slow, FS: b.fs, Dir: "/slow", Clock: b.clk, PassphraseCost: 4})
		if err != nil {
			t.Fatal(err)
		}
		w, _, err := m.Create(t.Context(), Options{Name: "w", Gap: 20})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Backup("/copy.dat"); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		b.burn(1)
		synctest.Wait()
		unloaded := make(chan error, 1)
		go func() { unloaded <- m.Unload("w") }()
		synctest.Wait()
		if _, err := m.Load(t.Context(), "w"); !errors.Is(err, ErrUnloading) {
			t.Errorf("loading: %v", err)
		}
		if _, err := m.Restore(t.Context(), "w", "/copy.dat"); !errors.Is(err, ErrExists) {
			t.Errorf("restoring: %v", err)
		}
		if err := m.Unload("w"); !errors.Is(err, ErrNotLoaded) {
			t.Errorf("unloading twice: %v", err)
		}
		close(slow.gate)
		if err := <-unloaded; err != nil {
			t.Error(err)
		}
		if _, err := m.Load(t.Context(), "w"); err != nil {
			t.Errorf("loading afterwards: %v", err)
		}
		stop()
		if err := errors.Join(<-done, m.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestStartup loads what is to be there from the start.
func TestStartup(t *testing.T) {
	b := newBench(t, params.Regtest())
	for _, n := range []string{"one", "two", "three", DefaultName} {
		b.create(Options{Name: n})
	}
	if err := b.m.LoadOnStartup("two", true); err != nil {
		t.Fatal(err)
	}
	if err := b.m.LoadOnStartup("three", true); err != nil {
		t.Fatal(err)
	}
	if err := b.m.LoadOnStartup("three", false); err != nil {
		t.Fatal(err)
	}
	b.m.Close()
	names := func() (s string) {
		for _, w := range b.m.Loaded() {
			s += w.Name() + " "
		}
		return s
	}
	b.open()
	if got := names(); got != "default two " {
		t.Errorf("loaded %s", got)
	}
	if _, err := b.m.Load(t.Context(), "two"); !errors.Is(err, ErrLoaded) {
		t.Errorf("twice: %v", err)
	}
	if _, _, err := b.m.Create(t.Context(), Options{Name: "one"}); !errors.Is(err, ErrExists) {
		t.Errorf("making one that is there: %v", err)
	}
	m, err := New(Config{Chain: OverChain(b.chain), FS: b.fs, Dir: "/wallets", Load: []string{"four"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Open(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("a wallet that was asked for and is not there: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// TestOtherNetwork opens a wallet of one network on another.
func TestOtherNetwork(t *testing.T) {
	b := newBench(t, params.Regtest())
	b.create(Options{Name: "w"})
	other := newBench(t, params.Signet())
	other.m.Close()
	other.fs = b.fs
	b.m.Close()
	other.open()
	if _, err := other.m.Load(t.Context(), "w"); err == nil {
		t.Error("took a wallet of another network")
	}
}

// TestDiskFails has the disk fail while an address is taken: the address must
// not be given out, and the wallet must not go on as if nothing had been.
func TestDiskFails(t *testing.T) {
	b := newBench(t, params.Regtest())
	broken := &brokenFS{FS: vfs.NewMem()}
	b.m.Close()
	b.fs = broken
	b.open()
	w := b.create(Options{Name: "w"})
	first := b.address(w, Bech32)
	broken.fail = store.ErrDiskFull
	for range 2 {
		if a, err := w.NewAddress(Bech32, ""); err == nil {
			t.Errorf("gave out %s", a)
		}
	}
	if err := b.m.Close(); err == nil {
		t.Error("closing did not say that something is not on disk")
	}
	broken.fail = nil
	b.open()
	w, err := b.m.Load(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	if !w.Owns(first) {
		t.Error("the first address is lost")
	}
}

// brokenFS fails to sync when it is told to.
type brokenFS struct {
	vfs.FS
	fail error
}

func (f *brokenFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return brokenFile{file, f}, err
}

type brokenFile struct {
	vfs.File
	fs *brokenFS
}

func (f brokenFile) Sync() error {
	if f.fs.fail != nil {
		return f.fs.fail
	}
	return f.File.Sync()
}

// TestFarBehind asks a wallet that has a long way to the tip: it answers at
// once, and pays nothing.
func TestFarBehind(t *testing.T) {
	b := newBench(t, params.Regtest())
	alice, words, err := b.m.Create(t.Context(), Options{Name: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	b.mine(b.address(alice, Bech32), 1)
	b.burn(maxLag)
	w := b.create(Options{Name: "again", Mnemonic: words})
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if height, tip, behind := w.Behind(); !behind || height != 0 || tip != maxLag+1 {
		t.Errorf("at %d of %d, %v", height, tip, behind)
	}
	var pay *PaymentError
	if _, err := w.Send(t.Context(), SpendOptions{Payments: []Payment{{Script: foreign, Amount: coin}}}); !errors.As(err, &pay) {
		t.Errorf("paying: %v", err)
	}
	if _, err := w.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.Balance(); got.Trusted != 50*coin {
		t.Errorf("%+v", got)
	}
}

// BenchmarkReadBlock reads a block of 3,000 payments of two inputs that are none
// of the wallet's, which is what following the chain costs beside reading it.
func BenchmarkReadBlock(b *testing.B) {
	w := newWallet(&Manager{cfg: Config{Chain: Detached(params.Regtest()), Clock: nil, Log: slog.New(slog.DiscardHandler)}, log: slog.New(slog.DiscardHandler)}, "w")
	w.meta.gap = DefaultGap
	if _, err := w.plant("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", "", nil, 0); err != nil {
		b.Fatal(err)
	}
	var txs []*wire.Tx
	for i := range 3000 {
		tx := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}, Index: 2}, Sequence: maxReplaceable}},
			[]wire.TxOut{{Value: 5, Script: foreign}}, 7)
		in := []wire.TxIn{tx.In[0], tx.In[0]}
		in[0].PrevOut.Index, in[1].PrevOut.Index = uint32(i), uint32(i)
		in[1].PrevOut.Hash[5] = 1
		txs = append(txs, wire.NewTx(2, in, []wire.TxOut{{Value: int64(i), Script: foreign}, {Value: 1, Script: foreign}}, 0))
	}
	block := wire.NewBlock(wire.Header{}, txs)
	b.ReportAllocs()
	for b.Loop() {
		w.readBlock(w.chain.Tip(), block)
	}
}

// TestAddressVectors holds the first addresses of a known phrase against the
// vectors of BIP84 and BIP86, and against what others' wallets show for BIP44
// and BIP49.
func TestAddressVectors(t *testing.T) {
	m, err := New(Config{Chain: Detached(params.Main()), FS: vfs.NewMem(), Dir: "/wallets", PassphraseCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := m.Create(t.Context(), Options{
		Name: "w", Mnemonic: "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind   Kind
		change bool
		want   []string
	}{
		{Bech32, false, []string{"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"}},
		{Bech32, true, []string{"bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"}},
		{Bech32m, false, []string{"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"}},
		{Bech32m, true, []string{"bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"}},
		{Legacy, false, []string{"1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"}},
		{P2SHSegwit, false, []string{"37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf"}},
	} {
		for i, want := range c.want {
			a, err := w.newAddress(c.kind, "", c.change)
			if err != nil {
				t.Fatal(err)
			}
			if a.String() != want {
				t.Errorf("%s %d: %s, want %s", c.kind, i, a, want)
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
