package rpc

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/chain/chaintest"
	"starling/chain/consensus"
	"starling/mempool"
	"starling/mining"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/server"
	"starling/wire"
)

// template is the part of a template that a mining program reads.
type template struct {
	Capabilities, Rules, Mutable []string
	Version                      int32
	PreviousBlockHash            string
	Transactions                 []struct {
		Data, TxID, Hash string
		Depends          []int
		Fee              int64
		SigOps           int
		Weight           int64
	}
	CoinbaseValue                      int64
	LongPollID, Target, NonceRange     string
	MinTime, CurTime                   int64
	SigOpLimit, SizeLimit, WeightLimit int
	Bits                               string
	Height                             int32
	SignetChallenge                    string `json:"signet_challenge"`
	Commitment                         string `json:"default_witness_commitment"`
	VBAvailable, CoinbaseAux           map[string]any
	VBRequired                         int
}

var segwitRule = map[string]any{"rules": []string{"segwit"}}

// newPoolNode is a node on regtest whose miner takes what is in the mempool,
// with a coinbase that anyone can spend.
func newPoolNode(t *testing.T) (n *testNode, coin wire.OutPoint) {
	t.Helper()
	n = runTestNode(t, server.Config{Network: params.Regtest(), AcceptNonStandard: true})
	n.mineWith(mining.Config{Source: n.node.Mempool()})
	n.clk.Set(time.Unix(1_400_000_000, 0))
	get[[]string](n, "generatetodescriptor", 101, "raw(51)")
	b, err := n.chain.ParsedBlock(n.chain.At(1))
	if err != nil {
		t.Fatal(err)
	}
	return n, wire.OutPoint{Hash: b.Txs[0].TxID()}
}

// pay puts a transaction into the mempool that spends op.
func (n *testNode) pay(op wire.OutPoint, value, fee int64) *wire.Tx {
	n.t.Helper()
	tx := chaintest.Spend(op, value, fee, 2) // one output would be too small for the pool
	if _, err := n.node.Mempool().Add(n.t.Context(), tx, mempool.AddOptions{}); err != nil {
		n.t.Fatal(err)
	}
	return tx
}

// solve makes a block of a template, as a mining program does: with a coinbase
// and a nonce of its own.
func (tpl *template) solve(t *testing.T, script []byte) *wire.Block {
	t.Helper()
	commitment, err := hex.DecodeString(tpl.Commitment)
	if err != nil {
		t.Fatal(err)
	}
	coinbase := wire.NewTx(1,
		[]wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: append(consensus.CoinbaseHeight(tpl.Height), 1, 7), Sequence: wire.SequenceFinal, Witness: wire.NewWitness(make([]byte, 32))}},
		[]wire.TxOut{{Value: tpl.CoinbaseValue, Script: script}, {Script: commitment}}, 0)
	txs, ids := []*wire.Tx{coinbase}, []wire.Hash{coinbase.TxID()}
	for _, e := range tpl.Transactions {
		tx, ok := rpcargs.DecodeTx(e.Data)
		if !ok || tx.TxID().String() != e.TxID || tx.WTxID().String() != e.Hash || int64(tx.Weight()) != e.Weight {
			t.Errorf("%+v does not describe its data", e)
		}
		txs, ids = append(txs, tx), append(ids, wire.MustHash(e.TxID))
	}
	root, _ := consensus.MerkleRoot(ids)
	bits, err := hex.DecodeString(tpl.Bits)
	if err != nil {
		t.Fatal(err)
	}
	h := wire.Header{
		Version: tpl.Version, PrevBlock: wire.MustHash(tpl.PreviousBlockHash), MerkleRoot: root, Timestamp: uint32(tpl.CurTime),
		Bits: uint32(bits[0])<<24 | uint32(bits[1])<<16 | uint32(bits[2])<<8 | uint32(bits[3]),
	}
	for strings.Compare(h.Hash().String(), tpl.Target) > 0 {
		h.Nonce++
	}
	return wire.NewBlock(h, txs)
}

