package rpc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"starling/rpc/jsonrpc"

	"starling/rpc"
)

// sendAnswer is what send and sendall return.
type sendAnswer struct {
	Complete        bool
	TxID, Hex, PSBT string
	Fee             amount
}

// named calls a method with named arguments.
func named[T any](b *bank, ctx context.Context, method string, args map[string]any) (v T, err error) {
	b.t.Helper()
	raw, err := b.local.Call(ctx, method, args)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	return v, err
}

// TestOptionsByName gives members of options objects as named parameters.
func TestOptionsByName(t *testing.T) {
	b := funded(t, 3)
	a := in("alice")
	out := []any{map[string]any{nobody: 1}}
	type M = map[string]any
	payment := get[string](b, a, "sendtoaddress", nobody, 1)
	raw := get[string](b, a, "createrawtransaction", []any{}, out)
	for _, c := range []struct {
		method string
		args   M
		holds  string // in the answer, or in the error's text
	}{
		{"send", M{"outputs": out, "add_to_wallet": false, "fee_rate": 7}, `"complete":true`},
		{"send", M{"outputs": out, "change_position": 0, "psbt": true}, `"psbt":"`},
		{"send", M{"args": []any{out}, "changePosition": 1, "add_to_wallet": false}, `"hex":"`},
		{"sendall", M{"recipients": []string{nobody}, "send_max": true, "add_to_wallet": false}, `"hex":"`},
		{"fundrawtransaction", M{"hexstring": raw, "change_position": 1}, `"changepos":1`},
		{"walletcreatefundedpsbt", M{"inputs": []any{}, "outputs": out, "changePosition": 0, "fee_rate": 3}, `"changepos":0`},
		{"listunspent", M{"maximumCount": 1, "minconf": 101}, `"confirmations":`},
		{"psbtbumpfee", M{"txid": payment, "fee_rate": 30}, `"psbt":"`},
		{"bumpfee", M{"txid": payment, "conf_target": 3}, `"origfee":`},
		{"simulaterawtransaction", M{"include_watchonly": true}, `"balance_change":`},

		{"send", M{"outputs": out, "options": M{"psbt": true}, "locktime": 3}, "Parameter options conflicts with parameter locktime"},
		{"send", M{"outputs": out, "fee_rate": 3, "options": M{"fee_rate": 3}}, "either as an argument or in the options"},
		{"send", M{"args": []any{out, nil, "unset", nil, M{}}, "psbt": true}, "Parameter options specified twice"},
		{"send", M{"outputs": out, "nonsense": 3}, "Unknown named parameter nonsense"},
		{"send", M{"outputs": out, "psbt": 3}, "JSON value of type number for field psbt is not of expected type bool"},
		{"getblockhash", M{"psbt": 3}, "Unknown named parameter psbt"},
	} {
		answer, err := named[json.RawMessage](b, a, c.method, c.args)
		got := string(answer)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.holds) {
			t.Errorf("%s %v: %s", c.method, c.args, got)
		}
	}
	// The command line knows of what type they are.
	args, err := rpc.Methods().ParseArgs("send", []string{`outputs={"x":1}`, "change_address=7", "psbt=true"}, true)
	if got := fmt.Sprintf("%T %T", args.(M)["change_address"], args.(M)["psbt"]); err != nil || got != "string json.RawMessage" {
		t.Errorf("%s %v", got, err)
	}
}

