package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"starling/rpc/jsonrpc"
)

// chooser makes choices by the bytes of a text, and the first ones when it has
// come to its end.
type chooser []byte

func (c *chooser) pick(n int) int {
	if len(*c) == 0 || n < 2 {
		return 0
	}
	v := int((*c)[0])
	*c = (*c)[1:]
	if n > 256 && len(*c) > 0 {
		v = v<<8 | int((*c)[0])
		*c = (*c)[1:]
	}
	return v % n
}

func choose[T any](c *chooser, from []T) T { return from[c.pick(len(from))] }

// oddCalls makes calls up that no program means: every parameter of every
// method gets values of all kinds, the right ones among them.
type oddCalls struct {
	methods []*jsonrpc.Method
	names   []string          // of parameters and members
	values  []string          // JSON
	fitting map[string]string // JSON by the name of a parameter
}

// newOddCalls collects what calls of a node may be about.
func newOddCalls(b *bank) *oddCalls {
	o := &oddCalls{fitting: make(map[string]string)}
	for _, m := range b.node.Table.Methods() {
		// These would have the test go on the network, wait for ever for what
		// never comes, or let no time pass.
		if !slices.Contains([]string{"setnetworkactive", "addnode"}, m.Name) {
			o.methods = append(o.methods, m)
		}
		for _, p := range m.Params {
			o.names = append(o.names, p.Names...)
		}
	}
	bg := context.Background()
	text := func(v any) string { return string(must(json.Marshal(v))) }
	block := get[string](b, bg, "getblockhash", 1)
	own := get[string](b, in("alice"), "getnewaddress")
	legacy := get[string](b, in("alice"), "getnewaddress", "", "legacy")
	coins := get[[]struct {
		TxID string
		Vout int
	}](b, in("alice"), "listunspent")
	unconfirmed := get[string](b, in("alice"), "sendtoaddress", nobody, "0.5")
	made := get[struct{ Hex string }](b, in("alice"), "gettransaction", unconfirmed)
	psbt := get[struct{ PSBT string }](b, in("alice"), "walletcreatefundedpsbt", []any{}, []any{map[string]any{nobody: 0.1}})
	descs := get[struct{ Descriptors []struct{ Desc string } }](b, in("alice"), "listdescriptors", true)
	private := descs.Descriptors[0].Desc
	desc := get[struct{ Descriptor string }](b, bg, "getdescriptorinfo", private).Descriptor
	raw := get[string](b, bg, "getblock", block, 0)
	proof := get[string](b, bg, "gettxoutproof", []string{coins[0].TxID})
	signature := get[string](b, in("alice"), "signmessage", legacy, "text")
	outpoint := map[string]any{"txid": coins[0].TxID, "vout": coins[0].Vout}
	const wif = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA"

	for name, v := range map[string]any{
		"txid": unconfirmed, "blockhash": block, "block_hash": block, "current_tip": block, "address": own, "change_address": own,
		"hexstring": made.Hex, "hexdata": raw, "rawtxs": []string{made.Hex}, "package": []string{made.Hex}, "txids": []string{coins[0].TxID},
		"psbt": psbt.PSBT, "txs": []string{psbt.PSBT, psbt.PSBT}, "descriptor": desc, "desc": desc, "descriptors": []any{desc, map[string]any{"desc": private, "range": 3}},
		"scanobjects": []any{map[string]any{"desc": desc, "range": []int{0, 9}}}, "range": []int{0, 3}, "requests": []any{map[string]any{"desc": desc, "timestamp": "now", "range": 4}},
		"proof": proof, "signature": signature, "message": "text", "privkey": wif, "privkeys": []string{wif}, "inputs": []any{outpoint}, "transactions": []any{outpoint},
		"outputs": []any{map[string]any{nobody: "0.01"}}, "recipients": []any{own}, "amounts": map[string]any{nobody: 0.001}, "amount": 1e-4, "action": "start", "command": "add",
		"subnet": "10.1.2.0/24", "prevtxs": []any{outpoint}, "keys": []string{"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}, "nrequired": 1,
		"sighashtype": "ALL", "estimate_mode": "economical", "conf_target": 6, "fee_rate": 2, "height": 5, "nblocks": 1, "num_blocks": 1, "maxtries": 1000, "timeout": 1,
		"template_request": map[string]any{"rules": []string{"segwit"}}, "passphrase": "word", "wallet_name": "other", "filename": "bob", "destination": "/copy", "backup_file": "/copy",
		"output": own, "hash_type": "muhash", "label": "", "timestamp": 1_700_000_000, "verbosity": 2, "n": 0, "vout": 0, "options": map[string]any{"fee_rate": 3},
	} {
		o.fitting[name] = text(v)
	}
	for _, name := range slices.Sorted(maps.Keys(o.fitting)) {
		o.values = append(o.values, o.fitting[name]) // in an order that a seed repeats
	}
	o.values = append(o.values,
		`null`, `true`, `false`, `0`, `-1`, `1`, `2`, `100`, `-0`, `1.5`, `1e-5`, `1e400`, `2147483647`, `2147483648`, `-2147483649`, `4294967295`, `4294967296`, `9223372036854775807`,
		`9223372036854775808`, `-9223372036854775808`, `18446744073709551616`, `0.00000001`, `1e-9`, `21000000`, `20999999.99999999`, `1000000000000000000000`,
		`""`, `" "`, `"x"`, `"0"`, `"-1"`, `"all"`, `"*"`, `"none"`, `"now"`, `"data"`, `"start"`, `"remove"`, `"00"`, `"0"`, `"zz"`, `"0201"`, `"../../x"`, `"/"`, `"a/b"`, `"\u0000"`, `"\ud800"`, `"é世界"`, `"%s%d%n"`,
		`"0000000000000000000000000000000000000000000000000000000000000000"`, `"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"`,
		`"1111111111111111111114oLvT2"`, `"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"`, `"bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"`,
		`"raw(51)"`, `"addr(x)"`, `"pkh("`, `"wsh(multi(1,02))"`, `"tr(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798,{pk(x),pk(y)})"`, `"combo(x)#aaaaaaaa"`, `"wpkh(`+wif+`)"`,
		`"cHNidP8="`, `"cHNidP8BAAo"`, `"AAAA"`, `"=="`, `"02000000000100"`, `"01000000010000"`, `"0200000000010000000000"`,
		`"10.0.0.0/8"`, `"::/0"`, `"127.0.0.1:1"`, `"1.2.3.4/33"`, `"ALL|ANYONECANPAY"`, `"bech32m"`, `"legacy"`,
		`[]`, `{}`, `[[]]`, `[null]`, `[0]`, `[""]`, `[{}]`, `{"":null}`, `[0,1]`, `[1,0]`, `[-1,-1]`, `[0,2147483647]`, `[2147483646,2147483647]`, `{"data":"00"}`, `[{"data":""}]`, `{"desc":"raw(51)","range":[0,1000000]}`,
		strings.Repeat("[", 500)+strings.Repeat("]", 500),
		`"`+strings.Repeat("a", 100_000)+`"`, `"`+strings.Repeat("00", 100_000)+`"`, `"`+strings.Repeat("51", 10_000)+`"`, `[`+strings.Repeat(`"00",`, 3000)+`"00"]`,
	)
	return o
}

// value makes an argument up.
func (o *oddCalls) value(c *chooser, name string, depth int) string {
	fit, known := o.fitting[name]
	switch c.pick(8) {
	case 0, 1, 2:
		if known {
			return fit
		}
	case 3:
		if known { // almost right
			at := c.pick(len(fit))
			v := fit[:at] + fit[min(len(fit), at+1+c.pick(3)):]
			if json.Valid([]byte(v)) {
				return v
			}
		}
	case 4:
		if depth > 0 {
			items := make([]string, c.pick(4))
			for i := range items {
				items[i] = o.value(c, name, depth-1)
			}
			return "[" + strings.Join(items, ",") + "]"
		}
	case 5:
		if depth > 0 {
			members := make([]string, c.pick(5))
			for i := range members {
				n := choose(c, o.names)
				members[i] = fmt.Sprintf("%q:%s", n, o.value(c, n, depth-1))
			}
			return "{" + strings.Join(members, ",") + "}"
		}
	}
	return choose(c, o.values)
}

// call makes a call up.
func (o *oddCalls) call(c *chooser) (m *jsonrpc.Method, params string) {
	m = choose(c, o.methods)
	named := c.pick(4) == 0
	var parts []string
	for i, p := range m.Params {
		if i >= 2 && p.Optional && c.pick(3) == 0 {
			if named {
				continue
			}
			break
		}
		v := o.value(c, p.Name(), 3)
		if named {
			v = fmt.Sprintf("%q:%s", choose(c, p.Names), v)
		}
		parts = append(parts, v)
	}
	if named {
		return m, "{" + strings.Join(parts, ",") + "}"
	}
	return m, "[" + strings.Join(parts, ",") + "]"
}

const packages = `wire|rpc|chain|consensus|headertree|coins|mempool|policy|wallet|partial|journal|descriptor|script|curve|address|params|server|store|` +
	`connmgr|transport|peer|mining|pebble|vfs|btcec|big|time|bytes|strings|context|net|bech32|base58|hdkeychain|fullnode|index`

// internalWords are what nobody outside should ever read: types, packages and
// places of the source, and the words of the libraries below.
var internalWords = regexp.MustCompile(`json:|%!|nil pointer|runtime error|\.go:\d|reflect[:.]|strconv\.|interface \{|0xc0[0-9a-f]{8}|<nil>|\bmap\[|&\{|` +
	`invalid character|unexpected end of|unexpected EOF|illegal base64|base64:|hex: |encoding/|` +
	`(^|: |\()(` + packages + `): |\b(` + packages + `)\.[A-Z]|` +
	`starling/|internal error|RuneError`)

// ask makes a call and looks at what is answered and how long that takes.
func (o *oddCalls) ask(t testing.TB, b *bank, data []byte) (answered bool, took time.Duration) {
	c := chooser(data)
	ctx := in(choose(&c, []string{"alice", "alice", "bob", "other", ""}))
	m, params := o.call(&c)
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%s %.3000s: panic: %v\n%s", m.Name, params, p, debug.Stack())
		}
	}()
	// The caller is gone after a while, and so must the call be.
	ctx, cancel := context.WithTimeout(ctx, callerWaits)
	defer cancel()
	begun := time.Now()
	result, err := b.local.Call(ctx, m.Name, json.RawMessage(params))
	took = time.Since(begun)
	text := string(result)
	if err != nil {
		text = err.Error()
		var e *jsonrpc.Error
		if !errors.As(err, &e) && ctx.Err() == nil {
			t.Errorf("%s %.3000s: %v is no error of a call", m.Name, params, err)
		}
	}
	if w := internalWords.FindString(text); w != "" && m.Name != "help" && !strings.Contains(params, w) && ctx.Err() == nil {
		t.Errorf("%s %.3000s: %q is in the answer: %.1000s", m.Name, params, w, text)
	}
	return err == nil, took
}

