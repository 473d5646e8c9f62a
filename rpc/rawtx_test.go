package rpc

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script/descriptor"
	"starling/wallet/partial"
	"starling/wire"
)

// Keys of the tests, of Core's where it does not matter.
const (
	wifA  = "cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N"
	wifB  = "cVKpPfVKSJxKqVpE9awvXNWuLHCa5j5tiE7K6zbUSptFpTEtiFrA"
	tprvA = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
)

// ownedKind is a kind of output and the descriptor that owns it.
type ownedKind struct{ name, desc string }

var owners = []ownedKind{
	{"pkh", "pkh(" + wifA + ")"},
	{"wpkh", "wpkh(" + tprvA + "/84h/1h/0h/0/5)"},
	{"sh(wpkh)", "sh(wpkh(" + wifA + "))"},
	{"wsh(multi)", "wsh(multi(2," + wifA + "," + wifB + "))"},
	{"sh(multi)", "sh(multi(2," + wifB + "," + wifA + "))"},
	{"tr", "tr(" + tprvA + "/86h/1h/0h/0/0)"},
	{"tr leaf", "tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0,{pk(" + wifB + "),pk(0379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)})"},
}

// fund pays 1 coin to each script in a block, and returns where.
func (n *testNode) fund(scripts ...[]byte) []wire.OutPoint {
	n.t.Helper()
	const trueScript = "raw(51)"
	first := get[[]string](n, "generatetodescriptor", 101, checksummed(trueScript))[0]
	block := get[struct{ Tx []string }](n, "getblock", first)
	coinbase := wire.OutPoint{Hash: wire.MustHash(block.Tx[0])}
	outs := make([]wire.TxOut, len(scripts))
	for i, s := range scripts {
		outs[i] = wire.TxOut{Value: rpctypes.SatoshiPerCoin, Script: s}
	}
	tx := wire.NewTx(2, []wire.TxIn{{PrevOut: coinbase, Sequence: wire.SequenceFinal}}, outs, 0)
	n.mine(hex.EncodeToString(tx.Bytes()))
	ops := make([]wire.OutPoint, len(scripts))
	for i := range ops {
		ops[i] = wire.OutPoint{Hash: tx.TxID(), Index: uint32(i)}
	}
	return ops
}

// mine puts transactions into a block.
func (n *testNode) mine(txs ...string) {
	n.t.Helper()
	if _, err := n.call("generateblock", checksummed("raw(51)"), txs); err != nil {
		n.t.Fatalf("generateblock: %v", err)
	}
}