// TestListedCoinsAsInputs gives entries of listunspent and scantxoutset wherever
// a method takes an output.
func TestListedCoinsAsInputs(t *testing.T) {
	b := funded(t, 2)
	a := in("alice")
	listed := get[[]map[string]any](b, a, "listunspent")[:1]
	scan := get[struct{ Unspents []map[string]any }](b, a, "scantxoutset", "start", []any{"addr(" + listed[0]["address"].(string) + ")"})
	if len(scan.Unspents) != 2 {
		t.Fatalf("%v", scan)
	}
	out := []any{map[string]any{nobody: 1}}
	for name, ins := range map[string][]map[string]any{"listunspent": listed, "scantxoutset": scan.Unspents[:1]} {
		id := ins[0]["txid"].(string)
		for _, method := range []string{"createrawtransaction", "createpsbt", "walletcreatefundedpsbt"} {
			if got := get[any](b, a, method, ins, out); got == nil {
				t.Errorf("%s %s", name, method)
			}
		}
		for method, args := range map[string][]any{
			"send":    {out, nil, "unset", nil, map[string]any{"inputs": ins, "add_to_wallet": false}},
			"sendall": {[]string{nobody}, nil, "unset", nil, map[string]any{"inputs": ins, "add_to_wallet": false}},
		} {
			got := get[sendAnswer](b, a, method, args...)
			tx := get[struct{ Vin []struct{ TxID string } }](b, a, "decoderawtransaction", got.Hex)
			if len(tx.Vin) != 1 || tx.Vin[0].TxID != id {
				t.Errorf("%s %s: %+v", name, method, tx)
			}
		}
		raw := get[string](b, a, "createrawtransaction", ins, out)
		if got := get[map[string]any](b, a, "signrawtransactionwithwallet", raw, ins); got["complete"] != true {
			t.Errorf("%s signrawtransactionwithwallet: %v", name, got)
		}
		get[bool](b, a, "lockunspent", false, ins)
		get[bool](b, a, "lockunspent", true, ins)
	}
	b.fails(jsonrpc.CodeInvalidParam, "missing txid key", a, "send", out, nil, "unset", nil, map[string]any{"inputs": []any{map[string]any{"vout": 0}}})
	b.fails(jsonrpc.CodeInvalidParam, "missing vout key", a, "send", out, nil, "unset", nil, map[string]any{"inputs": []any{map[string]any{"txid": listed[0]["txid"]}}})
}

// TestSubtractFeeFrom names who bears the fee.
func TestSubtractFeeFrom(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	other := get[string](b, in("bob"), "getnewaddress")
	unpaid := get[string](b, in("bob"), "getnewaddress")
	pays := map[string]any{nobody: 2, other: 1}
	for _, c := range []struct {
		from []any
		text string
	}{
		{[]any{unpaid}, "destination " + unpaid + " not found in tx outputs"},
		{[]any{"nonsense"}, "destination nonsense not found in tx outputs"},
		{[]any{""}, "destination  not found in tx outputs"},
		{[]any{other, other}, "duplicated position"},
		{[]any{other, strings.ToUpper(other)}, "duplicated position"},
		{[]any{2}, "position too large: 2"},
		{[]any{-1}, "negative position: -1"},
		{[]any{true}, "invalid value type: bool"},
	} {
		b.fails(jsonrpc.CodeInvalidParam, c.text, a, "sendmany", "", pays, 1, "", c.from)
		b.fails(jsonrpc.CodeInvalidParam, c.text, a, "send", pays, nil, "unset", nil, map[string]any{"subtract_fee_from_outputs": c.from})
	}
	b.balance("alice", "50.00000000")
	get[string](b, a, "sendmany", "", pays, 1, "", []string{strings.ToUpper(other)})
	if got := get[amount](b, in("bob"), "getreceivedbyaddress", other, 0); !strings.HasPrefix(string(got), "0.99999") {
		t.Errorf("received %s", got)
	}
	if got := get[[]any](b, in("bob"), "listreceivedbyaddress", 0, false, false, strings.ToUpper(other)); len(got) != 1 {
		t.Errorf("one address in other letters: %v", got)
	}
}

