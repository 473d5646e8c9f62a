package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"starling/mempool"
	"starling/mining"
	"starling/params"
	"starling/peer"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/server"
	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"
)

// The tests pay to the hash of a script that anyone can satisfy: the outputs
// are standard, and spending them takes a witness but no key.
var (
	anyoneScript  = []byte{0x51}
	anyone        = script.PayToWitness(0, hashOf(anyoneScript))
	anyoneWitness = wire.NewWitness(anyoneScript)
	anchor        = script.PayToWitness(1, []byte{0x4e, 0x73})
)

func hashOf(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

// coin is an output that can be spent.
type coin struct {
	op    wire.OutPoint
	value int64
}

// walletNode is a node on regtest, by the rules of relay, with coins to spend.
type walletNode struct {
	*testNode
	coins []coin
}

// newWalletNode makes a node with n confirmed coins of a thousandth each.
func newWalletNode(t *testing.T, n int, cfg mempool.Config) *walletNode {
	t.Helper()
	w := &walletNode{testNode: runTestNode(t, server.Config{Network: params.Regtest(), Pool: cfg,
		Listen: []ma.Multiaddr{transport.FromAddrPort(netip.MustParseAddrPort("127.0.0.1:0"))}})}
	w.mineWith(mining.Config{Source: w.node.Mempool()})
	w.clk.Set(time.Unix(2_000_000_000, 0))
	w.mine(101)
	b, err := w.chain.ParsedBlock(w.chain.At(1))
	if err != nil {
		t.Fatal(err)
	}
	base := coin{wire.OutPoint{Hash: b.Txs[0].TxID()}, b.Txs[0].Out[0].Value}
	values := make([]int64, n+1)
	for i := range n {
		values[i] = 1_000_000
	}
	values[n] = base.value - int64(n)*1_000_000 - 100_000
	split := spend(2, []coin{base}, values...)
	w.send(split)
	w.mine(1)
	for i := range n {
		w.coins = append(w.coins, coinOf(split, i))
	}
	return w
}

// mine makes n blocks with what is in the mempool.
func (w *walletNode) mine(n int) []string {
	w.t.Helper()
	return get[[]string](w.testNode, "generatetodescriptor", n, "raw("+hex.EncodeToString(anyone)+")")
}

// take returns the next coin that was not taken.
func (w *walletNode) take() coin {
	c := w.coins[0]
	w.coins = w.coins[1:]
	return c
}

// send hands a transaction in and returns its id.
func (w *walletNode) send(tx *wire.Tx) string {
	w.t.Helper()
	id := get[string](w.testNode, "sendrawtransaction", hexOf(tx), 0)
	if id != tx.TxID().String() {
		w.t.Fatalf("sent %v, was told %s", tx.TxID(), id)
	}
	return id
}

// pool checks which transactions are unconfirmed.
func (w *walletNode) pool(want ...*wire.Tx) {
	w.t.Helper()
	got := get[[]string](w.testNode, "getrawmempool")
	ids := make([]string, len(want))
	for i, tx := range want {
		ids[i] = tx.TxID().String()
	}
	slices.Sort(got)
	slices.Sort(ids)
	if !slices.Equal(got, ids) {
		w.t.Errorf("the mempool holds %v, want %v", got, ids)
	}
}

// await waits until the mempool is as ok wants it.
func (w *walletNode) await(ok func(p *mempool.Pool) bool) {
	w.t.Helper()
	p := w.node.Mempool()
	for {
		changed := p.Changed()
		if ok(p) {
			return
		}
		select {
		case <-changed:
		case <-w.t.Context().Done():
			w.t.Fatal("the mempool does not change")
		}
	}
}

func hexOf(tx *wire.Tx) string { return hex.EncodeToString(tx.Bytes()) }

func coinOf(tx *wire.Tx, i int) coin {
	return coin{wire.OutPoint{Hash: tx.TxID(), Index: uint32(i)}, tx.Out[i].Value}
}

// spend makes a transaction that spends coins and pays the given values.
func spend(version int32, coins []coin, values ...int64) *wire.Tx {
	outs := make([]wire.TxOut, len(values))
	for i, v := range values {
		outs[i] = wire.TxOut{Value: v, Script: anyone}
	}
	return spendTo(version, coins, outs...)
}

func spendTo(version int32, coins []coin, outs ...wire.TxOut) *wire.Tx {
	ins := make([]wire.TxIn, len(coins))
	for i, c := range coins {
		ins[i] = wire.TxIn{PrevOut: c.op, Sequence: wire.SequenceFinal - 2, Witness: anyoneWitness}
	}
	return wire.NewTx(version, ins, outs, 0)
}

// pay makes a transaction with one output that pays a fee.
func pay(c coin, fee int64) *wire.Tx { return spend(2, []coin{c}, c.value-fee) }

func TestSendRawTransaction(t *testing.T) {
	w := newWalletNode(t, 4, mempool.Config{})
	a := w.take()
	tx := pay(a, 1000)
	id := w.send(tx)
	w.pool(tx)
	w.want(`"`+id+`"`, "sendrawtransaction", hexOf(tx)) // again
	w.want(`"`+hexOf(tx)+`"`, "getrawtransaction", id)
	w.want("null", "gettxout", a.op.Hash.String(), a.op.Index)
	if out := get[map[string]any](w.testNode, "gettxout", id, 0); out["confirmations"] != 0.0 || out["value"] != 0.00999 {
		t.Errorf("unconfirmed output: %v", out)
	}
	w.want("null", "gettxout", id, 0, false)

	b := w.take()
	unknown := coin{wire.OutPoint{Hash: tx.TxID(), Index: 7}, 5000}
	burn := func(s ...byte) string {
		return hexOf(spendTo(2, []coin{b}, wire.TxOut{Value: b.value - 2000, Script: anyone}, wire.TxOut{Value: 1000, Script: s}))
	}
	for _, tt := range []struct {
		name, message string
		code          jsonrpc.Code
		args          []any
	}{
		{"no transaction", "TX decode failed. Make sure the tx has at least one input.", jsonrpc.CodeDeserialization, []any{"0200"}},
		{"inputs unknown", "bad-txns-inputs-missingorspent", jsonrpc.CodeVerify, []any{hexOf(pay(unknown, 1000))}},
		{"more than it may pay", "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", jsonrpc.CodeVerify, []any{hexOf(pay(b, 970_000))}},
		{"more than is allowed", "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", jsonrpc.CodeVerify, []any{hexOf(pay(b, 1000)), "0.00001"}},
		{"no sane limit", "Fee rates larger than or equal to 1BTC/kvB are not accepted", jsonrpc.CodeInvalidParam, []any{hexOf(pay(b, 1000)), 1}},
		{"negative limit", "Amount out of range", jsonrpc.CodeType, []any{hexOf(pay(b, 1000)), -1}},
		{"burns", "Unspendable output exceeds maximum configured by user (maxburnamount)", jsonrpc.CodeVerify, []any{burn(0x6a)}},
		{"burns with a broken script", "Unspendable output exceeds maximum configured by user (maxburnamount)", jsonrpc.CodeVerify, []any{burn(0x02, 0x00), 0.1, "0.00000999"}},
		{"pays too little", "min relay fee not met, 5 < 10", jsonrpc.CodeVerifyRejected, []any{hexOf(pay(b, 5))}},
		{"conflicts and pays less", "", jsonrpc.CodeVerifyRejected, []any{hexOf(pay(a, 900))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := *w.testNode
			n.t = t
			if tt.message != "" {
				n.fails(tt.code, tt.message, "sendrawtransaction", tt.args...)
			} else if _, err := n.call("sendrawtransaction", tt.args...); !errors.Is(err, &jsonrpc.Error{Code: tt.code}) {
				t.Errorf("%v, want code %d", err, tt.code)
			}
		})
	}
	get[string](w.testNode, "sendrawtransaction", burn(0x6a), 0, "0.00001")
	// Clients that take the node for an old one send a boolean in place of the
	// limit: whether to do without one.
	rich, poor := w.take(), w.take()
	w.fails(jsonrpc.CodeVerify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", "sendrawtransaction", hexOf(pay(rich, 970_000)), false)
	w.want(asJSON(pay(rich, 970_000).TxID()), "sendrawtransaction", hexOf(pay(rich, 970_000)), true)
	w.want(asJSON(pay(poor, 1000).TxID()), "sendrawtransaction", hexOf(pay(poor, 1000)), false)

	w.mine(1)
	w.pool()
	w.fails(jsonrpc.CodeAlreadyInChain, "Transaction outputs already in utxo set", "sendrawtransaction", hexOf(tx))
}

// A parent and two children, as all methods that look at them show them.
func TestMempoolFamily(t *testing.T) {
	w := newWalletNode(t, 2, mempool.Config{})
	a, b := w.take(), w.take()
	parent := spend(2, []coin{a}, 400_000, 599_000)
	rich := pay(coinOf(parent, 0), 50_000)
	poor := pay(coinOf(parent, 1), 100)
	other := pay(b, 2000)
	for _, tx := range []*wire.Tx{parent, rich, poor, other} {
		w.send(tx)
	}
	id := func(tx *wire.Tx) string { return tx.TxID().String() }
	list := func(txs ...*wire.Tx) string {
		ids := make([]string, len(txs))
		for i, tx := range txs {
			ids[i] = id(tx)
		}
		b, _ := json.Marshal(ids)
		return string(b)
	}
	w.want(list(parent, rich, other, poor), "getrawmempool")
	w.want(list(parent), "getmempoolancestors", id(rich))
	w.want(list(), "getmempoolancestors", id(parent))
	w.want(list(rich, poor), "getmempooldescendants", id(parent))
	w.want(list(), "getmempooldescendants", id(other))
	seq := get[struct {
		TxIDs    []string `json:"txids"`
		Sequence uint64   `json:"mempool_sequence"`
	}](w.testNode, "getrawmempool", false, true)
	if len(seq.TxIDs) != 4 || seq.Sequence < 5 {
		t.Errorf("with sequence: %+v", seq)
	}

	vsize, weight := rich.VSize(), rich.Weight()
	want := fmt.Sprintf(`{"vsize":%d,"weight":%d,"time":2000000000,"height":102,"descendantcount":1,"descendantsize":%d,`+
		`"ancestorcount":2,"ancestorsize":%d,"chunkweight":%d,"wtxid":"%s","fees":{"base":0.00050000,"modified":0.00050000,`+
		`"ancestor":0.00051000,"descendant":0.00050000,"chunk":0.00051000},"depends":["%s"],"spentby":[],"bip125-replaceable":true,"unbroadcast":true}`,
		vsize, weight, vsize, vsize+parent.VSize(), weight+parent.Weight(), rich.WTxID(), id(parent))
	w.want(want, "getmempoolentry", id(rich))
	w.want(`{"`+id(parent)+`":`+get2(w, "getmempoolentry", id(parent))+`}`, "getmempoolancestors", id(rich), true)
	all := get[map[string]json.RawMessage](w.testNode, "getrawmempool", true)
	if len(all) != 4 || string(all[id(rich)]) != want {
		t.Errorf("verbose: %s", all)
	}
	w.want(fmt.Sprintf(`{"clusterweight":%d,"txcount":3,"chunks":[{"chunkfee":0.00051000,"chunkweight":%d,"txs":%s},{"chunkfee":0.00000100,"chunkweight":%d,"txs":%s}]}`,
		parent.Weight()+rich.Weight()+poor.Weight(), parent.Weight()+rich.Weight(), list(parent, rich), poor.Weight(), list(poor)),
		"getmempoolcluster", id(poor))
	w.want(fmt.Sprintf(`[{"txid":"%s","vout":0,"spendingtxid":"%s"},{"txid":"%s","vout":0}]`, id(parent), id(rich), id(rich)),
		"gettxspendingprevout", []any{map[string]any{"txid": id(parent), "vout": 0}, map[string]any{"txid": id(rich), "vout": 0}})
	w.want(fmt.Sprintf(`[{"txid":"%s","vout":0,"spendingtxid":"%s","spendingtx":"%s"}]`, id(parent), id(rich), hexOf(rich)),
		"gettxspendingprevout", []any{map[string]any{"txid": id(parent), "vout": 0}}, map[string]any{"return_spending_tx": true})

	info := get[map[string]any](w.testNode, "getmempoolinfo")
	for name, want := range map[string]any{
		"loaded": true, "size": 4.0, "bytes": float64(parent.VSize() + rich.VSize() + poor.VSize() + other.VSize()), "total_fee": 0.000531,
		"maxmempool": 3e8, "mempoolminfee": 0.000001, "minrelaytxfee": 0.000001, "incrementalrelayfee": 0.000001,
		"unbroadcastcount": 4.0, "limitclustercount": 64.0, "limitclustersize": 101000.0, "fullrbf": true,
	} {
		if diff := cmp.Diff(want, info[name]); diff != "" {
			t.Errorf("getmempoolinfo %s: %s", name, diff)
		}
	}

	unknown := strings.Repeat("11", 32)
	for _, m := range []string{"getmempoolentry", "getmempoolancestors", "getmempooldescendants", "getmempoolcluster"} {
		w.fails(jsonrpc.CodeInvalidAddress, "Transaction not in mempool", m, unknown)
	}
	w.fails(jsonrpc.CodeInvalidParam, "Verbose results cannot contain mempool sequence values.", "getrawmempool", true, true)
	w.fails(jsonrpc.CodeInvalidParam, "Invalid parameter, outputs are missing", "gettxspendingprevout", []any{})
	w.fails(jsonrpc.CodeInvalidParam, "Invalid parameter, vout cannot be negative", "gettxspendingprevout", []any{map[string]any{"txid": unknown, "vout": -1}})
	w.fails(jsonrpc.CodeInvalidParam, "Invalid parameter, vout is out of range", "gettxspendingprevout", []any{map[string]any{"txid": unknown, "vout": 1 << 32}})
	w.fails(jsonrpc.CodeType, "Missing vout", "gettxspendingprevout", []any{map[string]any{"txid": unknown}})
	w.fails(jsonrpc.CodeMisc, "Mempool lacks a relevant spend, and txospenderindex is unavailable.",
		"gettxspendingprevout", []any{map[string]any{"txid": unknown, "vout": 0}}, map[string]any{"mempool_only": false})
}

// get2 returns a result as it is written.
func get2(w *walletNode, method string, args ...any) string {
	w.t.Helper()
	return string(get[json.RawMessage](w.testNode, method, args...))
}

// accepted is an entry of testmempoolaccept's answer.
type accepted struct {
	TxID    string
	Allowed *bool
	VSize   int
	Fees    struct {
		Base      float64
		Effective float64  `json:"effective-feerate"`
		Includes  []string `json:"effective-includes"`
	}
	Package string `json:"package-error"`
	Reason  string `json:"reject-reason"`
	Details string `json:"reject-details"`
}

func (a accepted) verdict() string {
	switch {
	case a.Allowed == nil:
		return "not tested"
	case *a.Allowed:
		return "allowed"
	}
	return a.Reason
}

func TestTestMempoolAccept(t *testing.T) {
	w := newWalletNode(t, 4, mempool.Config{})
	a, b, c := w.take(), w.take(), w.take()
	there := pay(a, 1000)
	w.send(there)
	parent := pay(b, 1000)
	child := pay(coinOf(parent, 0), 2000)
	for _, tt := range []struct {
		name string
		txs  []*wire.Tx
		want []string
	}{
		{"fine", []*wire.Tx{parent}, []string{"allowed"}},
		{"with its parent", []*wire.Tx{parent, child}, []string{"allowed", "allowed"}},
		{"without", []*wire.Tx{child}, []string{"missing-inputs"}},
		{"there already", []*wire.Tx{there}, []string{"txn-already-in-mempool"}},
		{"replaces", []*wire.Tx{pay(a, 3000)}, []string{"allowed"}},
		{"replaces for too little", []*wire.Tx{pay(a, 1001)}, []string{"insufficient fee"}},
		{"too little", []*wire.Tx{pay(c, 1)}, []string{"min relay fee not met"}},
		{"too much", []*wire.Tx{pay(b, 970_000), pay(c, 10)}, []string{"max-fee-exceeded", "allowed"}},
		{"one of several", []*wire.Tx{pay(c, 1), parent, pay(coinOf(pay(c, 1), 0), 1000), child}, []string{"min relay fee not met", "allowed", "missing-inputs", "allowed"}},
		{"conflict with each other", []*wire.Tx{pay(b, 1000), pay(b, 2000)}, []string{"not tested", "not tested"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var raw []string
			for _, tx := range tt.txs {
				raw = append(raw, hexOf(tx))
			}
			got := get[[]accepted](w.testNode, "testmempoolaccept", raw)
			for i, g := range got {
				if g.verdict() != tt.want[i] || g.TxID != tt.txs[i].TxID().String() {
					t.Errorf("transaction %d: %s (%+v), want %s", i, g.verdict(), g, tt.want[i])
				}
			}
		})
	}
	got := get[[]accepted](w.testNode, "testmempoolaccept", []string{hexOf(parent)})[0]
	if got.VSize != parent.VSize() || got.Fees.Base != 0.00001 || len(got.Fees.Includes) != 1 {
		t.Errorf("%+v", got)
	}
	if got := get[[]accepted](w.testNode, "testmempoolaccept", []string{hexOf(pay(b, 1000)), hexOf(pay(b, 2000))})[0]; got.Package != "conflict-in-package" {
		t.Errorf("%+v", got)
	}
	w.pool(there) // nothing has happened
	w.fails(jsonrpc.CodeInvalidParam, "Array must contain between 1 and 25 transactions.", "testmempoolaccept", []string{})
	w.fails(jsonrpc.CodeDeserialization, "TX decode failed for tx 1. Make sure the tx has at least one input.", "testmempoolaccept", []string{hexOf(parent), "00"})
}

func TestPrioritise(t *testing.T) {
	w := newWalletNode(t, 3, mempool.Config{})
	low, high, later := pay(w.take(), 1000), pay(w.take(), 5000), pay(w.take(), 1)
	w.send(low)
	w.send(high)
	w.fails(jsonrpc.CodeVerifyRejected, "min relay fee not met, 1 < 10", "sendrawtransaction", hexOf(later))
	id := func(tx *wire.Tx) string { return tx.TxID().String() }
	w.want("true", "prioritisetransaction", id(low), 0, 6000)
	w.want("true", "prioritisetransaction", id(low), nil, 1000)
	w.want("true", "prioritisetransaction", id(later), 0, 9999)
	w.want(`["`+id(low)+`","`+id(high)+`"]`, "getrawmempool")
	if e := get[map[string]map[string]any](w.testNode, "getrawmempool", true)[id(low)]["fees"].(map[string]any); e["modified"] != 0.00008 || e["base"] != 0.00001 {
		t.Errorf("fees: %v", e)
	}
	w.send(later)
	all := get[map[string]json.RawMessage](w.testNode, "getprioritisedtransactions")
	if len(all) != 2 || string(all[id(low)]) != `{"fee_delta":7000,"in_mempool":true,"modified_fee":8000}` {
		t.Errorf("prioritised: %s", all)
	}
	w.fails(jsonrpc.CodeInvalidParam, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.", "prioritisetransaction", id(low), 1, 1)
	w.fails(jsonrpc.CodeInvalidParam, "fee_delta is missing", "prioritisetransaction", id(low))
	w.mine(1)
	w.want("{}", "getprioritisedtransactions") // it ends with the block
}

func TestSaveMempool(t *testing.T) {
	w := newWalletNode(t, 1, mempool.Config{})
	w.await(func(p *mempool.Pool) bool { return p.Loaded() })
	w.send(pay(w.take(), 1000))
	w.want(`{"filename":"/node/mempool.dat"}`, "savemempool")
}

func TestEstimateFees(t *testing.T) {
	w := newWalletNode(t, 120, mempool.Config{})
	w.want(`{"errors":["Insufficient data or no feerate found"],"blocks":0}`, "estimatesmartfee", 6)
	for range 12 {
		for range 5 {
			w.send(pay(w.take(), 9600))
		}
		w.mine(1)
	}
	for range 12 {
		for range 5 {
			w.send(pay(w.take(), 9600)) // about 100 satoshi for a virtual byte
		}
		w.mine(1)
	}
	tx := pay(coin{value: 1_000_000}, 9600)
	rate := rpctypes.Amount(9600 * 1000 / int64(tx.VSize()))
	for _, mode := range []string{"economical", "CONSERVATIVE", "unset"} {
		w.want(fmt.Sprintf(`{"feerate":%v,"blocks":6}`, rate), "estimatesmartfee", 6, mode)
	}
	w.want(fmt.Sprintf(`{"feerate":%v,"blocks":2}`, rate), "estimatesmartfee", 1)
	w.want(fmt.Sprintf(`{"feerate":%v,"blocks":12}`, rate), "estimatesmartfee", 1008)
	raw := get[map[string]map[string]any](w.testNode, "estimaterawfee", 2)
	// 120 transactions are not enough for the long horizon.
	if len(raw) != 3 || raw["short"]["feerate"] != 0.001 || raw["medium"]["pass"].(map[string]any)["inmempool"] != 0.0 || raw["long"]["errors"] == nil {
		t.Errorf("raw: %v", raw)
	}
	w.fails(jsonrpc.CodeInvalidParam, "Invalid conf_target, must be between 1 and 1008", "estimatesmartfee", 1009)
	w.fails(jsonrpc.CodeInvalidParam, `Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"`, "estimatesmartfee", 6, "cheap")
	w.fails(jsonrpc.CodeInvalidParam, "Invalid threshold", "estimaterawfee", 6, 1.5)
}

// TestPrecious prefers the second of two blocks of the same height; by themselves
// nodes prefer the first, also when it has been invalid meanwhile.
func TestPrecious(t *testing.T) {
	w := newWalletNode(t, 1, mempool.Config{})
	first := w.mine(1)[0]
	get[any](w.testNode, "invalidateblock", first)
	second := w.mine(1)[0]
	w.want(`"`+second+`"`, "getbestblockhash")
	get[any](w.testNode, "reconsiderblock", first)
	w.want(`"`+first+`"`, "getbestblockhash")
	w.want("null", "preciousblock", second)
	w.want(`"`+second+`"`, "getbestblockhash")
	w.want("null", "preciousblock", first)
	w.want(`"`+first+`"`, "getbestblockhash")
	w.fails(jsonrpc.CodeInvalidAddress, "Block not found", "preciousblock", strings.Repeat("00", 32))
}

// quiet is a peer that says what the test has it say.
type quiet struct{ ready chan struct{} }

func (q quiet) Ready(context.Context, *peer.Peer) error                { close(q.ready); return nil }
func (q quiet) Handle(context.Context, *peer.Peer, wire.Message) error { return nil }

// greet connects a peer to the node, until the test ends.
func (n *testNode) greet() *peer.Peer {
	n.t.Helper()
	link, err := tcp.New(tcp.Options{Magic: n.chain.Network().Magic}).Dial(n.t.Context(), n.node.Listening()[0])
	if err != nil {
		n.t.Fatal(err)
	}
	q := quiet{make(chan struct{})}
	p := peer.New(link, peer.Config{Kind: peer.OutboundFull, Handler: q, Clock: n.clk, Relay: true})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	n.t.Cleanup(func() { stop(); <-done })
	select {
	case <-q.ready:
	case err := <-done:
		n.t.Fatal(err)
	}
	return p
}

func TestOrphanTxs(t *testing.T) {
	w := newWalletNode(t, 1, mempool.Config{})
	w.want("[]", "getorphantxs")
	w.want("[]", "getorphantxs", 2)
	w.fails(jsonrpc.CodeInvalidParam, "Invalid verbosity value 3", "getorphantxs", 3)

	parent := pay(w.take(), 1000)
	orphan := pay(coinOf(parent, 0), 1000)
	p := w.greet()
	if err := p.Send(&wire.MsgTx{Tx: orphan}); err != nil {
		t.Fatal(err)
	}
	for len(w.node.TxDownload().Orphans()) == 0 {
		runtime.Gosched()
	}
	w.want(`["`+orphan.TxID().String()+`"]`, "getorphantxs")
	peers := get[[]rpctypes.PeerInfo](w.testNode, "getpeerinfo")
	want := []rpctypes.OrphanTx{{TxID: orphan.TxID(), WTxID: orphan.WTxID(), Bytes: orphan.Size(), VSize: orphan.VSize(),
		Weight: orphan.Weight(), From: []uint64{peers[0].ID}}}
	if diff := cmp.Diff(want, get[[]rpctypes.OrphanTx](w.testNode, "getorphantxs", 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want[0].Hex = orphan.Bytes()
	if diff := cmp.Diff(want, get[[]rpctypes.OrphanTx](w.testNode, "getorphantxs", 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.send(parent) // the orphan follows by itself
	for len(w.node.TxDownload().Orphans()) > 0 {
		runtime.Gosched()
	}
	w.want("[]", "getorphantxs")
	w.await(func(p *mempool.Pool) bool { return p.Get(orphan.TxID()) != nil })
}