// owner reads a descriptor, and returns its output script, its private keys
// and its text without them.
func owner(t *testing.T, desc string) (o descriptor.Output, wifs []string, public string) {
	t.Helper()
	d, err := descriptor.ParseOne(desc, params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	outs, err := d.Expand(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range d.PrivateKeys(0) {
		wifs = append(wifs, descriptor.FormatWIF(k, true, params.Regtest()))
	}
	if public, err = d.Normalized(); err != nil {
		t.Fatal(err)
	}
	return outs[0], wifs, public
}

func spendOf(ops ...wire.OutPoint) []any {
	ins := make([]any, len(ops))
	for i, op := range ops {
		ins[i] = jsonrpc.Object{{Name: "txid", Value: op.Hash.String()}, {Name: "vout", Value: op.Index}}
	}
	return ins
}

const payTo = "bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5"

// TestSpendByKeys makes, signs and mines a transaction for each kind of output.
func TestSpendByKeys(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	scripts := make([][]byte, len(owners))
	for i, p := range owners {
		o, _, _ := owner(t, p.desc)
		scripts[i] = o.Script
	}
	ops := n.fund(scripts...)
	for i, p := range owners {
		t.Run(p.name, func(t *testing.T) {
			o, wifs, _ := owner(t, p.desc)
			raw := get[string](n, "createrawtransaction", spendOf(ops[i]), []any{jsonrpc.Object{{Name: payTo, Value: 0.999}}})
			args := []any{raw, wifs}
			if o.Witness != nil || o.Redeem != nil {
				prev := jsonrpc.Object{{Name: "txid", Value: ops[i].Hash.String()}, {Name: "vout", Value: ops[i].Index}, {Name: "scriptPubKey", Value: jsonrpc.Hex(o.Script)}, {Name: "amount", Value: 1}}
				inner := o.Leaf()
				prev = append(prev, jsonrpc.Member{Name: "redeemScript", Value: jsonrpc.Hex(inner)})
				args = append(args, []any{prev})
			}
			if p.name == "tr leaf" {
				// A tree cannot be told here, only to descriptorprocesspsbt.
				if r := get[signedText](n, "signrawtransactionwithkey", args...); r.Complete || len(r.Errors) != 1 {
					t.Errorf("%+v", r)
				}
				return
			}
			r := get[signedText](n, "signrawtransactionwithkey", args...)
			if !r.Complete || len(r.Errors) > 0 {
				t.Fatalf("%+v", r)
			}
			n.mine(r.Hex)
			n.want("null", "gettxout", ops[i].Hash.String(), ops[i].Index)
		})
	}
}

type signedText struct {
	Hex      string
	Complete bool
	Errors   []struct{ TxID, Error string }
}

// TestSpendByPSBT does the same with descriptors, and looks at what each role
// makes of it.
func TestSpendByPSBT(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	scripts := make([][]byte, len(owners))
	for i, p := range owners {
		o, _, _ := owner(t, p.desc)
		scripts[i] = o.Script
	}
	ops := n.fund(scripts...)
	fundingRaw := get[string](n, "getrawtransaction", ops[0].Hash.String(), 0, get[string](n, "getbestblockhash"))
	funding, _ := rpcargs.DecodeTx(fundingRaw)
	for i, p := range owners {
		t.Run(p.name, func(t *testing.T) {
			o, _, public := owner(t, p.desc)
			empty := get[string](n, "createpsbt", spendOf(ops[i]), []any{jsonrpc.Object{{Name: payTo, Value: "0.999"}}, jsonrpc.Object{{Name: "data", Value: "00ff"}}}, 0, false)
			if a := get[rpctypes.PSBTAnalysis](n, "analyzepsbt", empty); a.Next != string(partial.Updater) || a.Inputs[0].HasSpent {
				t.Errorf("empty: %+v", a)
			}
			updated := get[string](n, "utxoupdatepsbt", empty, []any{public})
			if !partial.IsWitness(&o) {
				// The node keeps no index of transactions, so for a legacy output
				// the whole transaction has to come from elsewhere.
				packet, err := partial.ParseBase64(updated)
				if err != nil {
					t.Fatal(err)
				}
				if err := packet.SetPrevious(0, funding); err != nil {
					t.Fatal(err)
				}
				updated = get[string](n, "utxoupdatepsbt", packet.Base64(), []any{public})
			}
			a := get[rpctypes.PSBTAnalysis](n, "analyzepsbt", updated)
			if a.Next != string(partial.Signer) || a.Inputs[0].Missing == nil || len(a.Inputs[0].Missing.Sigs) == 0 || a.Fee == nil || *a.Fee != 100_000 || a.VSize == nil {
				t.Errorf("updated: %s", get[json.RawMessage](n, "analyzepsbt", updated))
			}
			n.want(`{"psbt":"`+updated+`","complete":false}`, "finalizepsbt", updated)
			// Those who only know public keys sign nothing.
			if r := get[processedText](n, "descriptorprocesspsbt", updated, []any{public}); r.Complete || r.PSBT != updated {
				t.Errorf("signed without keys: %+v", r)
			}
			r := get[processedText](n, "descriptorprocesspsbt", updated, []any{p.desc}, "ALL", true, false)
			if r.Complete {
				t.Error("final though nobody asked")
			}
			if a := get[rpctypes.PSBTAnalysis](n, "analyzepsbt", r.PSBT); a.Next != string(partial.Finalizer) {
				t.Errorf("signed: %+v", a)
			}
			final := get[finalizedText](n, "finalizepsbt", r.PSBT)
			if !final.Complete || final.Hex == "" || final.PSBT != "" {
				t.Fatalf("final: %+v", final)
			}
			tx, _ := rpcargs.DecodeTx(final.Hex)
			// A taproot signature has one byte more than by default.
			if *a.VSize < tx.VSize()-1 || *a.VSize > tx.VSize()+3 {
				t.Errorf("%d virtual bytes, estimated %d", tx.VSize(), *a.VSize)
			}
			kept := get[finalizedText](n, "finalizepsbt", r.PSBT, false)
			if !kept.Complete || kept.Hex != "" || get[rpctypes.PSBTAnalysis](n, "analyzepsbt", kept.PSBT).Next != string(partial.Extractor) {
				t.Errorf("kept: %+v", kept)
			}
			// All in one step, with default hash types.
			once := get[processedText](n, "descriptorprocesspsbt", updated, []any{p.desc})
			if !once.Complete || once.Hex == "" {
				t.Fatalf("%+v", once)
			}
			n.mine(once.Hex)
			n.want("null", "gettxout", ops[i].Hash.String(), ops[i].Index)
		})
	}
}

type processedText struct {
	PSBT     string
	Complete bool
	Hex      string
}

type finalizedText = processedText

// TestTwoSigners has two people sign for one output, by PSBT and by raw
// transactions.
func TestTwoSigners(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	a, b := "multi(2,"+wifA+","+pubOf(t, wifB)+")", "multi(2,"+pubOf(t, wifA)+","+wifB+")"
	o, _, public := owner(t, "wsh("+a+")")
	ops := n.fund(o.Script, o.Script)
	empty := get[string](n, "createpsbt", spendOf(ops[0]), []any{jsonrpc.Object{{Name: payTo, Value: 0.5}}})
	both := get[string](n, "utxoupdatepsbt", empty, []any{public})
	signedA := get[processedText](n, "descriptorprocesspsbt", both, []any{"wsh(" + a + ")"})
	signedB := get[processedText](n, "descriptorprocesspsbt", both, []any{"wsh(" + b + ")"})
	if signedA.Complete || signedB.Complete {
		t.Fatal("one of two is enough")
	}
	combined := get[string](n, "combinepsbt", []string{signedA.PSBT, signedB.PSBT})
	final := get[finalizedText](n, "finalizepsbt", combined)
	if !final.Complete {
		t.Fatalf("%+v", final)
	}

	raw := get[string](n, "createrawtransaction", spendOf(ops[1]), []any{jsonrpc.Object{{Name: payTo, Value: 0.5}}})
	prev := []any{jsonrpc.Object{{Name: "txid", Value: ops[1].Hash.String()}, {Name: "vout", Value: ops[1].Index}, {Name: "scriptPubKey", Value: jsonrpc.Hex(o.Script)}, {Name: "witnessScript", Value: jsonrpc.Hex(o.Witness)}, {Name: "amount", Value: 1}}}
	rawA := get[signedText](n, "signrawtransactionwithkey", raw, []string{wifA}, prev)
	rawB := get[signedText](n, "signrawtransactionwithkey", raw, []string{wifB}, prev)
	if rawA.Complete || rawB.Complete || rawA.Errors[0].Error != "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)" {
		t.Errorf("%+v", rawA)
	}
	all := get[string](n, "combinerawtransaction", []string{rawA.Hex, rawB.Hex})
	// One after the other is the same.
	chained := get[signedText](n, "signrawtransactionwithkey", rawA.Hex, []string{wifB}, prev)
	if !chained.Complete || chained.Hex != all {
		t.Errorf("chained %+v\ncombined %s", chained, all)
	}
	n.mine(final.Hex, all)

	// Two payments become one, in which nobody's signatures count.
	joined := get[string](n, "joinpsbts", []string{both, get[string](n, "createpsbt", spendOf(ops[1]), []any{jsonrpc.Object{{Name: payTo, Value: 0.25}}})})
	d := get[struct{ Inputs, Outputs []json.RawMessage }](n, "decodepsbt", joined)
	if len(d.Inputs) != 2 || len(d.Outputs) != 2 {
		t.Errorf("joined %+v", d)
	}
	n.fails(jsonrpc.CodeInvalidParam, "Input "+ops[0].Hash.String()+":0 exists in multiple PSBTs", "joinpsbts", []string{both, empty})
	n.fails(jsonrpc.CodeInvalidParam, "At least two PSBTs are required to join PSBTs.", "joinpsbts", []string{both})
	n.fails(jsonrpc.CodeInvalidParam, "PSBTs not compatible (different transactions)", "combinepsbt", []string{both, joined})
	n.fails(jsonrpc.CodeInvalidParam, "Parameter 'txs' cannot be empty", "combinepsbt", []string{})
	n.fails(jsonrpc.CodeVerify, "Input not found or already spent", "combinerawtransaction", []string{rawA.Hex, rawB.Hex})
	n.fails(jsonrpc.CodeInvalidParam, "Missing transactions", "combinerawtransaction", []string{})
	n.fails(jsonrpc.CodeDeserialization, "TX decode failed for tx 1. Make sure the tx has at least one input.", "combinerawtransaction", []string{rawA.Hex, "00"})
}

func pubOf(t *testing.T, wif string) string {
	t.Helper()
	k, _, err := descriptor.ParseWIF(wif, params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(k.PubKey().SerializeCompressed())
}

// TestHashTypes asks for hash types by name.
func TestHashTypes(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	o, wifs, public := owner(t, "wpkh("+wifA+")")
	ops := n.fund(o.Script)
	raw := get[string](n, "createrawtransaction", spendOf(ops[0]), []any{jsonrpc.Object{{Name: payTo, Value: 0.5}}})
	psbt := get[string](n, "utxoupdatepsbt", get[string](n, "converttopsbt", raw), []any{public})
	for name, want := range map[string]uint32{
		"DEFAULT": 0, "ALL": 1, "NONE": 2, "SINGLE": 3, "ALL|ANYONECANPAY": 0x81, "NONE|ANYONECANPAY": 0x82, "SINGLE|ANYONECANPAY": 0x83,
	} {
		r := get[signedText](n, "signrawtransactionwithkey", raw, wifs, nil, name)
		if !r.Complete {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		tx, _ := rpcargs.DecodeTx(r.Hex)
		sig := tx.In[0].Witness.Item(0)
		if want == 0 {
			want = 1
		}
		if got := uint32(sig[len(sig)-1]); got != want {
			t.Errorf("%s: signed with %#x", name, got)
		}
		p := get[processedText](n, "descriptorprocesspsbt", psbt, []any{"wpkh(" + wifA + ")"}, name, true, false)
		if shown := get[struct{ Inputs []struct{ Sighash string } }](n, "decodepsbt", p.PSBT).Inputs[0].Sighash; want > 1 && shown != name {
			t.Errorf("%s is shown as %q", name, shown)
		}
		if want > 1 {
			n.fails(jsonrpc.CodeDeserialization, "Specified sighash value does not match value stored in PSBT", "descriptorprocesspsbt", p.PSBT, []any{"wpkh(" + wifA + ")"}, "ALL")
		}
	}
	n.fails(jsonrpc.CodeInvalidParam, "'all' is not a valid sighash parameter.", "signrawtransactionwithkey", raw, wifs, nil, "all")
}

func TestCreateRawTransaction(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	const id = "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
	in := func(more ...jsonrpc.Member) []any {
		return []any{append(jsonrpc.Object{{Name: "txid", Value: id}, {Name: "vout", Value: 0}}, more...)}
	}
	pay := []any{jsonrpc.Object{{Name: payTo, Value: 1}}}
	sequence := func(raw string) uint32 {
		tx, ok := rpcargs.DecodeTx(raw)
		if !ok {
			t.Fatal(raw)
		}
		return tx.In[0].Sequence
	}
	for _, tc := range []struct {
		name string
		args []any
		want uint32
	}{
		{"replaceable", []any{in(), pay}, 0xfffffffd},
		{"final", []any{in(), pay, 0, false}, 0xffffffff},
		{"lock time", []any{in(), pay, 500, false}, 0xfffffffe},
		{"own", []any{in(jsonrpc.Member{Name: "sequence", Value: 7}), pay}, 7},
	} {
		if got := sequence(get[string](n, "createrawtransaction", tc.args...)); got != tc.want {
			t.Errorf("%s: sequence %x, want %x", tc.name, got, tc.want)
		}
	}
	// The old form of outputs, and data.
	object := get[string](n, "createrawtransaction", in(), jsonrpc.Object{{Name: payTo, Value: 1}, {Name: "data", Value: "c0ffee"}})
	array := get[string](n, "createrawtransaction", in(), []any{jsonrpc.Object{{Name: payTo, Value: 1}}, jsonrpc.Object{{Name: "data", Value: "c0ffee"}}})
	if object != array || !strings.Contains(array, "6a03c0ffee") {
		t.Errorf("%s\n%s", object, array)
	}
	// Without inputs it can be read again.
	empty := get[string](n, "createrawtransaction", []any{}, pay)
	d := get[struct {
		Vin  []json.RawMessage
		Vout []struct{ Value json.Number }
	}](n, "decoderawtransaction", empty)
	if len(d.Vin) != 0 || len(d.Vout) != 1 || d.Vout[0].Value != "1.00000000" {
		t.Errorf("%s is read as %+v", empty, d)
	}
	n.fails(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.", "decoderawtransaction", empty, true)
	if tx, ok := rpcargs.DecodeTx(get[string](n, "createrawtransaction", in(), pay, 0, true, 3)); !ok || tx.Version != 3 {
		t.Error("version 3")
	}

	for _, tc := range []struct {
		code jsonrpc.Code
		want string
		args []any
	}{
		{jsonrpc.CodeInvalidParam, "Invalid parameter, missing vout key", []any{[]any{jsonrpc.Object{{Name: "txid", Value: id}}}, pay}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, missing vout key", []any{[]any{jsonrpc.Object{{Name: "txid", Value: id}, {Name: "vout", Value: "foo"}}}, pay}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, vout cannot be negative", []any{[]any{jsonrpc.Object{{Name: "txid", Value: id}, {Name: "vout", Value: -1}}}, pay}},
		{jsonrpc.CodeInvalidParam, "txid must be of length 64 (not 3, for 'foo')", []any{[]any{jsonrpc.Object{{Name: "txid", Value: "foo"}, {Name: "vout", Value: 1}}}, pay}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, sequence number is out of range", []any{in(jsonrpc.Member{Name: "sequence", Value: -1}), pay}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, sequence number is out of range", []any{in(jsonrpc.Member{Name: "sequence", Value: 4294967296}), pay}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, locktime out of range", []any{in(), pay, -1}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, locktime out of range", []any{in(), pay, 4294967296}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, version out of range(1~3)", []any{in(), pay, 0, true, 4}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter combination: Sequence number(s) contradict replaceable option", []any{in(jsonrpc.Member{Name: "sequence", Value: 0xffffffff}), pay, 0, true}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, key-value pair not an object as expected", []any{in(), []any{"x"}}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, key-value pair must contain exactly one key", []any{in(), []any{jsonrpc.Object{}}}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, key-value pair must contain exactly one key", []any{in(), []any{jsonrpc.Object{{Name: "a", Value: 1}, {Name: "b", Value: 1}}}}},
		{jsonrpc.CodeInvalidAddress, "Invalid Bitcoin address: foo", []any{in(), []any{jsonrpc.Object{{Name: "foo", Value: 0}}}}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, duplicated address: " + payTo, []any{in(), []any{jsonrpc.Object{{Name: payTo, Value: 1}}, jsonrpc.Object{{Name: payTo, Value: 1}}}}},
		{jsonrpc.CodeInvalidParam, "Invalid parameter, duplicate key: data", []any{in(), []any{jsonrpc.Object{{Name: "data", Value: "aa"}}, jsonrpc.Object{{Name: "data", Value: "bb"}}}}},
		{jsonrpc.CodeInvalidParam, "data must be hexadecimal string (not 'zz')", []any{in(), []any{jsonrpc.Object{{Name: "data", Value: "zz"}}}}},
		{jsonrpc.CodeType, "Amount out of range", []any{in(), []any{jsonrpc.Object{{Name: payTo, Value: -1}}}}},
		{jsonrpc.CodeType, "Invalid amount", []any{in(), []any{jsonrpc.Object{{Name: payTo, Value: "foo"}}}}},
	} {
		n.fails(tc.code, tc.want, "createrawtransaction", tc.args...)
		n.fails(tc.code, tc.want, "createpsbt", tc.args...)
	}
}

// TestSignErrors is about what callers can get wrong.
func TestSignErrors(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	o, _, _ := owner(t, "wsh(pk("+wifA+"))")
	plain, _, _ := owner(t, "wpkh("+wifA+")")
	ops := n.fund(o.Script, plain.Script)
	raw := get[string](n, "createrawtransaction", spendOf(ops[0]), []any{jsonrpc.Object{{Name: payTo, Value: 0.5}}})
	prev := func(ms ...jsonrpc.Member) []any {
		return []any{append(jsonrpc.Object{{Name: "txid", Value: ops[0].Hash.String()}, {Name: "vout", Value: 0}, {Name: "scriptPubKey", Value: jsonrpc.Hex(o.Script)}}, ms...)}
	}
	n.fails(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.", "signrawtransactionwithkey", raw+"00", []string{wifA})
	n.fails(jsonrpc.CodeInvalidAddress, "Invalid private key", "signrawtransactionwithkey", raw, []string{"123"})
	n.fails(jsonrpc.CodeInvalidParam, "Missing redeemScript/witnessScript", "signrawtransactionwithkey", raw, []string{wifA}, prev())
	n.fails(jsonrpc.CodeInvalidParam, "redeemScript/witnessScript does not match scriptPubKey", "signrawtransactionwithkey", raw, []string{wifA}, prev(jsonrpc.Member{Name: "witnessScript", Value: "51"}))
	n.fails(jsonrpc.CodeInvalidParam, "redeemScript does not correspond to witnessScript", "signrawtransactionwithkey", raw, []string{wifA},
		prev(jsonrpc.Member{Name: "witnessScript", Value: jsonrpc.Hex(o.Witness)}, jsonrpc.Member{Name: "redeemScript", Value: "51"}))
	n.fails(jsonrpc.CodeDeserialization, "Previous output scriptPubKey mismatch:\n0 "+hex.EncodeToString(o.Script[2:])+"\nvs:\n1", "signrawtransactionwithkey", raw, []string{wifA},
		[]any{jsonrpc.Object{{Name: "txid", Value: ops[0].Hash.String()}, {Name: "vout", Value: 0}, {Name: "scriptPubKey", Value: "51"}}})
	n.fails(jsonrpc.CodeDeserialization, "vout cannot be negative", "signrawtransactionwithkey", raw, []string{wifA},
		[]any{jsonrpc.Object{{Name: "txid", Value: ops[0].Hash.String()}, {Name: "vout", Value: -1}, {Name: "scriptPubKey", Value: "51"}}})
	n.fails(jsonrpc.CodeDeserialization, "vout is out of range: no transaction has so many outputs", "signrawtransactionwithkey", raw, []string{wifA},
		[]any{jsonrpc.Object{{Name: "txid", Value: ops[0].Hash.String()}, {Name: "vout", Value: 1 << 32}, {Name: "scriptPubKey", Value: "51"}}})
	r := get[signedText](n, "signrawtransactionwithkey", raw, []string{wifA}, prev(jsonrpc.Member{Name: "witnessScript", Value: jsonrpc.Hex(o.Witness)}))
	if r.Complete || len(r.Errors) != 1 || r.Errors[0].Error != "Missing amount" {
		t.Errorf("without amount: %+v", r)
	}
	unknown := get[string](n, "createrawtransaction", spendOf(wire.OutPoint{Hash: wire.DoubleHash(nil)}), []any{jsonrpc.Object{{Name: payTo, Value: 0.5}}})
	if r := get[signedText](n, "signrawtransactionwithkey", unknown, []string{wifA}); r.Complete || r.Errors[0].Error != "Input not found or already spent" {
		t.Errorf("unknown input: %+v", r)
	}
	mine := get[string](n, "createrawtransaction", spendOf(ops[1]), []any{jsonrpc.Object{{Name: payTo, Value: 0.5}}})
	if r := get[signedText](n, "signrawtransactionwithkey", mine, []string{wifB}); r.Complete || r.Errors[0].Error != "Witness program hash mismatch" {
		t.Errorf("another's key: %+v", r)
	}
	signed := get[signedText](n, "signrawtransactionwithkey", mine, []string{wifA})
	n.fails(jsonrpc.CodeDeserialization, "Inputs must not have scriptSigs and scriptWitnesses", "converttopsbt", signed.Hex)
	if again := get[string](n, "converttopsbt", signed.Hex, true); again != get[string](n, "converttopsbt", mine) {
		t.Error("signatures are not dropped")
	}
	n.fails(jsonrpc.CodeDeserialization, "TX decode failed", "converttopsbt", "00")
	n.fails(jsonrpc.CodeDeserialization, "TX decode failed invalid base64", "decodepsbt", "xx")
	n.fails(jsonrpc.CodeDeserialization, "TX decode failed Invalid PSBT magic bytes", "analyzepsbt", "AAAAAAAA")
	n.fails(jsonrpc.CodeInvalidAddress, "Cannot derive script without private keys: 'wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/1h)'",
		"utxoupdatepsbt", get[string](n, "converttopsbt", mine), []any{"wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/1h)"})
}

// TestDecodePSBT describes a packet that has all fields.
func TestDecodePSBT(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	golden := map[string]string{
		"psbt_multisig.json": "cHNidP8BAFUCAAAAASeaIyOl37UfxF8iD6WLD8E+HjNCeSqF1+Ns1jM7XLw5AAAAAAD/////AaBa6gsAAAAAGXapFP/pwAYQl8w7Y28ssEYPpPxCfStFiKwAAAAAAAEBIJVe6gsAAAAAF6kUY0UgD2jRieGtwN8cTRbqjxTA2+uHIgIDsTQcy6doO2r08SOM1ul+cWfVafrEfx5I1HVBhENVvUZGMEMCIAQktY7/qqaU4VWepck7v9SokGQiQFXN8HC2dxRpRC0HAh9cjrD+plFtYLisszrWTt5g6Hhb+zqpS5m9+GFR25qaAQEEIgAgdx/RitRZZm3Unz1WTj28QvTIR3TjYK2haBao7UiNVoEBBUdSIQOxNBzLp2g7avTxI4zW6X5xZ9Vp+sR/HkjUdUGEQ1W9RiED3lXR4drIBeP4pYwfv5uUwC89uq/hJ/78pJlfJvggg71SriIGA7E0HMunaDtq9PEjjNbpfnFn1Wn6xH8eSNR1QYRDVb1GELSmumcAAACAAAAAgAQAAIAiBgPeVdHh2sgF4/iljB+/m5TALz26r+En/vykmV8m+CCDvRC0prpnAAAAgAAAAIAFAACAAAA=",
	}
	for file, text := range golden {
		n.golden(file, "decodepsbt", text)
	}
	// A taproot packet that this node made.
	o, _, public := owner(t, "tr("+tprvA+"/86h/1h/0h/0/0,multi_a(1,"+wifA+","+wifB+"))")
	ops := n.fund(o.Script)
	psbt := get[string](n, "utxoupdatepsbt", get[string](n, "createpsbt", spendOf(ops[0]), []any{jsonrpc.Object{{Name: payTo, Value: 0.5}}}), []any{public})
	d := get[struct {
		Inputs []struct {
			Scripts []struct {
				Controls []string `json:"control_blocks"`
			} `json:"taproot_scripts"`
			Keys     []struct{ Path string } `json:"taproot_bip32_derivs"`
			Internal string                  `json:"taproot_internal_key"`
			Root     string                  `json:"taproot_merkle_root"`
			Previous any                     `json:"non_witness_utxo"`
		}
		Fee json.Number
	}](n, "decodepsbt", psbt)
	in := d.Inputs[0]
	if len(in.Scripts) != 1 || len(in.Scripts[0].Controls) != 1 || len(in.Keys) != 3 || len(in.Internal) != 64 || len(in.Root) != 64 || in.Previous != nil || d.Fee != "0.50000000" {
		t.Errorf("%+v", d)
	}
}

// TestScanRange looks for a range of keys among the unspent outputs.
func TestScanRange(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	d, err := descriptor.ParseOne("wpkh("+tprvA+"/1/1/*)", params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	var scripts [][]byte
	for _, i := range []uint32{0, 7, 1000, 1001, 1500} {
		outs, err := d.Expand(i)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, outs[0].Script)
	}
	n.fund(scripts...)
	type found struct {
		Unspents []struct{ Desc string }
		Total    json.Number `json:"total_amount"`
	}
	r := get[found](n, "scantxoutset", "start", []any{d.String()})
	if r.Total != "3.00000000" || len(r.Unspents) != 3 || !strings.HasPrefix(r.Unspents[0].Desc, "wpkh([0c5f9a1e/1/1/") {
		t.Errorf("%+v", r)
	}
	if r := get[found](n, "scantxoutset", "start", []any{jsonrpc.Object{{Name: "desc", Value: d.String()}, {Name: "range", Value: 1500}}}); r.Total != "5.00000000" {
		t.Errorf("up to 1500: %+v", r)
	}
	if r := get[found](n, "scantxoutset", "start", []any{jsonrpc.Object{{Name: "desc", Value: d.String()}, {Name: "range", Value: []int{1001, 1499}}}}); r.Total != "1.00000000" {
		t.Errorf("1001 to 1499: %+v", r)
	}
}
