package netmake

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"starling/address"
	"starling/node"
	"starling/node/settings"
	"starling/params/netfile"
)

// settingsIn are those of a node with its data in dir.
func settingsIn(t *testing.T, dir string, flags ...string) *settings.Settings {
	t.Helper()
	fl := pflag.NewFlagSet("test", pflag.ContinueOnError)
	settings.AddFlags(fl, false)
	if err := fl.Parse(append([]string{"--datadir", dir}, flags...)); err != nil {
		t.Fatal(err)
	}
	cfg, err := settings.Load(fl, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// in is request for a node with its data in dir.
func in(t *testing.T, dir string, changes ...func(*Request)) Request {
	t.Helper()
	r := request(changes...)
	r.Settings = settingsIn(t, dir)
	return *r
}

// TestCreate makes networks, and reads the files that say what they are like.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		about  string
		change func(*Request)
		path   string
	}{
		{"where its name finds it", func(*Request) {}, filepath.Join(dir, "networks", "demo.toml")},
		{"elsewhere", func(r *Request) { r.Path = filepath.Join(dir, "else", "x.toml") }, filepath.Join(dir, "else", "x.toml")},
	} {
		t.Run(tc.about, func(t *testing.T) {
			made, err := Create(t.Context(), in(t, dir, tc.change))
			if err != nil {
				t.Fatal(err)
			}
			if made.Path != tc.path || made.Mnemonic != "" {
				t.Errorf("got %s and %q, want %s", made.Path, made.Mnemonic, tc.path)
			}
			n, err := netfile.Load(tc.path)
			if err != nil {
				t.Fatal(err)
			}
			if n.GenesisHash != made.Network.GenesisHash || n.Name != "demo" {
				t.Errorf("the file describes %s with block %s, want %s", n.Name, n.GenesisHash, made.Network.GenesisHash)
			}
			if diff := cmp.Diff([]string{filepath.Base(tc.path)}, names(t, filepath.Dir(tc.path))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCreateRefused asks for what cannot be: nothing is written, not even a
// directory.
func TestCreateRefused(t *testing.T) {
	for _, tc := range []struct {
		about  string
		change func(*Request)
	}{
		{"a name", func(r *Request) { r.Name = "main" }},
		{"an amount", func(r *Request) { r.Premine = "-1" }},
		{"what no file may say", func(r *Request) { r.Halving = 0 }},
	} {
		t.Run(tc.about, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			_, err := Create(t.Context(), in(t, dir, tc.change, func(r *Request) { r.Wallet = "main" }))
			var refused *RequestError
			if !errors.As(err, &refused) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s was made (%v)", dir, err)
			}
		})
	}
}

// TestCreateTwice makes a network where there is one: the file stays, and no
// wallet is made, unless it is to be replaced.
func TestCreateTwice(t *testing.T) {
	dir := t.TempDir()
	first, err := Create(t.Context(), in(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(first.Path)
	if err != nil {
		t.Fatal(err)
	}
	again := func(r *Request) { r.Wallet, r.Text = "main", "another" }
	_, err = Create(t.Context(), in(t, dir, again))
	var exists *ExistsError
	if !errors.As(err, &exists) || exists.Path != first.Path {
		t.Errorf("got %v", err)
	}
	holds(t, first.Path, string(before))
	if diff := cmp.Diff([]string{"networks"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
	second, err := Create(t.Context(), in(t, dir, again, func(r *Request) { r.Replace = true }))
	if err != nil {
		t.Fatal(err)
	}
	n, err := netfile.Load(first.Path)
	if err != nil || n.GenesisHash != second.Network.GenesisHash || n.GenesisHash == first.Network.GenesisHash {
		t.Errorf("the file describes %v (%v)", n, err)
	}
}

// walletFile is where the wallet main of the network demo is.
func walletFile(dir string) string {
	return filepath.Join(node.WalletDir(filepath.Join(dir, "demo")), "main", "wallet.dat")
}

// TestCreatePaysWallet makes a wallet along with a network, and pays it again
// when the network is made anew.
func TestCreatePaysWallet(t *testing.T) {
	dir := t.TempDir()
	paid := make(map[string]bool)
	for i, change := range []func(*Request){
		func(r *Request) { r.Wallet, r.Premine = "main", "1000" },
		func(r *Request) { r.Wallet, r.Premine, r.Replace = "main", "1000", true },
	} {
		made, err := Create(t.Context(), in(t, dir, change))
		if err != nil {
			t.Fatal(err)
		}
		if words := len(strings.Fields(made.Mnemonic)); (words == 12) != (i == 0) || words != 0 && words != 12 {
			t.Errorf("round %d: a phrase of %d words", i, words)
		}
		out := made.Network.Genesis.Txs[0].Out
		to, ok := address.FromScript(out[0].Script, made.Network)
		if !ok || out[0].Value != 1000_0000_0000 || len(out) != 2 {
			t.Errorf("round %d: it pays %v", i, out)
		}
		paid[to.String()] = true
	}
	if _, err := os.Stat(walletFile(dir)); err != nil {
		t.Error(err)
	}
	if len(paid) != 2 || paid[payee] {
		t.Errorf("it paid %v, want two addresses of the wallet", paid)
	}
}

// TestCreateNowhere asks for a file where none can be: no wallet is made.
func TestCreateNowhere(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := Create(t.Context(), in(t, dir, func(r *Request) { r.Wallet, r.Path = "main", filepath.Join(blocked, "x.toml") }))
	var path *fs.PathError
	if !errors.As(err, &path) || made.Mnemonic != "" {
		t.Errorf("got %q, %v", made.Mnemonic, err)
	}
	if diff := cmp.Diff([]string{"file"}, names(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// TestCreateFailsLate fails when the wallet has been made: nothing is left of
// the file, and the phrase of the wallet is told, which the next attempt pays.
func TestCreateFailsLate(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	path := filepath.Join(out, "demo.toml")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil { // no file can replace it
		t.Fatal(err)
	}
	change := func(r *Request) { r.Wallet, r.Path, r.Replace = "main", path, true }
	made, err := Create(t.Context(), in(t, dir, change))
	if err == nil || len(strings.Fields(made.Mnemonic)) != 12 {
		t.Errorf("got %q, %v", made.Mnemonic, err)
	}
	if diff := cmp.Diff([]string{"demo.toml"}, names(t, out)); diff != "" {
		t.Error(diff)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if made, err = Create(t.Context(), in(t, dir, change)); err != nil || made.Mnemonic != "" {
		t.Errorf("again: %q, %v", made.Mnemonic, err)
	}
}

// TestCreateInterrupted gives up the search for a first block.
func TestCreateInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := Create(ctx, in(t, dir, func(r *Request) { r.Difficulty = "1d00ffff" }))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string(nil), names(t, filepath.Join(dir, "networks"))); diff != "" {
		t.Error(diff)
	}
}

// TestPhraseOfFailedWallet fails between making a wallet and taking an address
// of it: the phrase is told.
func TestPhraseOfFailedWallet(t *testing.T) {
	dir := t.TempDir()
	// The list of wallets to load is written by way of this file.
	if err := os.MkdirAll(filepath.Join(node.WalletDir(filepath.Join(dir, "demo")), "autoload.dat.new", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := Create(t.Context(), in(t, dir, func(r *Request) { r.Wallet = "main" }))
	if err == nil || !strings.HasPrefix(err.Error(), "wallet main: ") || len(strings.Fields(made.Mnemonic)) != 12 {
		t.Errorf("got %q, %v", made.Mnemonic, err)
	}
}