// TestLimitsOfCoins chooses coins by their depth and payments by their weight.
func TestLimitsOfCoins(t *testing.T) {
	b := funded(t, 3)
	a := in("alice")
	with := func(key string, v any) []any {
		return []any{map[string]any{nobody: 120}, nil, "unset", nil, map[string]any{key: v, "add_to_wallet": false}}
	}
	b.fails(jsonrpc.CodeInsufficientFunds, "Insufficient funds", a, "send", with("maxconf", 0)...)
	b.fails(jsonrpc.CodeInsufficientFunds, "Insufficient funds", a, "send", with("maxconf", 102)...)
	get[sendAnswer](b, a, "send", with("maxconf", 103)...)
	b.fails(jsonrpc.CodeInvalidParam, "maxconf can't be lower than minconf: 1 < 2", a, "send", map[string]any{nobody: 1}, nil, "unset", nil, map[string]any{"minconf": 2, "maxconf": 1})
	b.fails(jsonrpc.CodeInvalidParam, "Negative minconf", a, "send", with("minconf", -1)...)
	b.fails(jsonrpc.CodeInvalidParam, "minconf or maxconf with specific inputs", a, "sendall", []string{nobody}, nil, "unset", nil,
		map[string]any{"minconf": 1, "inputs": get[[]any](b, a, "listunspent")})

	// Three inputs and two outputs weigh some 1,100.
	get[sendAnswer](b, a, "send", with("max_tx_weight", 1120)...)
	b.fails(jsonrpc.CodeWallet, "inputs size exceeds the maximum weight", a, "send", with("max_tx_weight", 1000)...)
	b.fails(jsonrpc.CodeWallet, "less than transaction weight without inputs", a, "send", map[string]any{"data": strings.Repeat("00", 80)},
		nil, "unset", nil, map[string]any{"max_tx_weight": 260})
	b.fails(jsonrpc.CodeWallet, "must be between 260 and 400000", a, "send", with("max_tx_weight", 259)...)
	b.fails(jsonrpc.CodeWallet, "must be between 260 and 400000", a, "send", with("max_tx_weight", 400_001)...)
	b.fails(jsonrpc.CodeInvalidParam, "version out of range", a, "send", map[string]any{nobody: 1}, nil, "unset", nil, map[string]any{}, 4)

	// Only what waits.
	get[string](b, a, "sendtoaddress", get[string](b, a, "getnewaddress"), 1)
	for _, c := range []struct {
		min, max, n int
	}{{0, 0, 2}, {0, 1, 2}, {0, 9_999_999, 4}, {1, 9_999_999, 2}} {
		if got := get[[]any](b, a, "listunspent", c.min, c.max); len(got) != c.n {
			t.Errorf("from %d to %d: %d coins", c.min, c.max, len(got))
		}
	}
	got := get[sendAnswer](b, a, "send", map[string]any{nobody: 40}, nil, "unset", nil, map[string]any{"maxconf": 0})
	tx := get[struct{ Decoded struct{ Vin []any } }](b, a, "gettransaction", got.TxID, false, true)
	if len(tx.Decoded.Vin) == 0 || len(tx.Decoded.Vin) > 2 {
		t.Errorf("%+v", tx)
	}
}

