package rpc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"starling/rpc/jsonrpc"
)

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
		code jsonrpc.Code
		text string
		args []any
	}{
		{jsonrpc.CodeInvalidAddress, "Invalid Bitcoin address", []any{"nonsense", 1}},
		{jsonrpc.CodeInvalidAddress, "main", []any{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 1}},
		{jsonrpc.CodeType, "Invalid amount", []any{nobody, "1.123456789"}},
		{jsonrpc.CodeType, "Invalid amount", []any{nobody, "1e-9"}},
		{jsonrpc.CodeType, "Invalid amount for send", []any{nobody, 0}},
		{jsonrpc.CodeType, "out of range", []any{nobody, -1}},
		{jsonrpc.CodeType, "out of range", []any{nobody, 21_000_001}},
		{jsonrpc.CodeType, "not a number or string", []any{nobody, true}},
		{jsonrpc.CodeInsufficientFunds, "Insufficient funds", []any{nobody, 1000}},
		{jsonrpc.CodeInsufficientFunds, "too small", []any{nobody, "0.00000293"}},
		{jsonrpc.CodeInvalidParam, "conf_target", []any{nobody, 1, "", "", false, true, 0}},
		{jsonrpc.CodeInvalidParam, "estimate_mode", []any{nobody, 1, "", "", false, true, nil, "quick"}},
		{jsonrpc.CodeInvalidParam, "both conf_target and fee_rate", []any{nobody, 1, "", "", false, true, 2, "unset", nil, 1}},
		{jsonrpc.CodeInsufficientFunds, "lower than the minimum", []any{nobody, 1, "", "", false, true, nil, "unset", nil, "0.09"}},
		{jsonrpc.CodeType, "Invalid amount", []any{nobody, 1, "", "", false, true, nil, "unset", nil, "0.0001"}},
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
	b.fails(jsonrpc.CodeWallet, "Label not found", in("bob"), "getreceivedbylabel", "small")
	if got[two] != "1.50000000" || !strings.HasPrefix(string(got[one]), "59.99999") {
		t.Errorf("%v", got)
	}
	b.fails(jsonrpc.CodeInvalidParam, "duplicated address", a, "sendmany", "", json.RawMessage(`{"`+one+`":1,"`+one+`":2}`))
	b.fails(jsonrpc.CodeInvalidParam, "Dummy", a, "sendmany", "x", map[string]any{one: 1})
	b.fails(jsonrpc.CodeInvalidAddress, "Invalid Bitcoin address", a, "sendmany", "", map[string]any{"x": 1})
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
	// Not sent: the transaction is returned, and as a PSBT.
	got = get[sent](b, a, "send", map[string]any{to: 1}, nil, "unset", nil, map[string]any{"add_to_wallet": false})
	if !got.Complete || got.Hex == "" || got.PSBT == "" || got.TxID == "" {
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
	b.fails(jsonrpc.CodeInvalidParam, "either as an argument or in the options", a, "send", map[string]any{to: 1}, 6, "unset", nil, map[string]any{"fee_rate": 2})
	b.fails(jsonrpc.CodeInvalidParam, "position too large", a, "send", map[string]any{to: 1}, nil, "unset", nil, map[string]any{"subtract_fee_from_outputs": []int{1}})
	b.fails(jsonrpc.CodeType, "Unexpected key", a, "send", map[string]any{to: 1}, nil, "unset", nil, map[string]any{"nonsense": 1})

	got = get[sent](b, a, "sendall", []any{to, map[string]any{nobody: 10}})
	b.balance("alice", "0.00000000")
	b.mine(1, nobody)
	b.fails(jsonrpc.CodeInvalidParam, "at least one address without", a, "sendall", []any{map[string]any{nobody: 10}})
	b.fails(jsonrpc.CodeInsufficientFunds, "Insufficient funds", a, "sendall", []any{nobody})
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
		d["timestamp"] = 0
	}
	type result struct {
		Success  bool
		Warnings []string
		Error    *jsonrpc.Error
	}
	for _, r := range get[[]result](b, w, "importdescriptors", descs) {
		if !r.Success {
			t.Fatalf("%+v", r)
		}
	}
	b.balance("watch", "50.00000000")
	b.fails(jsonrpc.CodeWallet, "Private keys are disabled", w, "signrawtransactionwithwallet", "0200000001"+strings.Repeat("00", 32)+"0000000000ffffffff0000000000")
	b.fails(jsonrpc.CodeWallet, "watch-only", w, "listdescriptors", true)
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
	if r[0].Success || r[0].Error.Code != jsonrpc.CodeInvalidAddress {
		t.Errorf("%+v", r)
	}
	// Each entry stands for itself.
	for i, c := range []struct {
		code jsonrpc.Code
		item map[string]any
	}{
		{0, descs[0]},
		{jsonrpc.CodeInvalidParam, map[string]any{"timestamp": 0}},
		{jsonrpc.CodeType, map[string]any{"desc": 7, "timestamp": 0}},
		{jsonrpc.CodeType, map[string]any{"desc": descs[1]["desc"], "timestamp": 0, "active": "yes"}},
		{jsonrpc.CodeInvalidParam, map[string]any{"desc": descs[1]["desc"], "timestamp": 0, "range": "all"}},
		{0, map[string]any{"desc": descs[1]["desc"], "timestamp": 0, "unheard_of": 1}},
	} {
		r := get[[]result](b, w, "importdescriptors", []any{c.item, descs[2]})
		if len(r) != 2 || !r[1].Success || r[0].Success != (c.code == 0) || c.code != 0 && r[0].Error.Code != c.code {
			t.Errorf("%d: %+v", i, r)
		}
	}
	for _, odd := range []any{1.5, 1e30} {
		b.fails(jsonrpc.CodeMisc, "JSON integer out of range", w, "importdescriptors", []any{map[string]any{"desc": "raw(51)", "timestamp": odd}})
	}
	b.fails(jsonrpc.CodeType, "timestamp", w, "importdescriptors", []any{map[string]any{"desc": "raw(51)"}})
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
	b.fails(jsonrpc.CodeWallet, "Insufficient funds", a, "fundrawtransaction", raw)
	b.fails(jsonrpc.CodeDeserialization, "TX decode failed", a, "fundrawtransaction", "00")
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
	b.fails(jsonrpc.CodeWallet, "already bumped", a, "bumpfee", id)
	b.fails(jsonrpc.CodeInvalidParam, "Insufficient total fee", a, "psbtbumpfee", r.TxID, map[string]any{"fee_rate": 20})
	b.fails(jsonrpc.CodeInvalidParam, "out of range", a, "psbtbumpfee", r.TxID, map[string]any{"original_change_index": 7})
	b.fails(jsonrpc.CodeInvalidParam, "Insufficient total fee", a, "bumpfee", r.TxID, map[string]any{"fee_rate": 20})
	b.fails(jsonrpc.CodeInvalidAddress, "non-wallet transaction", a, "bumpfee", strings.Repeat("0", 64))
	if got := get[[]string](b, a, "getrawmempool"); len(got) != 1 || got[0] != r.TxID {
		t.Errorf("%q", got)
	}
	b.mine(1, nobody)
	b.fails(jsonrpc.CodeWallet, "mined", a, "bumpfee", r.TxID)
}
