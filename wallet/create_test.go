package wallet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"starling/params"
	"starling/wallet/ledger"
)

// TestBornLocked makes wallets with a passphrase on a node that runs: nobody
// has unlocked them, so that nothing secret can be done with them.
func TestBornLocked(t *testing.T) {
	b := newBench(t, params.Regtest())
	const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"new", Options{Passphrase: "pass"}},
		{"restored", Options{Passphrase: "pass", Mnemonic: words}},
		{"blank", Options{Passphrase: "pass", Blank: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Name = c.name
			w := b.create(c.o)
			if s := w.Status(); !s.Encrypted || s.UnlockedUntil != 0 {
				t.Errorf("encrypted %v, unlocked until %d", s.Encrypted, s.UnlockedUntil)
			}
			if _, err := w.Descriptors(true); !errors.Is(err, ErrLocked) {
				t.Errorf("private descriptors: %v", err)
			}
			if _, _, err := w.Mnemonic(); !c.o.Blank && !errors.Is(err, ErrLocked) {
				t.Errorf("phrase: %v", err)
			}
			if !c.o.Blank {
				b.address(w, Bech32) // needs no secret
			}
			if err := w.Unlock("pass", time.Minute); err != nil {
				t.Fatal(err)
			}
			if got, want := w.Status().UnlockedUntil, b.clk.Now().Add(time.Minute).Unix(); got != want {
				t.Errorf("unlocked until %d, want %d", got, want)
			}
		})
	}
}

// TestBirthdayAhead makes wallets whose birthday lies after all blocks, by a
// clock that is ahead or by mistake: what is paid to them must be found.
func TestBirthdayAhead(t *testing.T) {
	b := newBench(t, params.Regtest())
	b.burn(20)
	b.clk.Advance(10 * time.Hour)
	w := b.create(Options{Name: "w"})
	b.clk.Advance(-10 * time.Hour)
	b.mine(b.address(w, Bech32), 1)
	b.burn(100)
	b.balance(w, ledger.Balance{Trusted: 50 * coin})

	words, _, err := w.Mnemonic()
	if err != nil {
		t.Fatal(err)
	}
	again := b.create(Options{Name: "again", Mnemonic: words, Birthday: b.clk.Now().Add(1000 * time.Hour).Unix()})
	b.mine(b.address(again, Bech32), 1)
	b.balance(again, ledger.Balance{Immature: 50 * coin})
}

// TestBirthdayAheadWhileDownloading makes one while the node is still catching up,
// when the tip says nothing of what time it is.
func TestBirthdayAheadWhileDownloading(t *testing.T) {
	net := params.Regtest()
	net.MaxTipAge = time.Hour
	b := newBench(t, net)
	if !b.chain.IsInitialDownload() {
		t.Fatal("the node is not catching up")
	}
	_, words, err := b.m.Create(t.Context(), Options{Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	ahead := b.clk.Now().Add(1000 * time.Hour).Unix()
	if !b.m.IsAhead(ahead) || b.m.IsAhead(b.clk.Now().Unix()) {
		t.Error("a time is taken for another")
	}
	w := b.create(Options{Name: "w", Mnemonic: words, Birthday: ahead})
	b.mine(b.address(w, Bech32), 1)
	b.burn(100)
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
}

// TestBirthdayGoesBack finds, in a rescan, what was paid before the birthday: that
// was said to be too late.
func TestBirthdayGoesBack(t *testing.T) {
	b, alice := funded(t, 1)
	paid := b.chain.At(1).Time()
	b.clk.Advance(48 * time.Hour)
	b.burn(20)
	words, _, err := alice.Mnemonic()
	if err != nil {
		t.Fatal(err)
	}
	w := b.create(Options{Name: "late", Mnemonic: words, Birthday: b.clk.Now().Unix()})
	b.balance(w, ledger.Balance{})
	if _, err := w.Rescan(t.Context(), 0, nil); err != nil {
		t.Fatal(err)
	}
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	if got := w.Status().Birthday; got != paid {
		t.Errorf("birthday is %d, the payment is of %d", got, paid)
	}
	if err := b.m.Unload("late"); err != nil {
		t.Fatal(err)
	}
	if w, err = b.m.Load(t.Context(), "late"); err != nil || w.Status().Birthday != paid {
		t.Errorf("loaded again: %v", err)
	}
}

// TestCreateSparesOthers makes a wallet where there is one that cannot be seen,
// as its disk fails for a moment: that one must be there afterwards.
func TestCreateSparesOthers(t *testing.T) {
	b := newBench(t, params.Regtest())
	b.create(Options{Name: "w"})
	if err := b.m.Unload("w"); err != nil {
		t.Fatal(err)
	}
	content := func() []byte {
		t.Helper()
		f, err := b.fs.Open("/wallets/w/" + fileName)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		all, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := content()
	b.m.cfg.FS = errorfs.Wrap(b.fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpStat && strings.HasSuffix(op.Path, fileName) {
			return syscall.EIO
		}
		return nil
	}))
	if _, _, err := b.m.Create(t.Context(), Options{Name: "w"}); err == nil {
		t.Error("made")
	}
	if !bytes.Equal(content(), before) {
		t.Error("the wallet that was there has changed")
	}
}