// TestInputWeights funds a transaction that spends a coin of somebody else's,
// whose input the caller alone can weigh.
func TestInputWeights(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	id := get[string](b, a, "sendtoaddress", get[string](b, in("bob"), "getnewaddress", "", "p2sh-segwit"), 1)
	b.mine(1, nobody)
	coin := get[[]map[string]any](b, in("bob"), "listunspent")[0]
	raw := get[string](b, a, "createrawtransaction", []any{coin}, []any{map[string]any{nobody: 2}})
	weighed := func(weight any) map[string]any {
		return map[string]any{"fee_rate": 10, "input_weights": []any{map[string]any{"txid": id, "vout": coin["vout"], "weight": weight}}}
	}
	type answer struct{ Fee amount }
	b.fails(jsonrpc.CodeWallet, "Not solvable pre-selected input", a, "fundrawtransaction", raw)
	light, heavy := get[answer](b, a, "fundrawtransaction", raw, weighed(400)), get[answer](b, a, "fundrawtransaction", raw, weighed(4400))
	l, _ := light.Fee.Float64()
	h, _ := heavy.Fee.Float64()
	if more := (h - l) * 1e8; more < 9990 || more > 10010 {
		t.Errorf("1,000 virtual bytes at 10 sat each cost %v more", more)
	}
	b.fails(jsonrpc.CodeInvalidParam, "cannot be less than 165", a, "fundrawtransaction", raw, weighed(164))
	b.fails(jsonrpc.CodeInvalidParam, "cannot be greater than", a, "fundrawtransaction", raw, weighed(400_001))
	b.fails(jsonrpc.CodeInvalidParam, "missing weight key", a, "fundrawtransaction", raw, weighed("400"))
	b.fails(jsonrpc.CodeInvalidParam, "specified in inputs rather than in options", a, "send", map[string]any{nobody: 1}, nil, "unset", nil, weighed(400))

	// The same with the weight beside the input: others must sign.
	coin["weight"] = 400
	got := get[sendAnswer](b, a, "send", map[string]any{nobody: 2}, nil, "unset", nil, map[string]any{"inputs": []any{coin}, "add_inputs": true})
	if got.Complete || got.TxID != "" || got.Hex != "" || got.PSBT == "" {
		t.Errorf("%+v", got)
	}
	type processed struct {
		Complete bool
		Hex      string
	}
	p := get[processed](b, in("bob"), "walletprocesspsbt", got.PSBT)
	if !p.Complete {
		t.Fatalf("%+v", p)
	}
	get[string](b, a, "sendrawtransaction", p.Hex)
	coin["weight"] = "400"
	b.fails(jsonrpc.CodeInvalidParam, "missing weight key", a, "send", map[string]any{nobody: 1}, nil, "unset", nil, map[string]any{"inputs": []any{coin}})
}

// TestReturned has send and sendall return what they do not send.
func TestReturned(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	for _, c := range []struct {
		options   map[string]any
		psbt, hex bool
	}{
		{map[string]any{"add_to_wallet": false}, true, true},
		{map[string]any{"psbt": true}, true, true},
		{map[string]any{"psbt": true, "add_to_wallet": false}, true, true},
		{map[string]any{"psbt": false}, false, false},
	} {
		for method, to := range map[string]any{"send": map[string]any{nobody: 1}, "sendall": []string{nobody}} {
			if !c.hex && method == "sendall" {
				continue // it is sent
			}
			got := get[sendAnswer](b, a, method, to, nil, "unset", nil, c.options)
			if !got.Complete || got.TxID == "" || (got.PSBT != "") != c.psbt || (got.Hex != "") != c.hex {
				t.Errorf("%s %v: %+v", method, c.options, got)
			}
			if c.hex {
				if final := get[map[string]any](b, a, "finalizepsbt", got.PSBT); final["hex"] != got.Hex {
					t.Errorf("%s %v: the PSBT is another transaction: %v", method, c.options, final)
				}
			}
		}
	}
	if got := get[[]string](b, a, "getrawmempool"); len(got) != 1 {
		t.Errorf("%d were sent", len(got))
	}
	b.fails(jsonrpc.CodeInvalidParam, "Use fee_rate (sat/vB) instead of feeRate", a, "send", map[string]any{nobody: 1}, nil, "unset", nil, map[string]any{"feeRate": 1})
	// What has no meaning is refused.
	for _, key := range []string{"change_address", "change_position", "add_inputs", "subtract_fee_from_outputs", "max_tx_weight"} {
		b.fails(jsonrpc.CodeType, "Unexpected key "+key, a, "sendall", []string{nobody}, nil, "unset", nil, map[string]any{key: nil})
	}
	for key, value := range map[string]string{"economical": "estimate_mode and fee_rate", "conservative": "estimate_mode and fee_rate", "quick": "Invalid estimate_mode"} {
		b.fails(jsonrpc.CodeInvalidParam, value, a, "send", map[string]any{nobody: 1}, nil, key, 5)
		b.fails(jsonrpc.CodeInvalidParam, value, a, "bumpfee", strings.Repeat("0", 64), map[string]any{"estimate_mode": key, "fee_rate": 5})
	}
	b.fails(jsonrpc.CodeInvalidParam, "from_addresses with specific inputs", a, "send", map[string]any{nobody: 1}, nil, "unset", nil,
		map[string]any{"from_addresses": []string{nobody}, "inputs": []any{map[string]any{"txid": strings.Repeat("0", 64), "vout": 0}}})
	b.fails(jsonrpc.CodeWallet, "avoid reuse", a, "getbalance", "*", 0, false, true)
	b.fails(jsonrpc.CodeWallet, "avoid reuse", a, "sendtoaddress", nobody, 1, "", "", false, true, nil, "unset", true)
}

