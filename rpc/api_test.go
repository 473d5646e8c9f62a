package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"starling/address"
	"starling/chain/chaintest"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

const (
	block170  = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"
	firstPay  = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	coinbase9 = "0437cd7f8525ceed2324359c2d0ba26006d92d856a9c20fa0241106ee5a597c9"
	genesisTx = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
)

// TestMainChain asks about the first 170 real blocks.
func TestMainChain(t *testing.T) {
	n := newTestNode(t, params.Main(), "testdata/main_0_to_170.dat")
	n.want(`{"hash":"`+block170+`","height":170}`, "waitforblockheight", 170)
	genesis := params.Main().GenesisHash.String()
	n.want("170", "getblockcount")
	n.want(`"`+block170+`"`, "getbestblockhash")
	n.want(`"`+genesis+`"`, "getblockhash", 0)
	n.want("1", "getdifficulty")
	n.want(`"0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"`,
		"getblockheader", genesis, false)

	n.golden("header_genesis.json", "getblockheader", genesis)
	n.golden("block_genesis_2.json", "getblock", genesis, 2)
	n.golden("block_170_1.json", "getblock", block170)
	n.golden("block_170_2.json", "getblock", block170, 2)
	n.golden("block_170_3.json", "getblock", block170, 3)
	n.golden("tx_first.json", "getrawtransaction", firstPay, 1, block170)
	n.golden("tx_first_2.json", "getrawtransaction", firstPay, 2, block170)
	n.golden("txout_first.json", "gettxout", firstPay, 1)
	n.golden("txoutset.json", "gettxoutsetinfo")
	n.golden("txoutset_muhash.json", "gettxoutsetinfo", "muhash")
	n.golden("chaintips.json", "getchaintips")
	n.golden("scan.json", "scantxoutset", "start", []string{"pk(04ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84c)"})

	n.want("null", "gettxout", coinbase9, 0)
	n.want("true", "verifychain", 4, 0)
	n.want(`["`+firstPay+`"]`, "verifytxoutproof", get[string](n, "gettxoutproof", []string{firstPay}))
	n.want(`["b1fea52486ce0c62bb442b530a3f0132b826c74e473d1f2c220bfa78111c5082","`+firstPay+`"]`, "verifytxoutproof",
		get[string](n, "gettxoutproof", []string{firstPay, "b1fea52486ce0c62bb442b530a3f0132b826c74e473d1f2c220bfa78111c5082"}, block170))

	zero := strings.Repeat("00", 32)
	n.fails(jsonrpc.CodeInvalidParam, "Block height out of range", "getblockhash", 171)
	n.fails(jsonrpc.CodeInvalidParam, "Block height out of range", "getblockhash", -1)
	n.fails(jsonrpc.CodeInvalidAddress, "Block not found", "getblock", zero)
	n.fails(jsonrpc.CodeInvalidAddress, "Block not found", "getblockheader", zero)
	n.fails(jsonrpc.CodeInvalidAddress, "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved", "getrawtransaction", genesisTx)
	n.fails(jsonrpc.CodeInvalidParam, "hash must be of length 64 (not 8, for 'nonsense')", "getblockheader", "nonsense")
	n.fails(jsonrpc.CodeInvalidParam, "parameter 1 must be of length 64 (not 3, for 'foo')", "getrawtransaction", "foo")
	n.fails(jsonrpc.CodeInvalidParam, "parameter 3 must be of length 64 (not 3, for 'foo')", "getrawtransaction", firstPay, true, "foo")
	n.fails(jsonrpc.CodeInvalidParam, "argument must be hexadecimal string (not 'zz')", "decodescript", "zz")
	n.fails(jsonrpc.CodeInvalidAddress, "Block hash not found", "getrawtransaction", firstPay, 0, zero)
	n.fails(jsonrpc.CodeInvalidAddress, "No such transaction found in the provided block. Use gettransaction for wallet transactions.", "getrawtransaction", firstPay, 0, genesis)
	n.fails(jsonrpc.CodeInvalidAddress, "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions.", "getrawtransaction", firstPay)
	n.fails(jsonrpc.CodeInvalidParam, "'sha1' is not a valid hash_type", "gettxoutsetinfo", "sha1")
	n.fails(jsonrpc.CodeInvalidAddress, "Transaction not yet in block", "gettxoutproof", []string{coinbase9})
	n.fails(jsonrpc.CodeInvalidAddress, "Not all transactions found in specified or retrieved block", "gettxoutproof", []string{firstPay}, genesis)
	n.fails(jsonrpc.CodeInvalidParam, "Parameter 'txids' cannot be empty", "gettxoutproof", []string{})
	n.fails(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicated txid: "+firstPay, "gettxoutproof", []string{firstPay, firstPay})
	n.fails(jsonrpc.CodeDeserialization, "Proof decode failed", "verifytxoutproof", "00")
	n.fails(jsonrpc.CodeMisc, "Cannot prune blocks because node is not in prune mode.", "pruneblockchain", 10)
	n.fails(jsonrpc.CodeMisc, "Blocks of network main are not made on demand", "generatetoaddress", 1, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
	n.fails(jsonrpc.CodeMisc, "setmocktime is for regression testing (-regtest mode) only", "setmocktime", 1)
	n.fails(jsonrpc.CodeMisc, "Negative timeout", "waitfornewblock", -1)

	info := get[map[string]any](n, "getblockchaininfo")
	for name, want := range map[string]any{
		"chain": "main", "blocks": 170.0, "headers": 170.0, "bestblockhash": block170, "bits": "1d00ffff", "difficulty": 1.0,
		"initialblockdownload": true, "pruned": false, "chainwork": "000000000000000000000000000000000000000000000000000000ab00ab00ab",
	} {
		if info[name] != want {
			t.Errorf("getblockchaininfo: %s is %v, want %v", name, info[name], want)
		}
	}
	d := get[struct {
		Flags       []string                       `json:"script_flags"`
		Deployments map[string]rpctypes.Deployment `json:"deployments"`
	}](n, "getdeploymentinfo")
	if diff := cmp.Diff([]string{"P2SH", "TAPROOT", "WITNESS"}, d.Flags); diff != "" {
		t.Error(diff)
	}
	if got := d.Deployments["segwit"]; got != (rpctypes.Deployment{Type: "buried", Active: false, Height: 481824}) {
		t.Error("segwit:", got)
	}
}

// regtestAddress is an address that anybody can spend from.
func regtestAddress(t *testing.T) string {
	t.Helper()
	program := sha256.Sum256(chaintest.AnyoneCanSpend)
	a, err := address.NewWitness(0, program[:], params.Regtest())
	if err != nil {
		t.Fatal(err)
	}
	return a.String()
}

// TestBranches makes blocks, takes some back, and brings them again.
func TestBranches(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	to := regtestAddress(t)
	hashes := get[[]string](n, "generatetoaddress", 5, to)
	if len(hashes) != 5 {
		t.Fatal(hashes)
	}
	n.want("5", "getblockcount")
	n.want("null", "invalidateblock", hashes[2])
	n.want("2", "getblockcount")
	tips := get[[]rpctypes.ChainTip](n, "getchaintips")
	if len(tips) != 2 || tips[0].Status != "invalid" || tips[0].BranchLen != 3 || tips[1].Status != "active" || tips[1].Height != 2 {
		t.Errorf("%+v", tips)
	}
	header := get[string](n, "getblockheader", hashes[4], false)
	n.fails(jsonrpc.CodeVerify, "duplicate-invalid", "submitheader", header)
	n.want("null", "reconsiderblock", hashes[2])
	n.want(`"`+hashes[4]+`"`, "getbestblockhash")
	n.fails(jsonrpc.CodeInvalidAddress, "Error: Invalid address", "generatetoaddress", 1, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")

	// Waiters see the next block, and give up after their time.
	got := make(chan rpctypes.Tip, 1)
	go func() {
		r, err := n.table.Lookup("waitfornewblock").Call(t.Context(), json.RawMessage(`[0,"`+hashes[4]+`"]`))
		if err != nil {
			t.Error(err)
		}
		got <- r.(rpctypes.Tip)
	}()
	b := get[generatedBlock2](n, "generateblock", to, []string{})
	if r := <-got; r.Height != 6 || r.Hash.String() != b.Hash {
		t.Errorf("waited for %+v, want %+v", r, b)
	}
	n.want(`{"hash":"`+b.Hash+`","height":6}`, "waitforblockheight", 7, 1)
	n.want(`{"hash":"`+b.Hash+`","height":6}`, "waitforblock", b.Hash, 1)
}

type generatedBlock2 struct{ Hash, Hex string }

// TestSubmitBlock gives the node blocks, good and bad.
func TestSubmitBlock(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	n.clk.Set(time.Unix(1_400_000_000, 0))
	m := chaintest.New(params.Regtest())
	a := m.Chain(m.Genesis(), 3)
	b := m.Next(m.Genesis(), 0)
	raw := func(b chaintest.Block) string { return hex.EncodeToString(b.Bytes()) }
	greedy := m.Next(a[0], 1)

	n.want(`"prev-blk-not-found"`, "submitblock", raw(a[1]))
	n.want("null", "submitblock", raw(a[0]))
	n.want(`"duplicate"`, "submitblock", raw(a[0]))
	n.want(`"inconclusive"`, "submitblock", raw(b))
	n.want(`"bad-cb-amount"`, "submitblock", raw(greedy))
	n.want(`"duplicate-invalid"`, "submitblock", raw(greedy))
	n.want("null", "submitblock", raw(a[1]))
	n.fails(jsonrpc.CodeDeserialization, "Block decode failed", "submitblock", raw(a[2])+"00")
	n.fails(jsonrpc.CodeDeserialization, "Block decode failed", "submitblock", "zz")
	n.fails(jsonrpc.CodeDeserialization, "Block header decode failed", "submitheader", "00")
	n.want("null", "submitheader", hex.EncodeToString(a[2].Header.Append(nil)))
	tips := get[[]rpctypes.ChainTip](n, "getchaintips")
	var states []string
	for _, tip := range tips {
		states = append(states, tip.Status)
	}
	if diff := cmp.Diff([]string{"headers-only", "invalid", "active", "valid-headers"}, states); diff != "" && len(states) != 4 {
		t.Error(diff)
	}
	orphan := m.Next(m.Next(a[2], 0), 0)
	n.fails(jsonrpc.CodeVerify, "Must submit previous header ("+orphan.Header.PrevBlock.String()+") first", "submitheader", hex.EncodeToString(orphan.Header.Append(nil)))
	n.fails(jsonrpc.CodeMisc, "Block not available (not fully downloaded)", "getblock", a[2].Hash().String())
}

// TestGenerateWithTransactions mines a transaction that is given.
func TestGenerateWithTransactions(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	trueScript := "raw(51)"
	first := get[generatedBlock2](n, "generateblock", trueScript, []string{})
	get[[]string](n, "generatetoaddress", 100, regtestAddress(t))
	b := get[struct{ Tx []txResultID }](n, "getblock", first.Hash, 2)
	id, err := wire.HashFromString(b.Tx[0].TxID)
	if err != nil {
		t.Fatal(err)
	}
	tx := chaintest.Spend(wire.OutPoint{Hash: id}, 50*rpctypes.SatoshiPerCoin, 1000, 2)
	rawTx := hex.EncodeToString(tx.Bytes())
	made := get[generatedBlock2](n, "generateblock", trueScript, []string{rawTx}, false)
	if made.Hex == "" {
		t.Error("no bytes of a block that was not submitted")
	}
	n.want("101", "getblockcount")
	n.want("null", "submitblock", made.Hex)
	n.want("102", "getblockcount")
	n.want(`"`+rawTx+`"`, "getrawtransaction", tx.TxID().String(), 0, made.Hash)
	out := get[struct {
		Value         json.Number
		Confirmations int
	}](n, "gettxout", tx.TxID().String(), 1)
	if out.Value != "24.99999500" || out.Confirmations != 1 {
		t.Errorf("%+v", out)
	}
	again := hex.EncodeToString(chaintest.Spend(wire.OutPoint{Hash: id}, 50*rpctypes.SatoshiPerCoin, 2000, 1).Bytes())
	if _, err := n.call("generateblock", trueScript, []string{again}); err == nil || !strings.HasPrefix(err.Error(), "TestBlockValidity failed: bad-txns-inputs-missingorspent") {
		t.Error("double spend:", err)
	}
	n.fails(jsonrpc.CodeInvalidAddress, "Transaction "+genesisTx+" not in mempool.", "generateblock", trueScript, []string{genesisTx})
	n.fails(jsonrpc.CodeDeserialization, "Transaction decode failed for 00. Make sure the tx has at least one input.", "generateblock", trueScript, []string{"00"})
	n.fails(jsonrpc.CodeInvalidAddress, "Error: Invalid address or descriptor", "generateblock", "nonsense", []string{})
}

type txResultID struct{ TxID string }

func TestDecode(t *testing.T) {
	n := newTestNode(t, params.Main())
	// The first transaction with a witness in BIP143's examples.
	const p2wpkh = "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000"
	n.golden("decode_bip143.json", "decoderawtransaction", p2wpkh)
	n.fails(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.", "decoderawtransaction", p2wpkh[:100])
	n.golden("script_p2pkh.json", "decodescript", "76a91411b366edfc0a8b66feebae5c2e25a7b6a5d1cf3188ac")
	n.golden("script_multisig.json", "decodescript", "51210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f8179851ae")
	n.golden("script_p2wpkh.json", "decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6")
	n.golden("script_return.json", "decodescript", "6a0461626364")
	n.golden("script_empty.json", "decodescript", "")
	// Scripts that end in the middle of what they push.
	for _, cut := range []string{"01", "0201", "4b00", "4c", "4c02ff", "4d", "4d00", "4d0200ff", "4e", "4e000000", "4e02000000ff", "5151" + "02ff"} {
		got := get[rpctypes.DecodedScript](n, "decodescript", cut)
		if !strings.HasSuffix(got.Asm, "[error]") || got.P2SH != "" || got.Segwit != nil {
			t.Errorf("%s: %+v", cut, got)
		}
	}

	n.golden("address_p2wpkh.json", "validateaddress", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4")
	n.golden("address_p2pkh.json", "validateaddress", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
	n.golden("address_bad.json", "validateaddress", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")
	n.golden("address_elsewhere.json", "validateaddress", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx")
}

func TestControl(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	n.want(`"help: unknown command: nope"`, "help", "nope")
	n.want(asJSON(n.table.Lookup("stop").Help()), "help", "stop")
	n.want(`"Starling stopping"`, "stop")
	n.want(`"Starling stopping"`, "stop", 0)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.table.Lookup("stop").Call(gone, json.RawMessage(`[600000]`)); err != nil {
		t.Error("a stop whose caller does not wait:", err)
	}
	n.want("0", "uptime")
	on := get[map[string]bool](n, "logging", []string{"all"}, []string{"chain"})
	if !on["net"] || on["chain"] || n.levels.Level("net") != slog.LevelDebug {
		t.Error(on)
	}
	n.fails(jsonrpc.CodeInvalidParam, "unknown logging category nope", "logging", []string{"nope"})
	n.want(`{"active_commands":[],"logpath":""}`, "getrpcinfo")

	n.want("null", "setmocktime", 1_700_000_000)
	if got := n.clk.Now().Unix(); got != 1_700_000_000 {
		t.Error("the clock shows", got)
	}
	totals := get[rpctypes.NetTotals](n, "getnettotals")
	if totals.Millis != 1_700_000_000_000 {
		t.Error(totals)
	}
	n.want("null", "setmocktime", 0)
	if n.clk.IsSet() {
		t.Error("the clock still stands")
	}
	n.fails(jsonrpc.CodeInvalidParam, "Mocktime must be in the range [0, 4294967295], not -1.", "setmocktime", -1)
	n.want("{}", "getindexinfo")
}

func TestCanceledCall(t *testing.T) {
	n := newTestNode(t, params.Regtest())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.table.Lookup("gettxoutsetinfo").Call(ctx, nil); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