// TestBlockTemplate mines a template the way a pool does, with transactions
// that depend on each other.
func TestBlockTemplate(t *testing.T) {
	n, coin := newPoolNode(t)
	parent := n.pay(coin, 50*rpctypes.SatoshiPerCoin, 1000)
	child := n.pay(wire.OutPoint{Hash: parent.TxID()}, parent.Out[0].Value, 9000)
	tpl := get[template](n, "getblocktemplate", segwitRule)
	if len(tpl.Transactions) != 2 || tpl.Transactions[0].TxID != parent.TxID().String() || tpl.Transactions[1].TxID != child.TxID().String() {
		t.Fatalf("transactions %+v", tpl.Transactions)
	}
	if a, b := tpl.Transactions[0], tpl.Transactions[1]; a.Fee != 1000 || b.Fee != 9000 || len(a.Depends) != 0 || !cmp.Equal(b.Depends, []int{1}) {
		t.Errorf("fees and order: %+v", tpl.Transactions)
	}
	want := tpl
	want.Transactions, want.Commitment = nil, ""
	tip := n.chain.Tip()
	if diff := cmp.Diff(template{
		Capabilities: []string{"proposal"}, Rules: []string{"csv", "!segwit", "taproot"},
		Mutable: []string{"time", "transactions", "prevblock"}, NonceRange: "00000000ffffffff",
		Version: 0x20000000, PreviousBlockHash: tip.Hash.String(), CoinbaseValue: 50*rpctypes.SatoshiPerCoin + 10_000,
		LongPollID: fmt.Sprintf("%v%d", tip.Hash, n.node.Mempool().Sequence()), Target: "7fffff0000000000000000000000000000000000000000000000000000000000",
		MinTime: tip.MedianTime() + 1, CurTime: tip.MedianTime() + 1, Bits: "207fffff", Height: 102,
		SigOpLimit: 80000, SizeLimit: 4000000, WeightLimit: 4000000,
		VBAvailable: map[string]any{}, CoinbaseAux: map[string]any{},
	}, want); diff != "" {
		t.Error(diff)
	}
	n.clk.Set(time.Unix(1_400_000_100, 0))
	if again := get[template](n, "getblocktemplate", segwitRule); again.CurTime != 1_400_000_100 || again.LongPollID != tpl.LongPollID {
		t.Errorf("asked again after a while, the time is %d", again.CurTime)
	}
	b := tpl.solve(t, chaintest.AnyoneCanSpend)
	digits := hex.EncodeToString(b.Bytes())
	n.want("null", "getblocktemplate", map[string]any{"mode": "proposal", "data": digits})
	n.want("null", "submitblock", digits)
	n.want(`"`+b.Hash().String()+`"`, "getbestblockhash")
	n.want(`"duplicate"`, "getblocktemplate", map[string]any{"mode": "proposal", "data": digits})
	if left := n.node.Mempool().Len(); left != 0 {
		t.Errorf("%d transactions are left in the pool", left)
	}
	next := get[template](n, "getblocktemplate", segwitRule)
	if len(next.Transactions) != 0 || next.Height != 103 {
		t.Errorf("the next one: %+v", next)
	}
	// Miners who know nothing of witnesses leave that of the coinbase out.
	bare := next.solve(t, chaintest.AnyoneCanSpend)
	n.want("null", "submitblock", hex.EncodeToString(bare.AppendBase(nil)))
	n.want("103", "getblockcount")
}

// TestProposals has blocks judged that nobody has worked for.
func TestProposals(t *testing.T) {
	n, _ := newPoolNode(t)
	tpl := get[template](n, "getblocktemplate", segwitRule)
	good := tpl.solve(t, chaintest.AnyoneCanSpend)
	propose := func(change func(raw []byte) []byte) map[string]any {
		raw := change([]byte(string(good.Bytes())))
		return map[string]any{"mode": "proposal", "data": hex.EncodeToString(raw)}
	}
	flip := func(at int) func([]byte) []byte {
		return func(raw []byte) []byte { raw[at] ^= 1; return raw }
	}
	for _, tc := range []struct {
		name, want string
		arg        map[string]any
	}{
		{"another nonce", "null", propose(flip(79))},
		{"another parent", `"inconclusive-not-best-prevblk"`, propose(flip(4))},
		{"another merkle root", `"bad-txnmrklroot"`, propose(flip(36))},
		{"another target", `"bad-diffbits"`, propose(flip(72))},
		{"a time long gone", `"time-too-old"`, propose(func(raw []byte) []byte { copy(raw[68:], "\x01\x00\x00\x50"); return raw })},
		{"too much money", `"bad-cb-amount"`, func() map[string]any {
			greedy := tpl
			greedy.CoinbaseValue++
			return map[string]any{"mode": "proposal", "data": hex.EncodeToString(greedy.solve(t, chaintest.AnyoneCanSpend).Bytes())}
		}()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := *n
			m.t = t
			m.want(tc.want, "getblocktemplate", tc.arg)
		})
	}
	if n.chain.Tip().Height != 101 {
		t.Error("a proposal has moved the tip")
	}
	n.fails(jsonrpc.CodeType, "Missing data String key for proposal", "getblocktemplate", map[string]any{"mode": "proposal"})
	n.fails(jsonrpc.CodeDeserialization, "Block decode failed", "getblocktemplate", map[string]any{"mode": "proposal", "data": "00"})
	n.fails(jsonrpc.CodeInvalidParam, "Invalid mode", "getblocktemplate", map[string]any{"mode": "sub"})
	n.fails(jsonrpc.CodeInvalidParam, "Invalid mode", "getblocktemplate", map[string]any{"mode": 1})
	n.fails(jsonrpc.CodeInvalidParam, `getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})`, "getblocktemplate", map[string]any{"coinbasetxn": true})
}