// TestFrozenGoesWithCoin spends a coin that lockunspent kept.
func TestFrozenGoesWithCoin(t *testing.T) {
	b := funded(t, 2)
	a := in("alice")
	coins := get[[]map[string]any](b, a, "listunspent")
	get[bool](b, a, "lockunspent", false, coins, true)
	got := get[sendAnswer](b, a, "send", map[string]any{nobody: 1}, nil, "unset", nil, map[string]any{"inputs": coins[:1]})
	if locked := get[[]map[string]any](b, a, "listlockunspent"); len(locked) != 1 || locked[0]["txid"] != coins[1]["txid"] {
		t.Errorf("after %s: %v", got.TxID, locked)
	}
}

// TestVersionThreePayments has the node take what the wallet makes of unconfirmed
// coins of version 3.
func TestVersionThreePayments(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	pay := func(version int) (sendAnswer, error) {
		return named[sendAnswer](b, a, "send", map[string]any{"outputs": map[string]any{nobody: 1}, "version": version})
	}
	first, err := pay(3)
	if err != nil {
		t.Fatal(err)
	}
	b.fails(jsonrpc.CodeInsufficientFunds, "Insufficient funds", a, "send", map[string]any{nobody: 1})
	b.fails(jsonrpc.CodeInsufficientFunds, "Insufficient funds", a, "sendtoaddress", nobody, 1)
	change := get[[]map[string]any](b, a, "listunspent", 0)
	b.fails(jsonrpc.CodeWallet, "Can't spend unconfirmed version 3 pre-selected input with a version 2 tx", a, "send",
		map[string]any{nobody: 1}, nil, "unset", nil, map[string]any{"inputs": change})
	second, err := pay(3)
	if err != nil {
		t.Fatal(err)
	}
	if got := get[[]string](b, a, "getrawmempool"); len(got) != 2 {
		t.Errorf("%q", got)
	}
	// A third generation would be refused: the wallet does not try.
	b.fails(jsonrpc.CodeInsufficientFunds, "Insufficient funds", a, "send", map[string]any{nobody: 1}, nil, "unset", nil, map[string]any{}, 3)
	if got := get[map[string]any](b, a, "bumpfee", second.TxID); got["txid"] == second.TxID {
		t.Errorf("%v", got)
	}
	b.mine(1, nobody)
	if got := get[map[string]any](b, a, "gettransaction", first.TxID); got["confirmations"] != 1.0 {
		t.Errorf("%v", got)
	}
	if _, err := pay(2); err != nil {
		t.Error(err)
	}
}

// TestSimulate adds up what transactions would do.
func TestSimulate(t *testing.T) {
	b := funded(t, 1)
	a := in("alice")
	coin := get[[]map[string]any](b, a, "listunspent")[0]
	raw := get[string](b, a, "createrawtransaction", []any{coin}, []any{map[string]any{nobody: 49}})
	id := get[struct{ TxID string }](b, a, "decoderawtransaction", raw).TxID
	child := get[string](b, a, "createrawtransaction", []any{map[string]any{"txid": id, "vout": 0}},
		[]any{map[string]any{get[string](b, a, "getnewaddress"): 48}})
	unknown := get[string](b, a, "createrawtransaction", []any{map[string]any{"txid": strings.Repeat("ab", 32), "vout": 0}}, []any{map[string]any{nobody: 1}})
	for _, c := range []struct {
		txs  []string
		want amount
		text string
	}{
		{nil, "0.00000000", ""},
		{[]string{raw}, "-50.00000000", ""},
		{[]string{raw, child}, "-2.00000000", ""},
		{[]string{child}, "", "missing or have been spent already"},
		{[]string{unknown}, "", "missing or have been spent already"},
		{[]string{raw, raw}, "", "spending the same output more than once"},
	} {
		if c.text != "" {
			b.fails(jsonrpc.CodeInvalidParam, c.text, a, "simulaterawtransaction", c.txs)
		} else if got := get[map[string]amount](b, a, "simulaterawtransaction", c.txs); got["balance_change"] != c.want {
			t.Errorf("%v, want %s", got, c.want)
		}
	}
}

