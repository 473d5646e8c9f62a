package wallet

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/params"
	"starling/script/descriptor"
)

// disk reads and writes whole files.
type disk struct {
	t  *testing.T
	fs vfs.FS
}

func (d disk) read(path string) []byte {
	d.t.Helper()
	f, err := d.fs.Open(path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		d.t.Fatal(err)
	}
	b := make([]byte, st.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d disk) write(path string, b []byte) {
	d.t.Helper()
	f, err := d.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := f.Write(bytes.Clone(b)); err != nil {
		d.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// keysOf lists all that a wallet's file holds of keys and addresses.
func keysOf(t *testing.T, w *Wallet) string {
	t.Helper()
	words, _, err := w.Mnemonic()
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.Descriptors(true)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(words, list, w.Labelled())
}

// TestDamagedWallet flips every byte of a wallet file, cuts it off at every
// place, empties and removes it. Either all keys are there, or the wallet does
// not open and says why; the file stays as it is.
func TestDamagedWallet(t *testing.T) {
	fsys := vfs.NewMem()
	d := disk{t, fsys}
	config := Config{Chain: Detached(params.Regtest()), FS: fsys, Dir: "/wallets", PassphraseCost: 4}
	m, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := m.Create(t.Context(), Options{Name: "w", Gap: 1, Kinds: []Kind{Bech32}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.NewAddress(Bech32, "for rent"); err != nil {
		t.Fatal(err)
	}
	// The last thing in the file is a key that no phrase brings back.
	key, err := descriptor.ParseOne("wpkh(cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N)", params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	if errs, err := w.addImportsForTest(key); err != nil {
		t.Fatal(errs, err)
	}
	want := keysOf(t, w)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	const path = "/wallets/w/wallet.dat"
	whole := d.read(path)
	opened, refused := 0, 0
	try := func(what string, raw []byte) {
		t.Helper()
		d.write(path, raw)
		m, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		w, err := m.Load(t.Context(), "w")
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), "wallet.dat") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v", what, err)
			}
			if !bytes.Equal(d.read(path), raw) {
				t.Fatalf("%s: the file was changed", what)
			}
		} else if opened++; keysOf(t, w) != want {
			t.Fatalf("%s: keys are lost without a word", what)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range whole {
		raw := bytes.Clone(whole)
		raw[i] ^= 0x04
		try(fmt.Sprintf("byte %d", i), raw)
		try(fmt.Sprintf("cut at %d", i), whole[:i])
	}
	if opened == 0 || opened > 48 || refused < 2*len(whole)-48 {
		t.Errorf("%d opened, %d refused", opened, refused)
	}

	// Without its file nothing is loaded, and the log says what is missing.
	if err := fsys.Remove(path); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	config.Log = slog.New(slog.NewTextHandler(&log, nil))
	if m, err = New(config); err != nil {
		t.Fatal(err)
	}
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "missing="+path) || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("the log says %q", log.String())
	}
}

// addImportsForTest imports one descriptor without reading any block.
func (w *Wallet) addImportsForTest(d *descriptor.Descriptor) ([]error, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.addImport(&Import{Descriptor: d, End: -1, Next: -1}, 0); err != nil {
		return nil, err
	}
	return nil, w.save()
}

// TestSecretsOnDisk encrypts a wallet whose file was torn once: the phrase may
// stand nowhere in its directory any more, and others may read nothing of it.
func TestSecretsOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "wallets")
	config := Config{Chain: Detached(params.Regtest()), Dir: dir, PassphraseCost: 4}
	open := func() *Manager {
		t.Helper()
		m, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := open()
	_, words, err := m.Create(t.Context(), Options{Name: "w", Gap: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadOnStartup("w", true); err != nil {
		t.Fatal(err)
	}
	m.Close()
	path := filepath.Join(dir, "w", fileName)
	for range 2 { // two crashes
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(raw, raw[len(raw)-50:]...), 0o644); err != nil {
			t.Fatal(err)
		}
		m = open()
		if _, err := m.Load(t.Context(), "w"); err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
	// As an older program left it.
	for _, p := range []string{dir, filepath.Join(dir, "w")} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	m = open()
	w, err := m.Load(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup.dat")
	if err := w.Backup(backup); err != nil {
		t.Fatal(err)
	}
	holds := func() (with []string) {
		t.Helper()
		err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			if bytes.Contains(b, []byte(words)) {
				with = append(with, filepath.Base(p))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return with
	}
	if got := holds(); len(got) != 3 {
		t.Fatalf("the phrase is in %q", got)
	}
	if err := w.Encrypt("pass"); err != nil {
		t.Fatal(err)
	}
	if got := holds(); len(got) != 0 {
		t.Errorf("the phrase is still in %q", got)
	}
	// A crash may come before the copies are deleted, and later ones are kept.
	raw, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".torn", raw, 0o600); err != nil {
		t.Fatal(err)
	}
	m.Close()
	if raw, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, 1, 2, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	m = open()
	if _, err = m.Load(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	m.Close()
	if got := holds(); len(got) != 0 {
		t.Errorf("after a crash the phrase is in %q", got)
	}
	if kept, err := os.ReadFile(path + ".torn-2"); err != nil || !bytes.Equal(kept, append(raw, 1, 2, 3)) {
		t.Errorf("what a crash cut short of the encrypted file is not kept: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for p, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "w"): 0o700, path: 0o600, backup: 0o600, filepath.Join(dir, autoloadFile): 0o600} {
		if st, err := os.Stat(p); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", p, st.Mode(), err)
		}
	}
}