// callerWaits is how long the callers of these tests wait for an answer.
const callerWaits = time.Second

// FuzzMethods calls all methods with odd arguments.
func FuzzMethods(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 64 {
		f.Add(randomBytes(rng))
	}
	b := funded(f, 3)
	o := newOddCalls(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, took := o.ask(t, b, data); took > longest {
			t.Errorf("a call took %v", took)
		}
	})
}

// longest is how long a call may take whose caller waits for a second.
const longest = 5 * time.Second

func randomBytes(rng *rand.Rand) []byte {
	data := make([]byte, 16+rng.IntN(100))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	return data
}

// TestOddCalls calls all methods with odd arguments, the same ones each time.
func TestOddCalls(t *testing.T) {
	b := funded(t, 3)
	o := newOddCalls(b)
	rng := rand.New(rand.NewPCG(7, 9))
	good := 0
	rounds := 8 // for each method
	if os.Getenv("STARLING_TEST_LONG") != "" {
		rounds = 500
	}
	for i := range rounds * len(o.methods) {
		data := randomBytes(rng)
		data[1] = byte(i % len(o.methods)) // which method
		if ok, _ := o.ask(t, b, data); ok {
			good++
		}
	}
	t.Logf("%d of %d calls were answered", good, rounds*len(o.methods))
	if good < len(o.methods) {
		t.Error("hardly a call was understood")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
