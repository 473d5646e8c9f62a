package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"starling/clock"
	"starling/internal/fullnode"
	"starling/params"
	"starling/rpc"
	"starling/server"
)

// bank is a node in memory with wallets.
type bank struct {
	t     *testing.T
	node  *fullnode.Node
	local *rpc.Local
	clk   *clock.Settable
}

// newBank runs a node until the test ends.
func newBank(t *testing.T) *bank {
	t.Helper()
	net := params.Regtest()
	net.MinimumChainWork = new(uint256.Int)
	b := &bank{t: t, clk: clock.NewSettable()}
	b.clk.Set(time.Unix(1_700_000_000, 0))
	var err error
	b.node, err = fullnode.Open(t.Context(), fullnode.Config{
		Server: server.Config{Network: net, FS: vfs.NewMem(), Dir: "/node"}, Clock: b.clk,
		RPC: fullnode.RPC{Listen: "127.0.0.1:0", User: "u", Password: "p"}, Wallets: fullnode.Wallets{PassphraseCost: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.local = &rpc.Local{Table: b.node.Table}
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
func in(name string) context.Context { return rpc.WithWallet(context.Background(), name) }

// call calls a method and returns its answer.
func (b *bank) call(ctx context.Context, method string, args ...any) (json.RawMessage, error) {
	if args == nil {
		args = []any{}
	}
	return b.local.Call(ctx, method, args)
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
func (b *bank) fails(code rpc.Code, text string, ctx context.Context, method string, args ...any) {
	b.t.Helper()
	raw, err := b.call(ctx, method, args...)
	var e *rpc.Error
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

func newWallets(t *testing.T, names ...string) *bank {
	t.Helper()
	b := newBank(t)
	for _, n := range names {
		get[map[string]any](b, context.Background(), "createwallet", n)
	}
	return b
}

// funded returns a node whose wallet alice has n mature coinbases, beside bob.
func funded(t *testing.T, n int) *bank {
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
	b.fails(rpc.CodeWalletNotFound, "No wallet is loaded", bg, "getbalance")
	get[any](b, bg, "createwallet", "one")
	b.balance("one", "0.00000000")
	if got := get[amount](b, bg, "getbalance"); got != "0.00000000" {
		t.Errorf("balance %s", got)
	}
	get[any](b, bg, "createwallet", "two words")
	b.fails(rpc.CodeWalletNotSpecified, "Multiple wallets are loaded", bg, "getbalance")
	b.fails(rpc.CodeWalletNotFound, "does not exist or is not loaded", in("three"), "getbalance")
	b.fails(rpc.CodeWalletExists, "already exists", bg, "createwallet", "one")
	b.fails(rpc.CodeWalletLoaded, "already loaded", bg, "loadwallet", "one")
	b.fails(rpc.CodeWalletNotFound, "no wallet", bg, "loadwallet", "three")
	for _, name := range []string{"", "../x", "a/b", ".hidden", strings.Repeat("x", 65)} {
		b.fails(rpc.CodeInvalidParam, "name", bg, "createwallet", name)
	}
	if got := get[[]string](b, bg, "listwallets"); fmt.Sprint(got) != "[one two words]" {
		t.Errorf("%q", got)
	}
	b.fails(rpc.CodeInvalidParam, "specify different wallets", in("one"), "unloadwallet", "two words")
	get[any](b, in("one"), "unloadwallet")
	b.fails(rpc.CodeWalletNotFound, "not loaded", in("one"), "getbalance")
	if got := get[any](b, bg, "listwalletdir"); fmt.Sprint(got) != "map[wallets:[map[name:one] map[name:two words]]]" {
		t.Errorf("%v", got)
	}
	get[any](b, bg, "loadwallet", "one")
	b.balance("one", "0.00000000")

	// The same by HTTP, where the wallet is part of the path.
	client := &rpc.Client{Address: b.node.RPCAddr().String(), User: "u", Password: "p"}
	raw, err := client.Call(in("two words"), "getwalletinfo", []any{})
	if err != nil || !strings.Contains(string(raw), `"walletname":"two words"`) {
		t.Errorf("%s %v", raw, err)
	}
	if _, err := client.Call(in("three"), "getbalance", []any{}); !errors.Is(err, &rpc.Error{Code: rpc.CodeWalletNotFound}) {
		t.Errorf("%v", err)
	}
	if _, err := client.Call(in("three"), "getblockcount", []any{}); err != nil {
		t.Errorf("a method that needs no wallet: %v", err)
	}
}

func TestSendToAddress(t *testing.T) {
	b := funded(t, 2)
	a, bob := in("alice"), in("bob")
	b.balance("alice", "100.00000000")
	to := get[string](b, bob, "getnewaddress", "rent", "bech32m")
	txid := get[string](b, a, "sendtoaddress", to, "22.00000001", "for rent", "bob")
	type tx struct {
		Amount, Fee amount
		Comment, To string
		Details     []struct {
			Category, Address string
			Amount, Fee       amount
			Label             *string
			Vout              int
		}
		Confirmations int
		Trusted       *bool
		BlockHeight   *int
		Replaceable   string `json:"bip125-replaceable"`
	}
	e := get[tx](b, a, "gettransaction", txid)
	if e.Amount != "-22.00000001" || e.Comment != "for rent" || e.To != "bob" || len(e.Details) != 1 ||
		e.Details[0].Category != "send" || e.Details[0].Fee != e.Fee || !strings.HasPrefix(string(e.Fee), "-0.00000") ||
		e.Replaceable != "yes" || e.Trusted == nil || !*e.Trusted {
		t.Errorf("%+v", e)
	}
	e = get[tx](b, bob, "gettransaction", txid)
	if e.Amount != "22.00000001" || e.Fee != "" || e.Details[0].Category != "receive" || *e.Details[0].Label != "rent" || *e.Trusted {
		t.Errorf("%+v", e)
	}
	type balances struct {
		Mine struct {
			Trusted, Immature amount
			Pending           amount `json:"untrusted_pending"`
		}
	}
	if got := get[balances](b, bob, "getbalances"); got.Mine.Pending != "22.00000001" || got.Mine.Trusted != "0.00000000" {
		t.Errorf("%+v", got)
	}
	if got := get[amount](b, bob, "getreceivedbyaddress", to, 0); got != "22.00000001" {
		t.Errorf("received %s", got)
	}
	b.mine(1, nobody)
	b.balance("bob", "22.00000001")
	if e = get[tx](b, bob, "gettransaction", txid); e.Confirmations != 1 || e.BlockHeight == nil || *e.BlockHeight != 103 {
		t.Errorf("%+v", e)
	}
	// Fee from the amount, at a given rate, with everything that there is.
	get[string](b, bob, "sendtoaddress", nobody, "22.00000001", "", "", true, nil, nil, "unset", nil, 2.5)
	b.balance("bob", "0.00000000")

	for _, c := range []struct {
		code rpc.Code
		text string
		args []any
	}{
		{rpc.CodeInvalidAddress, "Invalid Bitcoin address", []any{"nonsense", 1}},
		{rpc.CodeInvalidAddress, "main", []any{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 1}},
		{rpc.CodeType, "Invalid amount", []any{nobody, "1.123456789"}},
		{rpc.CodeType, "Invalid amount", []any{nobody, "1e3"}},
		{rpc.CodeType, "Invalid amount for send", []any{nobody, 0}},
		{rpc.CodeType, "out of range", []any{nobody, -1}},
		{rpc.CodeType, "out of range", []any{nobody, 21_000_001}},
		{rpc.CodeType, "not a number or string", []any{nobody, true}},
		{rpc.CodeInsufficientFunds, "Insufficient funds", []any{nobody, 1000}},
		{rpc.CodeInsufficientFunds, "too small", []any{nobody, "0.00000293"}},
		{rpc.CodeInvalidParam, "conf_target", []any{nobody, 1, "", "", false, true, 0}},
		{rpc.CodeInvalidParam, "estimate_mode", []any{nobody, 1, "", "", false, true, nil, "quick"}},
		{rpc.CodeInvalidParam, "both conf_target and fee_rate", []any{nobody, 1, "", "", false, true, 2, "unset", nil, 1}},
		{rpc.CodeInsufficientFunds, "lower than the minimum", []any{nobody, 1, "", "", false, true, nil, "unset", nil, "0.09"}},
		{rpc.CodeType, "Invalid amount", []any{nobody, 1, "", "", false, true, nil, "unset", nil, "0.0001"}},
	} {
		b.fails(c.code, c.text, a, "sendtoaddress", c.args...)
	}
}

func TestSendMany(t *testing.T) {
	b := funded(t, 3)
	a := in("alice")
	one, two := get[string](b, in("bob"), "getnewaddress"), get[string](b, in("bob"), "getnewaddress")
	get[string](b, a, "sendmany", "", map[string]any{one: 60, two: "1.5"}, 1, "both", []string{one})
	b.mine(1, nobody)
	type received struct {
		Address string
		Amount  amount
		TxIDs   []string
	}
	got := map[string]amount{}
	for _, r := range get[[]received](b, in("bob"), "listreceivedbyaddress") {
		got[r.Address] = r.Amount
	}
	get[any](b, in("bob"), "setlabel", one, "big")
	if got := get[amount](b, in("bob"), "getreceivedbylabel", "big"); !strings.HasPrefix(string(got), "59.99999") {
		t.Errorf("label big received %s", got)
	}
	if got := get[[]map[string]any](b, in("bob"), "listreceivedbylabel"); len(got) != 2 || got[1]["label"] != "big" {
		t.Errorf("%v", got)
	}
	b.fails(rpc.CodeWallet, "Label not found", in("bob"), "getreceivedbylabel", "small")
	if got[two] != "1.50000000" || !strings.HasPrefix(string(got[one]), "59.99999") {
		t.Errorf("%v", got)
	}
	b.fails(rpc.CodeInvalidParam, "duplicated address", a, "sendmany", "", json.RawMessage(`{"`+one+`":1,"`+one+`":2}`))
	b.fails(rpc.CodeInvalidParam, "Dummy", a, "sendmany", "x", map[string]any{one: 1})
	b.fails(rpc.CodeInvalidAddress, "Invalid Bitcoin address", a, "sendmany", "", map[string]any{"x": 1})
}

func TestSendAndSendAll(t *testing.T) {
	b := funded(t, 3)
	a := in("alice")
	type sent struct {
		Complete  bool
		TxID, Hex string
		PSBT      string
		Fee       amount
	}
	to := get[string](b, in("bob"), "getnewaddress")
	got := get[sent](b, a, "send", []any{map[string]any{to: 1}, map[string]any{"data": "c0ffee"}}, nil, "unset", 3, map[string]any{"change_position": 1})
	if !got.Complete || got.TxID == "" || got.Fee == "" {
		t.Errorf("%+v", got)
	}
	type decoded struct {
		Decoded struct {
			Vin  []struct{ TxID string }
			Vout []struct {
				Value        amount
				ScriptPubKey struct{ Address, Type string }
			}
		}
	}
	tx := get[decoded](b, a, "gettransaction", got.TxID, false, true)
	if o := tx.Decoded.Vout; len(o) != 3 || o[0].Value != "1.00000000" || o[2].ScriptPubKey.Type != "nulldata" {
		t.Errorf("%+v", tx)
	}
	// Not sent: the transaction is returned.
	got = get[sent](b, a, "send", map[string]any{to: 1}, nil, "unset", nil, map[string]any{"add_to_wallet": false})
	if !got.Complete || got.Hex == "" || got.PSBT != "" {
		t.Errorf("%+v", got)
	}
	accept := get[[]struct{ Allowed bool }](b, a, "testmempoolaccept", []string{got.Hex})
	if !accept[0].Allowed {
		t.Error("what send returns is not accepted")
	}
	got = get[sent](b, a, "send", map[string]any{to: 1}, nil, "unset", nil, map[string]any{"psbt": true})
	final := get[struct {
		Complete bool
		Hex      string
	}](b, a, "finalizepsbt", got.PSBT)
	if !final.Complete {
		t.Errorf("%+v", final)
	}
	b.fails(rpc.CodeInvalidParam, "either as an argument or in the options", a, "send", map[string]any{to: 1}, 6, "unset", nil, map[string]any{"fee_rate": 2})
	b.fails(rpc.CodeInvalidParam, "position too large", a, "send", map[string]any{to: 1}, nil, "unset", nil, map[string]any{"subtract_fee_from_outputs": []int{1}})
	b.fails(rpc.CodeType, "Unexpected key", a, "send", map[string]any{to: 1}, nil, "unset", nil, map[string]any{"nonsense": 1})

	got = get[sent](b, a, "sendall", []any{to, map[string]any{nobody: 10}})
	b.balance("alice", "0.00000000")
	b.mine(1, nobody)
	b.fails(rpc.CodeInvalidParam, "at least one address without", a, "sendall", []any{map[string]any{nobody: 10}})
	b.fails(rpc.CodeInsufficientFunds, "Insufficient funds", a, "sendall", []any{nobody})
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
	b.fails(rpc.CodeInvalidParam, "Negative count", a, "listtransactions", "*", -1)
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
	b.fails(rpc.CodeInvalidAddress, "Block not found", a, "listsinceblock", strings.Repeat("0", 64))
	b.fails(rpc.CodeInvalidAddress, "non-wallet transaction", a, "gettransaction", strings.Repeat("0", 64))
	b.fails(rpc.CodeInvalidAddress, "non-wallet transaction", a, "abandontransaction", strings.Repeat("0", 64))
	b.fails(rpc.CodeInvalidAddress, "not eligible", a, "abandontransaction", ids[0])
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
	b.fails(rpc.CodeInsufficientFunds, "Insufficient funds", a, "sendtoaddress", nobody, 60)
	b.fails(rpc.CodeInvalidParam, "already locked", a, "lockunspent", false, coins[:1])
	b.fails(rpc.CodeInvalidParam, "expected locked output", a, "lockunspent", true, coins[1:])
	b.fails(rpc.CodeInvalidParam, "unknown transaction", a, "lockunspent", false, []coin{{TxID: strings.Repeat("1", 64)}})
	get[bool](b, a, "lockunspent", true)
	get[string](b, a, "sendtoaddress", nobody, 60)
	b.fails(rpc.CodeInvalidParam, "expected unspent output", a, "lockunspent", false, coins[:1])
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
	b.fails(rpc.CodeInvalidAddress, "Unknown address type", a, "getnewaddress", "", "bech33")
	b.fails(rpc.CodeLabel, "Invalid label name", a, "getnewaddress", "*")
	get[any](b, a, "setlabel", nobody, "friend")
	if got := get[[]string](b, a, "listlabels"); fmt.Sprint(got) != "[friend label]" {
		t.Errorf("%q", got)
	}
	if got := get[map[string]any](b, a, "getaddressesbylabel", "friend"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	b.fails(rpc.CodeLabel, "No addresses with label", a, "getaddressesbylabel", "foe")
	to := get[string](b, a, "getnewaddress", "", "legacy")
	sig := get[string](b, a, "signmessage", to, "hello")
	if !get[bool](b, a, "verifymessage", to, sig, "hello") {
		t.Error("the signature is not good")
	}
	b.fails(rpc.CodeType, "does not refer to key", a, "signmessage", nobody, "hello")
}

func TestLockedWallet(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	b.fails(rpc.CodeWrongEncryption, "unencrypted wallet, but walletpassphrase", a, "walletpassphrase", "x", 10)
	b.fails(rpc.CodeWrongEncryption, "unencrypted wallet, but walletlock", a, "walletlock")
	b.fails(rpc.CodeWrongEncryption, "unencrypted wallet, but walletpassphrasechange", a, "walletpassphrasechange", "x", "y")
	b.fails(rpc.CodeInvalidParam, "passphrase cannot be empty", a, "encryptwallet", "")
	get[string](b, a, "encryptwallet", "pass")
	b.fails(rpc.CodeWrongEncryption, "encrypted wallet, but encryptwallet", a, "encryptwallet", "pass")
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
		b.fails(rpc.CodeUnlockNeeded, "enter the wallet passphrase", a, method, args...)
	}
	b.fails(rpc.CodePassphraseIncorrect, "incorrect", a, "walletpassphrase", "wrong", 10)
	b.fails(rpc.CodeInvalidParam, "negative", a, "walletpassphrase", "pass", -1)
	get[any](b, a, "walletpassphrase", "pass", 60)
	type info struct {
		UnlockedUntil int64 `json:"unlocked_until"`
	}
	if got := get[info](b, a, "getwalletinfo"); got.UnlockedUntil != b.clk.Now().Unix()+60 {
		t.Errorf("unlocked until %d", got.UnlockedUntil)
	}
	get[string](b, a, "sendtoaddress", nobody, 1)
	b.clk.Set(b.clk.Now().Add(time.Minute))
	b.fails(rpc.CodeUnlockNeeded, "enter the wallet passphrase", a, "sendtoaddress", nobody, 1)
	get[any](b, a, "walletpassphrasechange", "pass", "word")
	b.fails(rpc.CodePassphraseIncorrect, "incorrect", a, "walletpassphrase", "pass", 10)
	get[any](b, a, "walletpassphrase", "word", 10)
	get[any](b, a, "walletlock")
	b.fails(rpc.CodeUnlockNeeded, "enter the wallet passphrase", a, "sendtoaddress", nobody, 1)
}

// TestWatchAndSign has a wallet that only watches make a payment, which the one
// with the keys signs.
func TestWatchAndSign(t *testing.T) {
	b := funded(t, 1)
	a, w := in("alice"), in("watch")
	get[any](b, w, "createwallet", "watch", true)
	type list struct {
		Descriptors []map[string]any
	}
	descs := get[list](b, a, "listdescriptors").Descriptors
	for _, d := range descs {
		delete(d, "next")
		d["timestamp"] = 0
	}
	type result struct {
		Success  bool
		Warnings []string
		Error    *rpc.Error
	}
	for _, r := range get[[]result](b, w, "importdescriptors", descs) {
		if !r.Success {
			t.Fatalf("%+v", r)
		}
	}
	b.balance("watch", "50.00000000")
	b.fails(rpc.CodeWallet, "Private keys are disabled", w, "signrawtransactionwithwallet", "0200000001"+strings.Repeat("00", 32)+"0000000000ffffffff0000000000")
	b.fails(rpc.CodeWallet, "watch-only", w, "listdescriptors", true)
	type funded struct {
		PSBT      string
		Fee       amount
		ChangePos int
	}
	f := get[funded](b, w, "walletcreatefundedpsbt", []any{}, []any{map[string]any{nobody: 7}})
	type processed struct {
		PSBT, Hex string
		Complete  bool
	}
	if p := get[processed](b, w, "walletprocesspsbt", f.PSBT); p.Complete {
		t.Errorf("%+v", p)
	}
	p := get[processed](b, a, "walletprocesspsbt", f.PSBT)
	if !p.Complete || p.Hex == "" {
		t.Fatalf("%+v", p)
	}
	id := get[string](b, a, "sendrawtransaction", p.Hex)
	if got := get[map[string]any](b, w, "gettransaction", id); got["txid"] != id {
		t.Errorf("%v", got)
	}
	bump := get[map[string]any](b, w, "psbtbumpfee", id)
	p = get[processed](b, a, "walletprocesspsbt", bump["psbt"])
	if !p.Complete {
		t.Errorf("%+v", p)
	}
	get[string](b, a, "sendrawtransaction", p.Hex)
	b.mine(1, nobody)
	if got, want := get[amount](b, w, "getbalance"), get[amount](b, a, "getbalance"); got != want || !strings.HasPrefix(string(got), "42.9999") {
		t.Errorf("watching %s, having %s", got, want)
	}
	r := get[[]result](b, w, "importdescriptors", []any{map[string]any{"desc": "nonsense", "timestamp": "now"}})
	if r[0].Success || r[0].Error.Code != rpc.CodeInvalidAddress {
		t.Errorf("%+v", r)
	}
	b.fails(rpc.CodeType, "timestamp", w, "importdescriptors", []any{map[string]any{"desc": "raw(51)"}})
}

func TestFundAndSignRaw(t *testing.T) {
	b := funded(t, 2)
	a := in("alice")
	raw := get[string](b, a, "createrawtransaction", []any{}, []any{map[string]any{nobody: 60}})
	type funded struct {
		Hex       string
		Fee       amount
		ChangePos int
	}
	f := get[funded](b, a, "fundrawtransaction", raw, map[string]any{"changePosition": 1, "fee_rate": 2})
	if f.ChangePos != 1 {
		t.Errorf("%+v", f)
	}
	type signed struct {
		Hex      string
		Complete bool
		Errors   []any
	}
	s := get[signed](b, a, "signrawtransactionwithwallet", f.Hex)
	if !s.Complete {
		t.Fatalf("%+v", s)
	}
	if got := get[map[string]amount](b, a, "simulaterawtransaction", []string{s.Hex}); !strings.HasPrefix(string(got["balance_change"]), "-60.0000") {
		t.Errorf("%v", got)
	}
	if s := get[signed](b, in("bob"), "signrawtransactionwithwallet", f.Hex); s.Complete || len(s.Errors) != 2 {
		t.Errorf("%+v", s)
	}
	get[string](b, a, "sendrawtransaction", s.Hex)
	b.fails(rpc.CodeWallet, "Insufficient funds", a, "fundrawtransaction", raw)
	b.fails(rpc.CodeDeserialization, "TX decode failed", a, "fundrawtransaction", "00")
}

func TestBumpFee(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	id := get[string](b, a, "sendtoaddress", nobody, 1)
	type bumped struct {
		TxID         string
		OrigFee, Fee amount
		Errors       []string
	}
	r := get[bumped](b, a, "bumpfee", id, map[string]any{"fee_rate": 20})
	if r.TxID == id || r.OrigFee == r.Fee {
		t.Errorf("%+v", r)
	}
	b.fails(rpc.CodeWallet, "already bumped", a, "bumpfee", id)
	b.fails(rpc.CodeWallet, "Insufficient total fee", a, "bumpfee", r.TxID, map[string]any{"fee_rate": 20})
	b.fails(rpc.CodeInvalidAddress, "non-wallet transaction", a, "bumpfee", strings.Repeat("0", 64))
	if got := get[[]string](b, a, "getrawmempool"); len(got) != 1 || got[0] != r.TxID {
		t.Errorf("%q", got)
	}
	b.mine(1, nobody)
	b.fails(rpc.CodeWallet, "mined", a, "bumpfee", r.TxID)
}

func TestBackupAndRestore(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	get[any](b, a, "setlabel", nobody, "friend")
	get[any](b, a, "backupwallet", "/backup.dat")
	b.fails(rpc.CodeWallet, "exists", a, "backupwallet", "/backup.dat")
	b.fails(rpc.CodeWalletExists, "already exists", a, "restorewallet", "alice", "/backup.dat")
	b.fails(rpc.CodeWallet, "no backup", a, "restorewallet", "again", "/other.dat")
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
	if _, err := b.local.Call(bg, "createwallet", map[string]any{"wallet_name": "late", "mnemonic": c.Mnemonic, "birthday": math.MaxInt32}); err != nil {
		t.Fatal(err)
	}
	b.balance("late", "0.00000000")
	get[any](b, in("late"), "rescanblockchain", 2)
	b.balance("late", "100.00000000")
	get[any](b, in("late"), "rescanblockchain")
	b.balance("late", "150.00000000")
	b.fails(rpc.CodeInvalidParam, "Invalid start_height", in("late"), "rescanblockchain", 1000)
	if get[bool](b, in("late"), "abortrescan") {
		t.Error("there was a rescan")
	}
	if _, err := b.local.Call(bg, "createwallet", map[string]any{"wallet_name": "bad", "mnemonic": "zoo zoo zoo"}); !errors.Is(err, &rpc.Error{Code: rpc.CodeWallet}) {
		t.Errorf("%v", err)
	}
}

// TestDamagedFile damages a wallet's file on a real disk.
func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	net := params.Regtest()
	open := func() (*fullnode.Node, func()) {
		n, err := fullnode.Open(t.Context(), fullnode.Config{Server: server.Config{Network: net, Dir: dir}})
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
	local := &rpc.Local{Table: n.Table}
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
	local = &rpc.Local{Table: n.Table}
	_, err = local.Call(t.Context(), "loadwallet", []any{"w"})
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != rpc.CodeWallet || !strings.Contains(e.Message, "is damaged") || strings.Contains(e.Message, "\n") {
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