// TestEmptyPassphrase makes wallets with and without one.
func TestEmptyPassphrase(t *testing.T) {
	b := newBank(t)
	for name, c := range map[string]struct {
		args     []any
		warnings int
	}{
		"left out": {nil, 0}, "null": {[]any{false, false, nil}, 0}, "empty": {[]any{false, false, ""}, 1},
		"watching": {[]any{true, false, ""}, 1}, "given": {[]any{false, false, "secret"}, 0},
	} {
		got := get[struct{ Warnings []string }](b, context.Background(), "createwallet", append([]any{name}, c.args...)...)
		if len(got.Warnings) != c.warnings || c.warnings > 0 && !strings.HasPrefix(got.Warnings[0], "Empty string given as passphrase") {
			t.Errorf("%s: %q", name, got.Warnings)
		}
	}
}

// TestRescanToHeight reads a part of the chain again.
func TestRescanToHeight(t *testing.T) {
	b := newWallets(t, "alice")
	bg := context.Background()
	b.mine(3, get[string](b, in("alice"), "getnewaddress"))
	b.mine(100, nobody)
	b.clk.Set(b.clk.Now().Add(3 * time.Hour))
	b.mine(12, nobody)
	words := get[map[string]any](b, in("alice"), "getwalletmnemonic")["mnemonic"]
	if _, err := named[any](b, bg, "createwallet", map[string]any{"wallet_name": "late", "mnemonic": words, "birthday": b.clk.Now().Unix()}); err != nil {
		t.Fatal(err)
	}
	type scanned struct {
		Start int `json:"start_height"`
		Stop  int `json:"stop_height"`
	}
	late := in("late")
	if got := get[scanned](b, late, "rescanblockchain", 2, 2); got != (scanned{2, 2}) {
		t.Errorf("%+v", got)
	}
	b.balance("late", "50.00000000")
	if got := get[scanned](b, late, "rescanblockchain", 1); got != (scanned{1, 115}) {
		t.Errorf("%+v", got)
	}
	b.balance("late", "150.00000000")
	b.fails(jsonrpc.CodeInvalidParam, "Invalid stop_height", late, "rescanblockchain", 0, 116)
	b.fails(jsonrpc.CodeInvalidParam, "must be greater than start_height", late, "rescanblockchain", 2, 1)
}

// TestImportLocked imports into a wallet that is locked: nothing is added.
func TestImportLocked(t *testing.T) {
	b := newBank(t)
	get[any](b, context.Background(), "createwallet", "locked", false, false, "secret")
	for _, desc := range []string{"raw(51)", "nonsense"} {
		b.fails(jsonrpc.CodeUnlockNeeded, "walletpassphrase", in("locked"), "importdescriptors", []any{map[string]any{"desc": desc, "timestamp": "now"}})
	}
}

// TestWordsWithoutPhrase makes wallets whose phrase would have been described,
// had they one.
func TestWordsWithoutPhrase(t *testing.T) {
	b := newBank(t)
	for _, kind := range []string{"blank", "disable_private_keys"} {
		for key, value := range map[string]any{"mnemonic_words": 24, "mnemonic_passphrase": "x", "address_types": []string{"legacy"}} {
			_, err := named[any](b, context.Background(), "createwallet", map[string]any{"wallet_name": "w", kind: true, key: value})
			if err == nil || !strings.Contains(err.Error(), "without a phrase") {
				t.Errorf("%s with %s: %v", kind, key, err)
			}
		}
	}
}