// TestLongPoll waits for a better template: a new tip at once, transactions
// after a minute.
func TestLongPoll(t *testing.T) {
	n, coin := newPoolNode(t)
	poll := func(id any) <-chan template {
		got := make(chan template, 1)
		go func() {
			raw := asJSON([]any{map[string]any{"rules": []string{"segwit"}, "longpollid": id}})
			r, err := n.table.Lookup("getblocktemplate").Call(t.Context(), json.RawMessage(raw))
			if err != nil {
				t.Error(err)
				close(got)
				return
			}
			var tpl template
			if err := json.Unmarshal([]byte(asJSON(r)), &tpl); err != nil {
				t.Error(err)
			}
			got <- tpl
		}()
		return got
	}
	now := get[template](n, "getblocktemplate", segwitRule)
	// An id of another tip, or of none, is answered at once.
	if tpl := <-poll(strings.Repeat("00", 32) + "0"); tpl.PreviousBlockHash != now.PreviousBlockHash {
		t.Errorf("%+v", tpl)
	}
	waiting := poll(now.LongPollID)
	get[[]string](n, "generatetodescriptor", 1, "raw(51)")
	next := <-waiting
	if next.Height != 103 {
		t.Errorf("woke for %+v", next)
	}
	waiting = poll(next.LongPollID)
	tx := n.pay(coin, 50*rpctypes.SatoshiPerCoin, 1000)
	for woken := false; !woken; {
		// The minute begins when the call does, so time goes on until it has,
		// in small steps, lest the transaction expire meanwhile.
		n.clk.Set(n.clk.Now().Add(10 * time.Millisecond))
		select {
		case tpl := <-waiting:
			woken = true
			if len(tpl.Transactions) != 1 || tpl.Transactions[0].TxID != tx.TxID().String() {
				t.Errorf("woke for %+v", tpl)
			}
		default:
		}
	}
	n.fails(jsonrpc.CodeInvalidParam, "longpollid must be of length 64 (not 2, for 'ab')", "getblocktemplate",
		map[string]any{"rules": []string{"segwit"}, "longpollid": "ab"})
}

// TestTemplateOfOtherNetworks asks where a node should not answer, and where
// blocks are signed.
func TestTemplateOfOtherNetworks(t *testing.T) {
	n := newTestNode(t, params.Main())
	n.fails(jsonrpc.CodeClientNotConnected, "Starling is not connected!", "getblocktemplate", segwitRule)
	n.want("null", "getblocktemplate", map[string]any{"mode": "proposal", "data": hex.EncodeToString(firstBlock(t))})

	n = newTestNode(t, params.SignetWith([]byte{0x51}))
	n.fails(jsonrpc.CodeInvalidParam, `getblocktemplate must be called with the signet rule set (call with {"rules": ["segwit", "signet"]})`, "getblocktemplate", segwitRule)
	tpl := get[template](n, "getblocktemplate", map[string]any{"rules": []string{"signet", "segwit"}})
	if tpl.SignetChallenge != "51" || !cmp.Equal(tpl.Rules, []string{"csv", "!segwit", "!signet", "taproot"}) || tpl.Commitment == "" {
		t.Errorf("%+v", tpl)
	}
	n.fails(jsonrpc.CodeMisc, "Blocks of network signet are not made on demand", "generatetodescriptor", 1, "raw(51)")
}

// firstBlock is block 1 of the main network.
func firstBlock(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString("010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e3629901" +
		"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0704ffff001d0104ffffffff0100f2052a0100000043410496b538e853519c726a2c91e61ec11600ae1390813a627c66fb8be7947be63c52da7589379515d4e0a604f8141781e62294721166bf621e73a82cbf2342c858eeac00000000")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMiningInfo looks at the figures.
func TestMiningInfo(t *testing.T) {
	n, coin := newPoolNode(t)
	n.pay(coin, 50*rpctypes.SatoshiPerCoin, 1000)
	n.want(`{"blocks":101,"currentblockweight":8000,"currentblocktx":0,"bits":"207fffff","difficulty":4.656542373906925e-10,`+
		`"target":"7fffff0000000000000000000000000000000000000000000000000000000000","blockmintxfee":0.00000001,`+
		`"networkhashps":`+get[json.Number](n, "getnetworkhashps").String()+`,"pooledtx":1,"chain":"regtest","generate":false,`+
		`"next":{"height":102,"bits":"207fffff","difficulty":4.656542373906925e-10,"target":"7fffff0000000000000000000000000000000000000000000000000000000000"},"warnings":[]}`, "getmininginfo")
	get[[]string](n, "generatetodescriptor", 1, "raw(51)")
	info := get[struct{ CurrentBlockWeight, CurrentBlockTx, PooledTx int }](n, "getmininginfo")
	if info.CurrentBlockTx != 1 || info.PooledTx != 0 || info.CurrentBlockWeight <= 8000 {
		t.Errorf("after a block: %+v", info)
	}
	// What the block took in as fees goes to whoever made it.
	b := get[struct {
		Tx []struct{ Vout []struct{ Value json.Number } }
	}](n, "getblock", n.chain.Tip().Hash.String(), 2)
	if got := b.Tx[0].Vout[0].Value; got != "50.00001000" {
		t.Errorf("the coinbase pays %s", got)
	}
	n.fails(jsonrpc.CodeInvalidParam, "Invalid nblocks. Must be a positive number or -1.", "getnetworkhashps", 0)
	n.fails(jsonrpc.CodeInvalidParam, "Block does not exist at specified height", "getnetworkhashps", 120, 103)
	n.want("0", "getnetworkhashps", 120, 0)
}
