package interop

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcjson"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/rpcclient"
	"github.com/btcsuite/btcd/wire/v2"

	"starling/interop/harness"
)

// btcsuite is a program on btcsuite's client, as lnd is one.
type btcsuite struct {
	*rpcclient.Client
	t    *testing.T
	node *harness.Node
}

// newBtcsuite starts a Starling with a wallet and a client of it.
func newBtcsuite(t *testing.T) *btcsuite {
	t.Helper()
	return connect(t, starling(t), "")
}

// connect returns a client of a node, or of one of its wallets by the path.
func connect(t *testing.T, s *harness.Node, path string) *btcsuite {
	t.Helper()
	c, err := rpcclient.New(&rpcclient.ConnConfig{
		Host: s.RPC + path, User: harness.User, Pass: harness.Password,
		HTTPPostMode: true, DisableTLS: true, Params: chaincfg.RegressionNetParams.Name,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Shutdown)
	return &btcsuite{c, t, s}
}

// must returns the result of a call that succeeds.
func must[T any](b *btcsuite) func(T, error) T {
	return func(v T, err error) T {
		b.t.Helper()
		if err != nil {
			b.t.Fatal(err)
		}
		return v
	}
}

// raw calls a method that the client has no function for.
func (b *btcsuite) raw(result any, method string, params ...any) {
	b.t.Helper()
	raws := make([]json.RawMessage, len(params))
	for i, p := range params {
		raws[i] = must[[]byte](b)(json.Marshal(p))
	}
	answer := must[json.RawMessage](b)(b.RawRequest(method, raws))
	if err := json.Unmarshal(answer, result); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

// signed makes and signs a payment of the wallet, and keeps its coins.
func (b *btcsuite) signed(to address.Address, amount btcutil.Amount) *wire.MsgTx {
	b.t.Helper()
	tx := must[*wire.MsgTx](b)(b.CreateRawTransaction(nil, map[address.Address]btcutil.Amount{to: amount}, nil))
	rate, lock := 1e-5, true
	funded := must[*btcjson.FundRawTransactionResult](b)(b.FundRawTransaction(tx, btcjson.FundRawTransactionOpts{FeeRate: &rate, LockUnspents: &lock}, nil))
	tx, complete, err := b.SignRawTransactionWithWallet(funded.Transaction)
	if err != nil || !complete {
		b.t.Fatalf("signed: %v, %v", complete, err)
	}
	return tx
}

// TestRPCClientPays mines, imports, sends and follows blocks as programs on
// btcsuite's client do.
func TestRPCClientPays(t *testing.T) {
	b := newBtcsuite(t)
	must[*btcjson.CreateWalletResult](b)(b.CreateWallet("main"))
	own := must[address.Address](b)(b.GetNewAddress(""))
	must[[]*chainhash.Hash](b)(b.GenerateToAddress(101, own, nil))

	// Another wallet is told of an address of the first.
	info := must[*btcjson.GetAddressInfoResult](b)(b.GetAddressInfo(own.EncodeAddress()))
	must[*btcjson.CreateWalletResult](b)(b.CreateWallet("watch", rpcclient.WithCreateWalletDisablePrivateKeys(), rpcclient.WithCreateWalletBlank()))
	watch := connect(t, b.node, "/wallet/watch")
	var imported []struct{ Success bool }
	desc := must[*btcjson.GetDescriptorInfoResult](b)(b.GetDescriptorInfo("addr(" + info.Address + ")"))
	watch.raw(&imported, "importdescriptors", []any{map[string]any{"desc": desc.Descriptor, "timestamp": 0}})
	if len(imported) != 1 || !imported[0].Success {
		t.Fatal(imported)
	}
	var balances struct {
		Mine struct{ Trusted, Immature float64 }
	}
	watch.raw(&balances, "getbalances")
	if balances.Mine.Trusted != 50 || balances.Mine.Immature != 5000 {
		t.Errorf("the watching wallet has %+v", balances.Mine)
	}
	must[any](b)(nil, b.UnloadWallet(btcjson.String("watch")))

	// lnd asks whether a payment would be taken, and sends it without allowing
	// high fees.
	to := must[address.Address](b)(address.DecodeAddress(mineTo, &chaincfg.RegressionNetParams))
	tx := b.signed(to, 1000)
	accepted := must[[]*btcjson.TestMempoolAcceptResult](b)(b.TestMempoolAccept([]*wire.MsgTx{tx}, 0.1))
	if len(accepted) != 1 || !accepted[0].Allowed {
		t.Fatalf("%+v", accepted[0])
	}
	id := must[*chainhash.Hash](b)(b.SendRawTransaction(tx, false))
	if *id != tx.TxHash() {
		t.Errorf("sent %v, was told %v", tx.TxHash(), id)
	}
	spending := must[[]*btcjson.GetTxSpendingPrevOutResult](b)(b.GetTxSpendingPrevOut([]wire.OutPoint{tx.TxIn[0].PreviousOutPoint}))
	if len(spending) != 1 || spending[0].SpendingTxid != id.String() {
		t.Errorf("%+v", spending)
	}

	// One program waits for the block that another mines.
	known := must[*chainhash.Hash](b)(b.GetBestBlockHash())
	mined := make(chan error, 1)
	miner := connect(t, b.node, "") // a client sends one call after the other
	go func() {
		hashes, err := miner.GenerateToAddress(1, own, nil)
		if err == nil && len(hashes) != 1 {
			err = errors.New("no block")
		}
		mined <- err
	}()
	var tip struct {
		Hash   string
		Height int64
	}
	b.raw(&tip, "waitfornewblock", 60_000, known.String())
	if err := <-mined; err != nil || tip.Height != 102 {
		t.Fatal(tip, err)
	}
	block := must[*wire.MsgBlock](b)(b.GetBlock(must[*chainhash.Hash](b)(b.GetBestBlockHash())))
	if len(block.Transactions) != 2 || block.Transactions[1].TxHash() != *id {
		t.Errorf("a block of %d transactions", len(block.Transactions))
	}
	got := must[*btcjson.GetTransactionResult](b)(b.GetTransaction(id))
	if got.Confirmations != 1 || got.Amount != -1e-5 {
		t.Errorf("%+v", got)
	}
}

// TestRPCClientMines takes a template, as mining programs do, and sends the
// block back.
func TestRPCClientMines(t *testing.T) {
	b := newBtcsuite(t)
	mine(t, b.node, 1)
	best := must[*chainhash.Hash](b)(b.GetBestBlockHash())
	template := must[*btcjson.GetBlockTemplateResult](b)(b.GetBlockTemplate(&btcjson.TemplateRequest{Rules: []string{"segwit"}, Capabilities: []string{"coinbasevalue"}}))
	if template.PreviousHash != best.String() || template.Height != 2 {
		t.Fatalf("%+v", template)
	}
	// Another node makes the block, so that it has its proof of work.
	other := starling(t)
	first := must[*wire.MsgBlock](b)(b.GetBlock(best))
	var buf bytes.Buffer
	if err := first.Serialize(&buf); err != nil {
		t.Fatal(err)
	}
	other.Call(nil, "submitblock", hex.EncodeToString(buf.Bytes()))
	var digits string
	other.Call(&digits, "getblock", mine(t, other, 1), 0)
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	block, err := btcutil.NewBlockFromBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SubmitBlock(block, nil); err != nil {
		t.Fatal(err)
	}
	if n := must[int64](b)(b.GetBlockCount()); n != 2 {
		t.Errorf("height %d", n)
	}
	if err := b.SubmitBlock(block, nil); err == nil || err.Error() != "duplicate" {
		t.Errorf("the same block again: %v", err)
	}
}

// TestRPCClientCalls makes each call that the client has and this node a
// method for.
func TestRPCClientCalls(t *testing.T) {
	b := newBtcsuite(t)
	must[*btcjson.CreateWalletResult](b)(b.CreateWallet("main"))
	own := must[address.Address](b)(b.GetNewAddress(""))
	to := must[address.Address](b)(b.GetNewAddress("other"))
	hashes := must[[]*chainhash.Hash](b)(b.GenerateToAddress(120, own, nil))
	best := hashes[len(hashes)-1]
	sent := b.signed(to, 2000)
	id := must[*chainhash.Hash](b)(b.SendRawTransaction(sent, false))
	must[*chainhash.Hash](b)(b.SendToAddress(to, 3000))
	version := must[rpcclient.BackendVersion](b)(b.BackendVersion())
	if !version.SupportUnifiedSoftForks() || !version.SupportTestMempoolAccept() || !version.SupportGetTxSpendingPrevOut() || !version.SupportSubmitPackage() {
		t.Errorf("taken for %v", version)
	}
	unspent := must[[]btcjson.ListUnspentResult](b)(b.ListUnspentMin(1))[0]
	out := wire.OutPoint{Hash: *must[*chainhash.Hash](b)(chainhash.NewHashFromStr(unspent.TxID)), Index: unspent.Vout}
	var raw bytes.Buffer
	if err := sent.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	unsigned := func() *wire.MsgTx {
		return must[*wire.MsgTx](b)(b.CreateRawTransaction([]btcjson.TransactionInput{{Txid: unspent.TxID, Vout: unspent.Vout}},
			map[address.Address]btcutil.Amount{to: must[btcutil.Amount](b)(btcutil.NewAmount(unspent.Amount)) - 1000}, nil))
	}
	signing := func(tx *wire.MsgTx, complete bool, err error) error {
		if err == nil && !complete {
			err = errors.New("not complete")
		}
		return err
	}
	var spare *wire.OutPoint // that is locked
	const desc = "wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/0/*)#"
	checked := must[*btcjson.GetDescriptorInfoResult](b)(b.GetDescriptorInfo(desc[:len(desc)-1])).Descriptor

	calls := []struct {
		name string
		call func() error
	}{
		{"getbestblockhash", func() error { _, err := b.GetBestBlockHash(); return err }},
		{"getblock", func() error { _, err := b.GetBlock(best); return err }},
		{"getblock 1", func() error { _, err := b.GetBlockVerbose(best); return err }},
		{"getblock 2", func() error { _, err := b.GetBlockVerboseTx(best); return err }},
		{"getblockcount", func() error { _, err := b.GetBlockCount(); return err }},
		{"getdifficulty", func() error { _, err := b.GetDifficulty(); return err }},
		{"getblockchaininfo", func() error { _, err := b.GetBlockChainInfo(); return err }},
		{"getblockhash", func() error { _, err := b.GetBlockHash(1); return err }},
		{"getblockheader", func() error { _, err := b.GetBlockHeader(best); return err }},
		{"getblockheader true", func() error { _, err := b.GetBlockHeaderVerbose(best); return err }},
		{"getchaintips", func() error { _, err := b.GetChainTips(); return err }},
		{"getmempoolentry", func() error { _, err := b.GetMempoolEntry(id.String()); return err }},
		{"getrawmempool", func() error { _, err := b.GetRawMempool(); return err }},
		{"getrawmempool true", func() error { _, err := b.GetRawMempoolVerbose(); return err }},
		{"estimatesmartfee", func() error { _, err := b.EstimateSmartFee(6, nil); return err }},
		{"estimatesmartfee mode", func() error { _, err := b.EstimateSmartFee(6, &btcjson.EstimateModeConservative); return err }},
		{"verifychain", func() error { _, err := b.VerifyChain(); return err }},
		{"verifychain level", func() error { _, err := b.VerifyChainLevel(1); return err }},
		{"verifychain blocks", func() error { _, err := b.VerifyChainBlocks(4, 3); return err }},
		{"gettxout", func() error { _, err := b.GetTxOut(&out.Hash, out.Index, true); return err }},
		{"gettxoutsetinfo", func() error { _, err := b.GetTxOutSetInfo(); return err }},
		{"gettxoutproof", func() error {
			tx := must[*wire.MsgBlock](b)(b.GetBlock(best)).Transactions[0].TxHash()
			hash := best.String()
			_, err := b.GetTxOutProof([]string{tx.String()}, &hash)
			return err
		}},
		{"deriveaddresses", func() error {
			_, err := b.DeriveAddresses(checked, &btcjson.DescriptorRange{Value: []int{0, 2}})
			return err
		}},
		{"getdescriptorinfo", func() error { _, err := b.GetDescriptorInfo(checked); return err }},
		{"invalidateblock", func() error { return b.InvalidateBlock(best) }},
		{"reconsiderblock", func() error { return b.ReconsiderBlock(best) }},
		{"getmininginfo", func() error { _, err := b.GetMiningInfo(); return err }},
		{"getnetworkhashps", func() error { _, err := b.GetNetworkHashPS(); return err }},
		{"getnetworkhashps blocks", func() error { _, err := b.GetNetworkHashPS2(10); return err }},
		{"getnetworkhashps height", func() error { _, err := b.GetNetworkHashPS3(10, 20); return err }},
		{"addnode", func() error { return b.AddNode("127.0.0.1:1", rpcclient.ANAdd) }},
		{"getaddednodeinfo", func() error { _, err := b.GetAddedNodeInfo("127.0.0.1:1"); return err }},
		{"addnode remove", func() error { return b.AddNode("127.0.0.1:1", rpcclient.ANRemove) }},
		{"getconnectioncount", func() error { _, err := b.GetConnectionCount(); return err }},
		{"ping", func() error { return b.Ping() }},
		{"getnetworkinfo", func() error { _, err := b.GetNetworkInfo(); return err }},
		{"getpeerinfo", func() error { _, err := b.GetPeerInfo(); return err }},
		{"getnettotals", func() error { _, err := b.GetNetTotals(); return err }},
		{"getrawtransaction", func() error { _, err := b.GetRawTransaction(id); return err }},
		{"getrawtransaction true", func() error { _, err := b.GetRawTransactionVerbose(id); return err }},
		{"decoderawtransaction", func() error { _, err := b.DecodeRawTransaction(raw.Bytes()); return err }},
		{"decodescript", func() error { _, err := b.DecodeScript([]byte{0x51}); return err }},
		{"sendrawtransaction", func() error { _, err := b.SendRawTransaction(b.signed(to, 4000), true); return err }},
		{"testmempoolaccept", func() error { _, err := b.TestMempoolAccept([]*wire.MsgTx{sent}, 0.1); return err }},
		{"submitpackage", func() error { _, err := b.SubmitPackage([]*wire.MsgTx{b.signed(to, 5000)}, nil, nil); return err }},
		{"gettxspendingprevout", func() error { _, err := b.GetTxSpendingPrevOut([]wire.OutPoint{out}); return err }},
		{"signrawtransactionwithwallet", func() error { return signing(b.SignRawTransactionWithWallet(unsigned())) }},
		{"signrawtransactionwithwallet inputs", func() error {
			return signing(b.SignRawTransactionWithWallet2(unsigned(), []btcjson.RawTxWitnessInput{{
				Txid: unspent.TxID, Vout: unspent.Vout, ScriptPubKey: unspent.ScriptPubKey, Amount: &unspent.Amount,
			}}))
		}},
		{"signrawtransactionwithwallet type", func() error {
			return signing(b.SignRawTransactionWithWallet3(unsigned(), nil, rpcclient.SigHashAll))
		}},
		{"gettransaction", func() error { _, err := b.GetTransaction(id); return err }},
		{"gettransaction watch", func() error { _, err := b.GetTransactionWatchOnly(id, true); return err }},
		{"listtransactions", func() error { _, err := b.ListTransactions("*"); return err }},
		{"listtransactions count", func() error { _, err := b.ListTransactionsCount("*", 3); return err }},
		{"listtransactions from", func() error { _, err := b.ListTransactionsCountFrom("*", 3, 2); return err }},
		{"listtransactions watch", func() error { _, err := b.ListTransactionsCountFromWatchOnly("*", 3, 2, true); return err }},
		{"listunspent", func() error { _, err := b.ListUnspent(); return err }},
		{"listunspent min", func() error { _, err := b.ListUnspentMin(1); return err }},
		{"listunspent max", func() error { _, err := b.ListUnspentMinMax(1, 200); return err }},
		{"listunspent addresses", func() error { _, err := b.ListUnspentMinMaxAddresses(1, 200, []address.Address{own}); return err }},
		{"listsinceblock", func() error { _, err := b.ListSinceBlock(nil); return err }},
		{"listsinceblock depth", func() error { _, err := b.ListSinceBlockMinConf(hashes[0], 2); return err }},
		{"listsinceblock watch", func() error { _, err := b.ListSinceBlockMinConfWatchOnly(hashes[0], 2, true); return err }},
		{"lockunspent", func() error {
			left := must[[]btcjson.ListUnspentResult](b)(b.ListUnspentMin(1))[0]
			spare = wire.NewOutPoint(must[*chainhash.Hash](b)(chainhash.NewHashFromStr(left.TxID)), left.Vout)
			return b.LockUnspent(false, []*wire.OutPoint{spare})
		}},
		{"listlockunspent", func() error { _, err := b.ListLockUnspent(); return err }},
		{"lockunspent true", func() error { return b.LockUnspent(true, []*wire.OutPoint{spare}) }},
		{"sendtoaddress comment", func() error { _, err := b.SendToAddressComment(to, 1500, "for", "to"); return err }},
		{"sendmany", func() error { _, err := b.SendMany("", map[address.Address]btcutil.Amount{to: 1600}); return err }},
		{"sendmany depth", func() error {
			_, err := b.SendManyMinConf("", map[address.Address]btcutil.Amount{to: 1700}, 1)
			return err
		}},
		{"sendmany comment", func() error {
			_, err := b.SendManyComment("", map[address.Address]btcutil.Amount{to: 1800}, 1, "for")
			return err
		}},
		{"getaddressinfo", func() error { _, err := b.GetAddressInfo(own.EncodeAddress()); return err }},
		{"getnewaddress type", func() error { _, err := b.GetNewAddressType("label", "legacy"); return err }},
		{"getrawchangeaddress", func() error { _, err := b.GetRawChangeAddress(""); return err }},
		{"getrawchangeaddress type", func() error { _, err := b.GetRawChangeAddressType("", "bech32"); return err }},
		{"validateaddress", func() error { _, err := b.ValidateAddress(own); return err }},
		{"keypoolrefill", func() error { return b.KeyPoolRefill() }},
		{"keypoolrefill size", func() error { return b.KeyPoolRefillSize(30) }},
		{"getbalance", func() error { _, err := b.GetBalance("*"); return err }},
		{"getbalance depth", func() error { _, err := b.GetBalanceMinConf("*", 2); return err }},
		{"getbalances", func() error { _, err := b.GetBalances(); return err }},
		{"getreceivedbyaddress", func() error { _, err := b.GetReceivedByAddress(own); return err }},
		{"getreceivedbyaddress depth", func() error { _, err := b.GetReceivedByAddressMinConf(own, 2); return err }},
		{"listreceivedbyaddress", func() error { _, err := b.ListReceivedByAddress(); return err }},
		{"listreceivedbyaddress depth", func() error { _, err := b.ListReceivedByAddressMinConf(2); return err }},
		{"listreceivedbyaddress empty", func() error { _, err := b.ListReceivedByAddressIncludeEmpty(2, true); return err }},
		{"getwalletinfo", func() error { _, err := b.GetWalletInfo(); return err }},
		{"signmessage", func() error {
			legacy := must[address.Address](b)(b.GetNewAddressType("", "legacy"))
			text, err := b.SignMessage(legacy, "text")
			if err != nil {
				return err
			}
			good, err := b.VerifyMessage(legacy, text, "text")
			if err == nil && !good {
				err = errors.New("not good")
			}
			return err
		}},
		{"walletcreatefundedpsbt", func() error {
			made, err := b.WalletCreateFundedPsbt(nil, []btcjson.PsbtOutput{btcjson.NewPsbtOutput(to.EncodeAddress(), 1900)}, nil, nil, nil)
			if err != nil {
				return err
			}
			done, err := b.WalletProcessPsbt(made.Psbt, nil, rpcclient.SigHashAll, nil)
			if err == nil && !done.Complete {
				err = errors.New("not complete")
			}
			return err
		}},
		{"backupwallet", func() error { return b.BackupWallet(filepath.Join(t.TempDir(), "copy.dat")) }},
		{"unloadwallet", func() error { return b.UnloadWallet(btcjson.String("main")) }},
		{"loadwallet", func() error { _, err := b.LoadWallet("main"); return err }},
		{"walletpassphrase", func() error {
			if _, err := b.CreateWallet("locked", rpcclient.WithCreateWalletPassphrase("word")); err != nil {
				return err
			}
			must[any](b)(nil, b.UnloadWallet(btcjson.String("main")))
			return errors.Join(b.WalletPassphrase("word", 60), b.WalletLock(), b.WalletPassphraseChange("word", "other"))
		}},
	}
	for _, c := range calls {
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if got := must[*btcjson.GetBlockChainInfoResult](b)(b.GetBlockChainInfo()); got.Blocks != 120 {
		t.Errorf("height %d", got.Blocks)
	}
	t.Logf("%d calls", len(calls))
}
