package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"starling/rpc"
	"starling/rpc/jsonrpc"
	"starling/rpc/walletrpc"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"starling/clock"
	"starling/node"
	"starling/params"
	"starling/server"
	"starling/wallet"
)

// bank is a node in memory with wallets.
type bank struct {
	t     testing.TB
	node  *node.Node
	local *jsonrpc.Local
	clk   *clock.Settable
}

// newBank runs a node until the test ends.
func newBank(t testing.TB) *bank {
	t.Helper()
	net := params.Regtest()
	net.MinimumChainWork = new(uint256.Int)
	b := &bank{t: t, clk: clock.NewSettable()}
	b.clk.Set(time.Unix(1_700_000_000, 0))
	var err error
	b.node, err = node.Open(t.Context(), node.Config{
		Server: server.Config{Network: net, FS: vfs.NewMem(), Dir: "/node"}, Clock: b.clk,
		RPCListen: "127.0.0.1:0", RPC: jsonrpc.Options{User: "u", Password: "p"}, Wallet: wallet.Config{PassphraseCost: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.local = &jsonrpc.Local{Table: b.node.Table}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.node.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// in returns a context for calls about one wallet.
func in(name string) context.Context { return walletrpc.WithWallet(context.Background(), name) }

// call calls a method and returns its answer.
func (b *bank) call(ctx context.Context, method string, args ...any) (json.RawMessage, error) {
	if args == nil {
		args = []any{}
	}
	raw, err := b.local.Call(ctx, method, args)
	if err == nil {
		if err := rpc.RoundTrip(b.node.Table.Lookup(method), raw); err != nil {
			b.t.Error(err)
		}
	}
	return raw, err
}

// get calls a method that must succeed and decodes its answer.
func get[T any](b *bank, ctx context.Context, method string, args ...any) (v T) {
	b.t.Helper()
	raw, err := b.call(ctx, method, args...)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		b.t.Fatalf("%s %v: %v", method, args, err)
	}
	return v
}

// fails calls a method that must fail with a code and a message that holds text.
func (b *bank) fails(code jsonrpc.Code, text string, ctx context.Context, method string, args ...any) {
	b.t.Helper()
	raw, err := b.call(ctx, method, args...)
	var e *jsonrpc.Error
	if !errors.As(err, &e) {
		b.t.Errorf("%s %v: no error, but %s", method, args, raw)
		return
	}
	if e.Code != code || !strings.Contains(e.Message, text) {
		b.t.Errorf("%s %v: %d %q, want %d %q", method, args, e.Code, e.Message, code, text)
	}
}

// mine makes blocks that pay an address.
func (b *bank) mine(n int, to string) {
	b.t.Helper()
	get[[]string](b, context.Background(), "generatetoaddress", n, to)
}

const nobody = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"

// amount is what an answer says about money, in full.
type amount = json.Number

func newWallets(t testing.TB, names ...string) *bank {
	t.Helper()
	b := newBank(t)
	for _, n := range names {
		// Few addresses, as deriving a thousand of each kind takes most of the time.
		if _, err := named[map[string]any](b, context.Background(), "createwallet", map[string]any{"wallet_name": n, "gap": 20}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// funded returns a node whose wallet alice has n mature coinbases, beside bob.
func funded(t testing.TB, n int) *bank {
	t.Helper()
	b := newWallets(t, "alice", "bob")
	b.mine(n, get[string](b, in("alice"), "getnewaddress"))
	b.mine(100, nobody)
	return b
}

func (b *bank) balance(name string, want amount) {
	b.t.Helper()
	if got := get[amount](b, in(name), "getbalance"); got != want {
		b.t.Errorf("%s has %s, want %s", name, got, want)
	}
}

func TestWhichWallet(t *testing.T) {
	b := newBank(t)
	bg := context.Background()
	b.fails(jsonrpc.CodeWalletNotFound, "No wallet is loaded", bg, "getbalance")
	get[any](b, bg, "createwallet", "one")
	b.balance("one", "0.00000000")
	if got := get[amount](b, bg, "getbalance"); got != "0.00000000" {
		t.Errorf("balance %s", got)
	}
	get[any](b, bg, "createwallet", "two words")
	b.fails(jsonrpc.CodeWalletNotSpecified, "Multiple wallets are loaded", bg, "getbalance")
	b.fails(jsonrpc.CodeWalletNotFound, "does not exist or is not loaded", in("three"), "getbalance")
	b.fails(jsonrpc.CodeWalletExists, "already exists", bg, "createwallet", "one")
	b.fails(jsonrpc.CodeWalletLoaded, "already loaded", bg, "loadwallet", "one")
	b.fails(jsonrpc.CodeWalletNotFound, "no wallet", bg, "loadwallet", "three")
	for _, name := range []string{"", "../x", "a/b", ".hidden", strings.Repeat("x", 65)} {
		b.fails(jsonrpc.CodeInvalidParam, "name", bg, "createwallet", name)
	}
	if got := get[[]string](b, bg, "listwallets"); fmt.Sprint(got) != "[one two words]" {
		t.Errorf("%q", got)
	}
	b.fails(jsonrpc.CodeInvalidParam, "specify different wallets", in("one"), "unloadwallet", "two words")
	get[any](b, in("one"), "unloadwallet")
	b.fails(jsonrpc.CodeWalletNotFound, "not loaded", in("one"), "getbalance")
	if got := get[any](b, bg, "listwalletdir"); fmt.Sprint(got) != "map[wallets:[map[name:one] map[name:two words]]]" {
		t.Errorf("%v", got)
	}
	get[any](b, bg, "loadwallet", "one")
	b.balance("one", "0.00000000")

	// The same by HTTP, where the wallet is part of the path.
	client := &jsonrpc.Client{Address: b.node.RPCAddr().String(), User: "u", Password: "p"}
	raw, err := client.Call(in("two words"), "getwalletinfo", []any{})
	if err != nil || !strings.Contains(string(raw), `"walletname":"two words"`) {
		t.Errorf("%s %v", raw, err)
	}
	if _, err := client.Call(in("three"), "getbalance", []any{}); !errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeWalletNotFound}) {
		t.Errorf("%v", err)
	}
	if _, err := client.Call(in("three"), "getblockcount", []any{}); err != nil {
		t.Errorf("a method that needs no wallet: %v", err)
	}
}

func TestListTransactions(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	type entry struct {
		Category, Address, TxID, Label string
		Amount                         amount
		Confirmations                  int
	}
	to := get[string](b, a, "getnewaddress", "self")
	ids := []string{}
	for i := range 3 {
		ids = append(ids, get[string](b, a, "sendtoaddress", nobody, i+1))
	}
	get[string](b, a, "sendtoaddress", to, 5)
	list := get[[]entry](b, a, "listtransactions", "*", 3, 2)
	// The payment to oneself is a send and a receive; these two are skipped.
	if len(list) != 3 || list[0].TxID != ids[0] || list[2].TxID != ids[2] || list[2].Amount != "-3.00000000" {
		t.Errorf("%+v", list)
	}
	list = get[[]entry](b, a, "listtransactions", "self")
	if len(list) != 1 || list[0].Category != "receive" || list[0].Amount != "5.00000000" {
		t.Errorf("%+v", list)
	}
	b.fails(jsonrpc.CodeInvalidParam, "Negative count", a, "listtransactions", "*", -1)
	type since struct {
		Transactions []entry
		LastBlock    string
	}
	all := get[since](b, a, "listsinceblock")
	if len(all.Transactions) != 6 {
		t.Errorf("%d payments", len(all.Transactions))
	}
	b.mine(1, nobody)
	if got := get[since](b, a, "listsinceblock", all.LastBlock); len(got.Transactions) != 5 || got.Transactions[0].Confirmations != 1 {
		t.Errorf("%+v", got)
	}
	b.fails(jsonrpc.CodeInvalidAddress, "Block not found", a, "listsinceblock", strings.Repeat("0", 64))
	b.fails(jsonrpc.CodeInvalidAddress, "non-wallet transaction", a, "gettransaction", strings.Repeat("0", 64))
	b.fails(jsonrpc.CodeInvalidAddress, "non-wallet transaction", a, "abandontransaction", strings.Repeat("0", 64))
	b.fails(jsonrpc.CodeInvalidAddress, "not eligible", a, "abandontransaction", ids[0])
}

func TestCoins(t *testing.T) {
	b := funded(t, 2)
	a := in("alice")
	type coin struct {
		TxID          string `json:"txid"`
		Vout          uint32 `json:"vout"`
		Amount        amount `json:"-"`
		Spendable     bool   `json:"-"`
		Confirmations int    `json:"-"`
		Safe          bool   `json:"-"`
	}
	coins := get[[]coin](b, a, "listunspent")
	if len(coins) != 2 {
		t.Fatalf("%+v", coins)
	}
	if got := get[[]coin](b, a, "listunspent", 102); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if got := get[[]coin](b, a, "listunspent", 1, 9999999, []string{}, true, map[string]any{"minimumAmount": 51}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	get[bool](b, a, "lockunspent", false, coins[:1])
	if got := get[[]coin](b, a, "listlockunspent"); len(got) != 1 || got[0] != coins[0] {
		t.Errorf("%+v", got)
	}
	if got := get[[]coin](b, a, "listunspent"); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	b.fails(jsonrpc.CodeInsufficientFunds, "Insufficient funds", a, "sendtoaddress", nobody, 60)
	b.fails(jsonrpc.CodeInvalidParam, "already locked", a, "lockunspent", false, coins[:1])
	b.fails(jsonrpc.CodeInvalidParam, "expected locked output", a, "lockunspent", true, coins[1:])
	b.fails(jsonrpc.CodeInvalidParam, "unknown transaction", a, "lockunspent", false, []coin{{TxID: strings.Repeat("1", 64)}})
	get[bool](b, a, "lockunspent", true)
	get[string](b, a, "sendtoaddress", nobody, 60)
	b.fails(jsonrpc.CodeInvalidParam, "expected unspent output", a, "lockunspent", false, coins[:1])
}

func TestAddresses(t *testing.T) {
	b := newWallets(t, "alice")
	a := in("alice")
	type info struct {
		IsMine, Solvable, IsChange, IsWitness, IsScript bool
		HDKeyPath, Desc, Embedded                       string
		Labels                                          []string
	}
	for _, c := range []struct{ kind, prefix, path string }{
		{"bech32", "bcrt1q", "m/84h/1h/0h/0/0"},
		{"bech32m", "bcrt1p", "m/86h/1h/0h/0/0"},
		{"legacy", "m", "m/44h/1h/0h/0/0"},
		{"p2sh-segwit", "2", "m/49h/1h/0h/0/0"},
	} {
		to := get[string](b, a, "getnewaddress", "label", c.kind)
		if c.kind != "legacy" && !strings.HasPrefix(to, c.prefix) {
			t.Errorf("%s: %s", c.kind, to)
		}
		i := get[info](b, a, "getaddressinfo", to)
		if !i.IsMine || !i.Solvable || i.IsChange || i.HDKeyPath != c.path || len(i.Labels) != 1 {
			t.Errorf("%s: %+v", c.kind, i)
		}
		change := get[string](b, a, "getrawchangeaddress", c.kind)
		if i := get[info](b, a, "getaddressinfo", change); !i.IsMine || !i.IsChange || len(i.Labels) != 0 {
			t.Errorf("%s: %+v", c.kind, i)
		}
	}
	if i := get[info](b, a, "getaddressinfo", nobody); i.IsMine {
		t.Errorf("%+v", i)
	}
	b.fails(jsonrpc.CodeInvalidAddress, "Unknown address type", a, "getnewaddress", "", "bech33")
	b.fails(jsonrpc.CodeLabel, "Invalid label name", a, "getnewaddress", "*")
	get[any](b, a, "setlabel", nobody, "friend")
	if got := get[[]string](b, a, "listlabels"); fmt.Sprint(got) != "[friend label]" {
		t.Errorf("%q", got)
	}
	if got := get[map[string]any](b, a, "getaddressesbylabel", "friend"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	b.fails(jsonrpc.CodeLabel, "No addresses with label", a, "getaddressesbylabel", "foe")
	to := get[string](b, a, "getnewaddress", "", "legacy")
	sig := get[string](b, a, "signmessage", to, "hello")
	if !get[bool](b, a, "verifymessage", to, sig, "hello") {
		t.Error("the signature is not good")
	}
	b.fails(jsonrpc.CodeType, "does not refer to key", a, "signmessage", nobody, "hello")
}

func TestLockedWallet(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	b.fails(jsonrpc.CodeWrongEncryption, "unencrypted wallet, but walletpassphrase", a, "walletpassphrase", "x", 10)
	b.fails(jsonrpc.CodeWrongEncryption, "unencrypted wallet, but walletlock", a, "walletlock")
	b.fails(jsonrpc.CodeWrongEncryption, "unencrypted wallet, but walletpassphrasechange", a, "walletpassphrasechange", "x", "y")
	b.fails(jsonrpc.CodeInvalidParam, "passphrase cannot be empty", a, "encryptwallet", "")
	get[string](b, a, "encryptwallet", "pass")
	b.fails(jsonrpc.CodeWrongEncryption, "encrypted wallet, but encryptwallet", a, "encryptwallet", "pass")
	raw, err := b.call(a, "createrawtransaction", []any{}, map[string]any{nobody: 1})
	if err != nil {
		t.Fatal(err)
	}
	var unsigned string
	if err := json.Unmarshal(raw, &unsigned); err != nil {
		t.Fatal(err)
	}
	funded := get[struct{ Hex string }](b, a, "fundrawtransaction", unsigned)
	for method, args := range map[string][]any{
		"sendtoaddress":                {nobody, 1},
		"sendmany":                     {"", map[string]any{nobody: 1}},
		"sendall":                      {[]string{nobody}},
		"getwalletmnemonic":            nil,
		"listdescriptors":              {true},
		"signrawtransactionwithwallet": {funded.Hex},
	} {
		b.fails(jsonrpc.CodeUnlockNeeded, "enter the wallet passphrase", a, method, args...)
	}
	b.fails(jsonrpc.CodePassphraseIncorrect, "incorrect", a, "walletpassphrase", "wrong", 10)
	b.fails(jsonrpc.CodeInvalidParam, "negative", a, "walletpassphrase", "pass", -1)
	get[any](b, a, "walletpassphrase", "pass", 60)
	type info struct {
		UnlockedUntil int64 `json:"unlocked_until"`
	}
	if got := get[info](b, a, "getwalletinfo"); got.UnlockedUntil != b.clk.Now().Unix()+60 {
		t.Errorf("unlocked until %d", got.UnlockedUntil)
	}
	get[string](b, a, "sendtoaddress", nobody, 1)
	b.clk.Set(b.clk.Now().Add(time.Minute))
	b.fails(jsonrpc.CodeUnlockNeeded, "enter the wallet passphrase", a, "sendtoaddress", nobody, 1)
	get[any](b, a, "walletpassphrasechange", "pass", "word")
	b.fails(jsonrpc.CodePassphraseIncorrect, "incorrect", a, "walletpassphrase", "pass", 10)
	get[any](b, a, "walletpassphrase", "word", 10)
	get[any](b, a, "walletlock")
	b.fails(jsonrpc.CodeUnlockNeeded, "enter the wallet passphrase", a, "sendtoaddress", nobody, 1)
}

func TestBackupAndRestore(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	get[any](b, a, "setlabel", nobody, "friend")
	get[any](b, a, "backupwallet", "/backup.dat")
	b.fails(jsonrpc.CodeWallet, "exists", a, "backupwallet", "/backup.dat")
	b.fails(jsonrpc.CodeWalletExists, "already exists", a, "restorewallet", "alice", "/backup.dat")
	b.fails(jsonrpc.CodeWallet, "no backup", a, "restorewallet", "again", "/other.dat")
	get[string](b, a, "sendtoaddress", nobody, 1)
	b.mine(1, nobody)
	get[any](b, a, "restorewallet", "again", "/backup.dat")
	if got, want := get[amount](b, in("again"), "getbalance"), get[amount](b, a, "getbalance"); got != want {
		t.Errorf("restored with %s, want %s", got, want)
	}
	if got := get[[]string](b, in("again"), "listlabels"); fmt.Sprint(got) != "[ friend]" {
		t.Errorf("%q", got)
	}
}

func TestPhraseAndRescan(t *testing.T) {
	b := newBank(t)
	bg := context.Background()
	type created struct{ Name, Mnemonic string }
	c := get[created](b, bg, "createwallet", "w", false, false, "", false, true, nil, false, "", "", 24, true)
	if len(strings.Fields(c.Mnemonic)) != 24 {
		t.Fatalf("%+v", c)
	}
	b.mine(3, get[string](b, in("w"), "getnewaddress"))
	b.mine(100, nobody)
	if got := get[map[string]any](b, in("w"), "getwalletmnemonic"); got["mnemonic"] != c.Mnemonic {
		t.Error("another phrase")
	}
	raw, err := b.local.Call(bg, "createwallet", map[string]any{"wallet_name": "again", "mnemonic": c.Mnemonic})
	if err != nil || strings.Contains(string(raw), c.Mnemonic) {
		t.Fatalf("%s %v", raw, err)
	}
	b.balance("again", "150.00000000")
	// A birthday that no block has reached stands for the newest time that one has;
	// one that is yet to come is a mistake.
	b.clk.Set(b.clk.Now().Add(3 * time.Hour))
	b.mine(12, nobody)
	if _, err := b.local.Call(bg, "createwallet", map[string]any{"wallet_name": "late", "mnemonic": c.Mnemonic, "birthday": b.clk.Now().Unix()}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.local.Call(bg, "createwallet", map[string]any{"wallet_name": "ahead", "mnemonic": c.Mnemonic, "birthday": b.clk.Now().Unix() + 60}); !errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParam}) || !strings.Contains(err.Error(), "is yet to come") {
		t.Errorf("a birthday that is yet to come: %v", err)
	}
	b.balance("late", "0.00000000")
	get[any](b, in("late"), "rescanblockchain", 2)
	b.balance("late", "100.00000000")
	get[any](b, in("late"), "rescanblockchain")
	b.balance("late", "150.00000000")
	b.fails(jsonrpc.CodeInvalidParam, "Invalid start_height", in("late"), "rescanblockchain", 1000)
	if get[bool](b, in("late"), "abortrescan") {
		t.Error("there was a rescan")
	}
	if _, err := b.local.Call(bg, "createwallet", map[string]any{"wallet_name": "bad", "mnemonic": "zoo zoo zoo"}); !errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeWallet}) {
		t.Errorf("%v", err)
	}
}

// TestDamagedFile damages a wallet's file on a real disk.
func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	net := params.Regtest()
	open := func() (*node.Node, func()) {
		n, err := node.Open(t.Context(), node.Config{Server: server.Config{Network: net, Dir: dir}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		return n, func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	n, stop := open()
	local := &jsonrpc.Local{Table: n.Table}
	if _, err := local.Call(t.Context(), "createwallet", []any{"w"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := local.Call(t.Context(), "getnewaddress", []any{}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	path := filepath.Join(dir, "wallets", "w", "wallet.dat")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[100] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	n, stop = open()
	defer stop()
	local = &jsonrpc.Local{Table: n.Table}
	_, err = local.Call(t.Context(), "loadwallet", []any{"w"})
	var e *jsonrpc.Error
	if !errors.As(err, &e) || e.Code != jsonrpc.CodeWallet || !strings.Contains(e.Message, "is damaged") || strings.Contains(e.Message, "\n") {
		t.Errorf("%v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(raw) {
		t.Error("the damaged file was changed")
	}
	st, err := os.Stat(filepath.Dir(path))
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("others may look into the wallet's directory: %v %v", st.Mode(), err)
	}
}
