package rpc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"starling/rpc/jsonrpc"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"starling/clock"
	"starling/node"
	"starling/params"
	"starling/server"
	"starling/wallet"
)

// TestStuckWallet damages the blocks that a wallet has yet to read. What depends
// on them fails and says why; whatever needs the wallet's keys alone works, and
// the node neither ends by itself nor with an error.
func TestStuckWallet(t *testing.T) {
	net := params.Regtest()
	net.MinimumChainWork = new(uint256.Int)
	fsys := vfs.NewMem()
	b := &bank{t: t, clk: clock.NewSettable()}
	b.clk.Set(time.Unix(1_700_000_000, 0))
	var err error
	b.node, err = node.Open(t.Context(), node.Config{
		Server: server.Config{Network: net, FS: fsys, Dir: "/node"}, Clock: b.clk,
		Wallet: wallet.Config{PassphraseCost: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.local = &jsonrpc.Local{Table: b.node.Table}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.node.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the node ended with %v", err)
		}
	}()

	bg, w := context.Background(), in("w")
	get[any](b, bg, "createwallet", "w")
	words := get[map[string]any](b, w, "getwalletmnemonic")["mnemonic"]
	b.mine(5, nobody)
	get[any](b, bg, "unloadwallet", "w")
	b.mine(5, nobody)
	f, err := fsys.OpenReadWrite("/node/blocks/blk00000.dat", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 900), st.Size()-900); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	get[any](b, bg, "loadwallet", "w")
	for _, method := range []string{"getbalance", "listunspent", "listtransactions"} {
		if _, err := b.call(w, method); err == nil || !strings.Contains(err.Error(), "blk00000.dat") {
			t.Errorf("%s: %v", method, err)
		}
	}
	if got := get[map[string]any](b, w, "getwalletmnemonic")["mnemonic"]; got != words {
		t.Errorf("phrase %v", got)
	}
	to := get[string](b, w, "getnewaddress", "", "legacy")
	for _, c := range []struct {
		method string
		args   []any
	}{
		{"listdescriptors", []any{true}}, {"backupwallet", []any{"/backup.dat"}}, {"getrawchangeaddress", nil},
		{"getaddressinfo", []any{to}}, {"setlabel", []any{to, "x"}}, {"getaddressesbylabel", []any{"x"}}, {"listlabels", nil},
		{"signmessage", []any{to, "hello"}}, {"keypoolrefill", nil}, {"getwalletinfo", nil},
		{"encryptwallet", []any{"pass"}}, {"walletpassphrase", []any{"pass", 60}}, {"walletpassphrasechange", []any{"pass", "word"}}, {"walletlock", nil},
	} {
		if _, err := b.call(w, c.method, c.args...); err != nil {
			t.Errorf("%s: %v", c.method, err)
		}
	}
	select {
	case err := <-done:
		done <- err
		t.Fatalf("the node ended: %v", err)
	default:
	}
}
