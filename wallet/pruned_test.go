package wallet

import (
	"errors"
	"strings"
	"testing"

	"starling/params"
	"starling/script/descriptor"
	"starling/wallet/ledger"
)

// newPruning returns a bench whose chain prunes on request, into small files.
func newPruning(t *testing.T) *bench {
	t.Helper()
	return newBenchWith(t, params.Regtest(), 1, 8<<10)
}

// prune deletes what may be deleted, and returns the height of the last block
// that is gone.
func (b *bench) prune() int32 {
	b.t.Helper()
	h, err := b.chain.PruneTo(b.t.Context(), b.chain.Tip().Height)
	if err != nil {
		b.t.Fatal(err)
	}
	return h
}

// TestPruningWaits prunes while wallets are loaded that have yet to read blocks.
func TestPruningWaits(t *testing.T) {
	b := newPruning(t)
	w := b.create(Options{Name: "w"})
	b.mine(b.address(w, Bech32), 1)
	b.burn(500)
	if h := b.prune(); h != -1 {
		t.Errorf("pruned to %d before the wallet had read a block", h)
	}
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	// What it has read is needed again until it says on disk that it has.
	if h := b.prune(); h < 100 || h > 501-288 {
		t.Errorf("pruned to %d", h)
	}
	late := b.create(Options{Name: "late"})
	b.burn(400)
	b.balance(w, ledger.Balance{Trusted: 50 * coin})
	if h := b.prune(); h > 501 {
		t.Errorf("pruned to %d although a wallet stands at 501", h)
	}
	if err := b.m.Unload("late"); err != nil {
		t.Fatal(err)
	}
	if h := b.prune(); h < 501 {
		t.Errorf("pruned to %d only, with nobody in the way", h)
	}
	if err := late.Keep(t.Context()); !errors.Is(err, ErrClosed) && !errors.As(err, new(*PrunedError)) {
		t.Errorf("an unloaded wallet: %v", err)
	}
}

