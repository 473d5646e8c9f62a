package wallet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/params"
	"starling/store"
	"starling/wallet/ledger"
	"starling/wire"
)

// slowDisk is a file system on which syncs of some files take until the gate is
// opened.
type slowDisk struct {
	vfs.FS
	slow func(path string) bool
	gate chan struct{}
}

func (d *slowDisk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.OpenReadWrite(name, c, o...)
	return slowFile{f, d, name}, err
}

func (d *slowDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return slowFile{f, d, name}, err
}

type slowFile struct {
	vfs.File
	disk *slowDisk
	name string
}

func (f slowFile) Sync() error {
	if f.disk.slow(f.name) {
		<-f.disk.gate
	}
	return f.File.Sync()
}

// TestNobodyWaitsForAnother has the disk take its time over what one wallet writes,
// and over the list of wallets to load: the other wallet answers meanwhile, and the
// pool is not held up.
func TestNobodyWaitsForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, params.Regtest())
		b.m.Close()
		disk := &slowDisk{FS: b.fs, slow: func(string) bool { return false }, gate: make(chan struct{})}
		b.fs = disk
		b.open()
		alice, bob := b.create(Options{Name: "alice"}), b.create(Options{Name: "bob"})
		b.mine(b.address(alice, Bech32), 1)
		b.burn(100)
		toAlice, toBob := b.address(alice, Bech32), b.address(bob, Bech32)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.m.Run(ctx) }()
		synctest.Wait()
		disk.slow = func(path string) bool { return strings.Contains(path, "alice") || strings.Contains(path, autoloadFile) }

		listed := make(chan error, 1)
		go func() { listed <- b.m.LoadOnStartup("bob", true) }()
		// Alice takes note of what pays her, which has to get to disk.
		b.m.TxAdded(wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{1}}}}, []wire.TxOut{{Value: coin, Script: toAlice}}, 0))
		synctest.Wait()
		b.m.TxAdded(wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{2}}}}, []wire.TxOut{{Value: 2 * coin, Script: toBob}}, 0))
		answered := make(chan ledger.Balance, 1)
		go func() {
			if err := bob.Sync(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := b.m.Get("bob"); err != nil {
				t.Error(err)
			}
			answered <- bob.Balance()
		}()
		synctest.Wait()
		select {
		case got := <-answered:
			if got.Pending != 2*coin {
				t.Errorf("%+v", got)
			}
		default:
			t.Error("one wallet waits for the other's disk")
		}
		close(disk.gate)
		stop()
		if err := errors.Join(<-done, <-listed); err != nil {
			t.Error(err)
		}
	})
}

// TestManyPoolEvents has the pool tell of more than is remembered: by number it is
// little, but not by size.
func TestManyPoolEvents(t *testing.T) {
	b := newBench(t, params.Regtest())
	w := b.create(Options{Name: "w"})
	big := wire.NewTx(2, []wire.TxIn{{Script: make([]byte, 100_000)}}, []wire.TxOut{{Value: 1, Script: foreign}}, 0)
	for range 10 * maxPoolEvents / big.Size() {
		b.m.TxAdded(big)
	}
	if w.events.size > maxPoolEvents || !w.events.lost {
		t.Errorf("%d bytes are kept", w.events.size)
	}
	// What was not remembered is found in the pool.
	pays := wire.NewTx(2, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: wire.Hash{2}}}}, []wire.TxOut{{Value: coin, Script: b.address(w, Bech32)}}, 0)
	b.pool.txs = append(b.pool.txs, pays)
	b.balance(w, ledger.Balance{Pending: coin})
	b.pool.txs = nil
}

// TestRestoreFails restores a backup on a disk that fails, and leaves nothing.
func TestRestoreFails(t *testing.T) {
	b := newBench(t, params.Regtest())
	if err := b.create(Options{Name: "w"}).Backup("/w.dat"); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	m, err := New(Config{Chain: OverChain(b.chain), FS: fullDisk{b.fs, full}, Dir: "/wallets"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Restore(t.Context(), "again", "/w.dat"); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := b.fs.Stat("/wallets/again"); err == nil {
		t.Error("a directory is left")
	}
	if _, _, err := m.Create(t.Context(), Options{Name: "new"}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := b.fs.Stat("/wallets/new"); err == nil {
		t.Error("a directory of a new wallet is left")
	}
}

// fullDisk is a file system without room for more files.
type fullDisk struct {
	vfs.FS
	err error
}

func (d fullDisk) Create(string, vfs.DiskWriteCategory) (vfs.File, error) { return nil, d.err }

// TestDamagedList has the list of wallets to load damaged: the node starts without,
// and what the file held is kept.
func TestDamagedList(t *testing.T) {
	for about, damage := range map[string]func(b []byte) []byte{
		"a changed byte": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut short":      func(b []byte) []byte { return b[:3] },
		"empty":          func([]byte) []byte { return nil },
	} {
		t.Run(about, func(t *testing.T) {
			b := newBench(t, params.Regtest())
			b.create(Options{Name: "w"})
			if err := b.m.LoadOnStartup("w", true); err != nil {
				t.Fatal(err)
			}
			b.m.Close()
			path := b.m.autoloadPath()
			bad := damage(readFile(t, b.fs, path))
			writeFile(t, b.fs, path, bad)
			b.open()
			if n := len(b.m.Loaded()); n != 0 {
				t.Errorf("%d wallets are loaded", n)
			}
			if got := readFile(t, b.fs, path+".bad"); string(got) != string(bad) {
				t.Errorf("%q is kept of %q", got, bad)
			}
			if err := b.m.LoadOnStartup("w", true); err != nil {
				t.Error(err)
			}
			b.m.Close()
			b.open()
			if n := len(b.m.Loaded()); n != 1 {
				t.Errorf("then %d wallets are loaded", n)
			}
		})
	}
}

func readFile(t *testing.T, fsys vfs.FS, path string) []byte {
	t.Helper()
	f, err := fsys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, fsys vfs.FS, path string, b []byte) {
	t.Helper()
	if err := store.WriteWhole(fsys, path, bytes.Clone(b)); err != nil {
		t.Fatal(err)
	}
}