// TestTooLate loads a wallet that has yet to read blocks that were pruned. It
// says so whatever depends on them, and its keys can be used. Nothing that can
// not be had is made half.
func TestTooLate(t *testing.T) {
	for _, c := range []struct {
		name   string
		blocks int
	}{{"a little", 700}, {"far behind", 1500}} {
		t.Run(c.name, func(t *testing.T) {
			b := newPruning(t)
			alice := b.create(Options{Name: "alice"})
			words, _, err := alice.Mnemonic()
			if err != nil {
				t.Fatal(err)
			}
			b.mine(b.address(alice, Bech32), 1)
			b.balance(alice, ledger.Balance{Immature: 50 * coin})
			if err := alice.Backup("/backup.dat"); err != nil {
				t.Fatal(err)
			}
			if err := b.m.Unload("alice"); err != nil {
				t.Fatal(err)
			}
			b.burn(c.blocks)
			if h := b.prune(); h < 50 {
				t.Fatalf("pruned to %d", h)
			}
			ctx := t.Context()
			if alice, err = b.m.Load(ctx, "alice"); err != nil {
				t.Fatal(err)
			}
			var gone *PrunedError
			for what, err := range map[string]error{
				"trouble": alice.Trouble(), "keeping": alice.Keep(ctx), "syncing": alice.Sync(ctx), "paying": alice.keepToPay(ctx),
			} {
				if !errors.As(err, &gone) || !strings.Contains(err.Error(), "--reindex") || !strings.Contains(err.Error(), "keys can be used") {
					t.Errorf("%s: %v", what, err)
				}
			}
			if got, _, err := alice.Mnemonic(); err != nil || got != words {
				t.Errorf("phrase: %v", err)
			}
			list, err := alice.Descriptors(true)
			if err != nil {
				t.Error(err)
			}
			b.address(alice, Bech32)
			if err := alice.Backup("/backup2.dat"); err != nil {
				t.Error(err)
			}
			if err := alice.Encrypt("pass"); err != nil {
				t.Error(err)
			}
			// It does not fill the disk.
			b.burn(300)
			if h := b.prune(); h < int32(c.blocks)-50 {
				t.Errorf("pruned to %d only, for a wallet that can not go on", h)
			}

			// What would begin too early is refused, and leaves nothing.
			_, _, err = b.m.Create(ctx, Options{Name: "again", Mnemonic: words, Gap: 20})
			if !errors.As(err, &gone) || !strings.Contains(err.Error(), "If nothing was paid before") {
				t.Errorf("restoring the phrase: %v", err)
			}
			if _, err := b.m.Restore(ctx, "again", "/backup.dat"); !errors.As(err, &gone) {
				t.Errorf("restoring a backup: %v", err)
			}
			if names, err := b.m.Names(); err != nil || len(names) != 1 || len(b.m.Loaded()) != 1 {
				t.Errorf("wallets %q, %v", names, err)
			}
			if _, err := b.fs.Stat("/wallets/again"); err == nil {
				t.Error("a directory is left")
			}
			watch := b.watcher("watch")
			d, err := descriptor.ParseOne(list[0].Text, b.net)
			if err != nil {
				t.Fatal(err)
			}
			if d, err = descriptor.ParseOne(mustNormalize(t, d), b.net); err != nil {
				t.Fatal(err)
			}
			errs, err := watch.Import(ctx, []Import{{Descriptor: d, Created: 1, End: -1, Next: -1}})
			if err != nil || !errors.As(errs[0], &gone) {
				t.Errorf("importing: %v, %v", errs, err)
			}
			if list, _ := watch.Descriptors(false); len(list) != 0 {
				t.Error("the import that was refused is there")
			}
			if _, err := watch.Rescan(ctx, 1, nil); !errors.As(err, &gone) {
				t.Errorf("a rescan: %v", err)
			}
			if _, scanning := watch.ScanProgress(); scanning {
				t.Error("it scans all the same")
			}

			// With the time that the refusal names it works.
			if _, _, err = b.m.Create(ctx, Options{Name: "again", Mnemonic: words, Gap: 20, Birthday: gone.Since.Unix()}); err != nil {
				t.Errorf("with a later birthday: %v", err)
			}
			errs, err = watch.Import(ctx, []Import{{Descriptor: d, Now: true, End: -1, Next: -1}})
			if err != nil || errs[0] != nil {
				t.Errorf("importing as of now: %v, %v", errs, err)
			}
			b.mine(b.address(alice, Bech32), 1)
			b.balance(watch, ledger.Balance{Immature: 50 * coin >> (b.chain.Tip().Height / b.net.SubsidyHalvingInterval)})
		})
	}
}

func mustNormalize(t *testing.T, d *descriptor.Descriptor) string {
	t.Helper()
	s, err := d.Normalized()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTooLateScan unloads a wallet in the middle of a rescan whose blocks are
// pruned then: it does not know what it has, until the rescan is given up.
func TestTooLateScan(t *testing.T) {
	b := newPruning(t)
	w := b.create(Options{Name: "w"})
	b.burn(700)
	b.balance(w, ledger.Balance{})
	w.mu.Lock()
	_, err := w.startScan(1, nil)
	w.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if h := b.prune(); h != -1 {
		t.Errorf("pruned to %d in the middle of a rescan", h)
	}
	if err := b.m.Unload("w"); err != nil {
		t.Fatal(err)
	}
	if h := b.prune(); h < 100 {
		t.Fatalf("pruned to %d", h)
	}
	if w, err = b.m.Load(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.advance(t.Context()); !errors.As(err, new(*PrunedError)) {
		t.Errorf("going on: %v", err)
	}
	if w.Trouble() == nil {
		t.Error("nothing is said")
	}
	if !w.AbortRescan() {
		t.Error("there was no rescan")
	}
	if _, err := w.advance(t.Context()); err != nil {
		t.Error(err)
	}
}
