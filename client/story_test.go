package client_test

import (
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"starling/client"
	"starling/node"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

const coin = rpctypes.SatoshiPerCoin

// story is a node and a client that does all there is to do.
type story struct {
	*testing.T
	node *node.Node
	rec  *recorder
	c    *client.Client
	w    *client.Client // the same with a wallet
	addr string         // of the wallet
}

// TestEveryMethod calls every method of a real node by its typed call.
func TestEveryMethod(t *testing.T) {
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%v\n%s", p, debug.Stack())
		}
	}()
	n := newNode(t)
	o := over(n)
	s := &story{T: t, node: n, rec: &recorder{Caller: &jsonrpc.Client{Address: o.Address, User: o.User, Password: o.Password}, good: map[string]int{}}}
	s.c = client.Over(s.rec)
	s.walletFiles()
	s.chain()
	s.payments()
	s.coins()
	s.mempool()
	s.rawTransactions()
	s.packets()
	s.mining()
	s.net()
	s.nodeItself()
	s.secrets()
	// On a node that keeps all blocks there is nothing to prune, and nothing that
	// the node has can be given up.
	var bad *client.Error
	if _, err := s.c.PruneBlockchain(t.Context(), 1); !errors.As(err, &bad) || bad.Code != jsonrpc.CodeMisc {
		t.Errorf("pruneblockchain: %v", err)
	}
	if err := s.w.AbandonTransaction(t.Context(), s.pay(1)); !errors.As(err, &bad) || bad.Code != jsonrpc.CodeInvalidAddress {
		t.Errorf("abandontransaction: %v", err)
	}
	if err := s.c.DisconnectNodeByID(t.Context(), 99); !errors.Is(err, &client.Error{Code: jsonrpc.CodeClientNodeNotConnected}) {
		t.Errorf("disconnectnode: %v", err)
	}
	if err := s.c.SendMsgToPeer(t.Context(), 99, "ping", ""); !errors.Is(err, &client.Error{Code: jsonrpc.CodeMisc}) {
		t.Errorf("sendmsgtopeer: %v", err)
	}
	for _, m := range n.Table.Methods() {
		if s.rec.good[m.Name] == 0 && !slices.Contains([]string{"pruneblockchain", "abandontransaction", "disconnectnode", "sendmsgtopeer"}, m.Name) {
			t.Errorf("%s was never called with success", m.Name)
		}
	}
}

// expect compares a result.
func expect[T comparable](s *story, what string, got, want T) {
	s.Helper()
	if got != want {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// pay sends coins of the wallet to itself.
func (s *story) pay(coins rpctypes.Amount) wire.Hash {
	return must(s.w.SendToAddress(s.Context(), s.addr, coins*coin, &client.PayOptions{FeeOptions: client.FeeOptions{FeeRate: 5}, Comment: "to myself"}))
}

func (s *story) walletFiles() {
	ctx, c := s.Context(), s.c
	made := must(c.CreateWallet(ctx, "my wallet", &client.CreateWalletOptions{Show: true, Words: 12}))
	expect(s, "words", len(strings.Fields(made.Mnemonic)), 12)
	s.w = c.WithWallet("my wallet")
	expect(s, "mnemonic", must(s.w.GetWalletMnemonic(ctx)).Mnemonic, made.Mnemonic)
	check(s.w.BackupWallet(ctx, "/backup.dat"))
	expect(s, "restored", must(c.RestoreWallet(ctx, "copy", "/backup.dat", nil)).Name, "copy")
	expect(s, "wallets", len(must(c.ListWallets(ctx))), 2)
	if _, err := c.GetBalance(ctx, 0); !errors.Is(err, &client.Error{Code: jsonrpc.CodeWalletNotSpecified}) {
		s.Errorf("two wallets and none named: %v", err)
	}
	must(c.UnloadWallet(ctx, "copy", nil))
	must(c.LoadWallet(ctx, "copy", nil))
	must(c.WithWallet("copy").UnloadWallet(ctx, "", nil))
	expect(s, "on disk", len(must(c.ListWalletDir(ctx)).Wallets), 2)
	s.addr = must(s.w.GetNewAddress(ctx, "mine", "bech32"))
	expect(s, "blocks made", len(must(c.GenerateToAddress(ctx, 102, s.addr))), 102)
	info := must(s.w.GetWalletInfo(ctx))
	expect(s, "name", info.Name, "my wallet")
	expect(s, "scanning", info.Scanning.Value, nil)
	expect(s, "rescanned", must(s.w.RescanBlockchain(ctx, 0, nil)).Stop, 102)
	expect(s, "rescan aborted", must(s.w.AbortRescan(ctx)), false)
	expect(s, "change is mine", must(s.w.GetAddressInfo(ctx, must(s.w.GetRawChangeAddress(ctx, "")))).IsChange, true)
	check(s.w.SetLabel(ctx, s.addr, "savings"))
	expect(s, "label", must(s.w.ListLabels(ctx, "receive"))[0], "savings")
	purpose, _ := must(s.w.GetAddressesByLabel(ctx, "savings")).Get(s.addr)
	expect(s, "purpose", purpose.Purpose, "receive")
	check(s.w.KeypoolRefill(ctx, 0))
	descs := must(s.w.ListDescriptors(ctx, false))
	must(c.CreateWallet(ctx, "watch", &client.CreateWalletOptions{NoKeys: true, Blank: true}))
	imported := must(c.WithWallet("watch").ImportDescriptors(ctx, client.Import{Desc: descs.Descriptors[0].Desc, Timestamp: client.Now}, client.Import{Desc: "nonsense"}))
	if !imported[0].Success || imported[1].Success || imported[1].Error == nil {
		s.Errorf("imported: %+v", imported)
	}
	must(c.UnloadWallet(ctx, "watch", nil))
}

func (s *story) chain() {
	ctx, c := s.Context(), s.c
	expect(s, "chain", must(c.GetBlockchainInfo(ctx)).Chain, "regtest")
	expect(s, "height", must(c.GetBlockCount(ctx)), 102)
	best := must(c.GetBestBlockHash(ctx))
	expect(s, "tip", must(c.GetBlockHash(ctx, 102)), best)
	expect(s, "header", must(c.GetBlockHeader(ctx, best)).Height, 102)
	expect(s, "header's bytes", len(must(c.GetBlockHeaderHex(ctx, best))), 80)
	b := must(c.GetBlock(ctx, best))
	expect(s, "block's bytes", len(must(c.GetBlockHex(ctx, best))), b.Size)
	expect(s, "coinbase", must(c.GetBlockTxs(ctx, best, true)).Tx[0].TxID, b.Tx[0])
	if must(c.GetDifficulty(ctx)) <= 0 {
		s.Error("no difficulty")
	}
	segwit, _ := must(c.GetDeploymentInfo(ctx, nil)).Deployments.Get("segwit")
	expect(s, "segwit", segwit.Active, true)
	expect(s, "waited", must(c.WaitForNewBlock(ctx, &b.Tx[0], time.Hour)).Hash, best)
	expect(s, "waited for block", must(c.WaitForBlock(ctx, best, time.Hour)).Height, 102)
	expect(s, "waited for height", must(c.WaitForBlockHeight(ctx, 100, 0)).Height, 102)
	check(c.InvalidateBlock(ctx, best))
	expect(s, "tips", must(c.GetChainTips(ctx))[0].Status, "invalid")
	check(c.ReconsiderBlock(ctx, best))
	check(c.PreciousBlock(ctx, best))
	expect(s, "verified", must(c.VerifyChain(ctx, 3, 6)), true)
	op := wire.OutPoint{Hash: b.Tx[0]}
	if out := must(c.GetTxOut(ctx, op, true)); out == nil || out.Value != 50*coin || !out.Coinbase {
		s.Errorf("unspent output: %+v", out)
	}
	op.Index = 99
	expect(s, "no output", must(c.GetTxOut(ctx, op, true)), nil)
	expect(s, "outputs", must(c.GetTxOutSetInfo(ctx, "none")).Height, 102)
	expect(s, "found", len(must(c.ScanTxOutSet(ctx, client.Descriptor{Desc: "addr(" + s.addr + ")"})).Unspents), 102)
	expect(s, "no scan", must(c.ScanTxOutSetStatus(ctx)), nil)
	expect(s, "no scan to abort", must(c.ScanTxOutSetAbort(ctx)), false)
	check(s.node.Filters.WaitSynced(ctx))
	if f := must(c.GetBlockFilter(ctx, best)); len(f.Filter) == 0 || f.Header == (wire.Hash{}) {
		s.Errorf("filter: %+v", f)
	}
	to := int32(101)
	expect(s, "blocks found", len(must(c.ScanBlocks(ctx, &client.ScanBlocksOptions{From: 100, To: &to, Check: true}, client.Descriptor{Desc: "addr(" + s.addr + ")"})).Relevant), 2)
	expect(s, "no scan of blocks", must(c.ScanBlocksStatus(ctx)), nil)
	expect(s, "no scan of blocks to abort", must(c.ScanBlocksAbort(ctx)), false)
	proof := must(c.GetTxOutProof(ctx, b.Tx, nil))
	expect(s, "proven", must(c.VerifyTxOutProof(ctx, proof))[0], b.Tx[0])
}

func (s *story) payments() {
	ctx, w := s.Context(), s.w
	id := s.pay(1)
	entry := must(w.GetTransaction(ctx, id, true))
	if entry.Decoded == nil || entry.Fee == nil || *entry.Fee >= 0 || entry.Comment != "to myself" {
		s.Errorf("payment: %+v", entry)
	}
	bumped := must(w.BumpFee(ctx, id, &client.BumpOptions{FeeOptions: client.FeeOptions{FeeRate: 20}}))
	if bumped.Fee <= bumped.OldFee {
		s.Errorf("bumped: %+v", bumped)
	}
	if p := must(w.PSBTBumpFee(ctx, *bumped.TxID, nil)); p.PSBT == "" {
		s.Errorf("bumped to a packet: %+v", p)
	}
	many := jsonrpc.Map[rpctypes.Amount]{{Name: s.addr, Value: coin}}
	must(w.SendMany(ctx, many, &client.SendManyOptions{SubtractFee: []string{s.addr}}))
	must(w.SendManyVerbose(ctx, many, nil))
	must(w.SendToAddressVerbose(ctx, s.addr, coin, nil))
	no := false
	kept := must(w.Send(ctx, []client.Output{{Address: s.addr, Amount: coin}, {Data: jsonrpc.Hex("hello")}}, &client.SendOptions{KeepOptions: client.KeepOptions{AddToWallet: &no}, Version: 2}))
	if !kept.Complete || len(kept.Hex) == 0 {
		s.Errorf("kept: %+v", kept)
	}
	must(s.c.GenerateToAddress(ctx, 1, s.addr))
	all := must(w.SendAll(ctx, []client.Output{{Address: s.addr}}, &client.SendAllOptions{SendMax: true}))
	expect(s, "all sent", all.Complete, true)
	must(s.c.GenerateToAddress(ctx, 101, s.addr))
}

func (s *story) coins() {
	ctx, w := s.Context(), s.w
	balance := must(w.GetBalances(ctx)).Mine.Trusted
	expect(s, "balance", must(w.GetBalance(ctx, 0)), balance)
	one := int32(1)
	unspent := must(w.ListUnspent(ctx, &client.UnspentOptions{MinConf: &one, MinAmount: coin, MaxCount: 3}))
	expect(s, "coins", len(unspent), 3)
	op := []wire.OutPoint{{Hash: unspent[0].TxID, Index: unspent[0].Vout}}
	expect(s, "locked", must(w.LockUnspent(ctx, op, false)), true)
	must(w.LockUnspentRelease(ctx, []wire.OutPoint{}))
	expect(s, "locks", len(must(w.ListLockUnspent(ctx))), 1)
	must(w.LockUnspentRelease(ctx, nil))
	expect(s, "locks", len(must(w.ListLockUnspent(ctx))), 0)
	received := must(w.GetReceivedByAddress(ctx, s.addr, nil))
	expect(s, "received", must(w.GetReceivedByLabel(ctx, "savings", nil)), received)
	expect(s, "listed", must(w.ListReceivedByAddress(ctx, false, s.addr, nil))[0].Amount, received)
	expect(s, "by label", must(w.ListReceivedByLabel(ctx, false, &client.ReceivedOptions{MinConf: &one}))[0].Amount, received)
	expect(s, "history", len(must(w.ListTransactions(ctx, &client.ListTransactionsOptions{Count: 2, Skip: 1}))), 2)
	best := must(s.c.GetBestBlockHash(ctx))
	expect(s, "since", must(w.ListSinceBlock(ctx, &best, nil)).LastBlock, best)
}

func (s *story) mempool() {
	ctx, c := s.Context(), s.c
	id := s.pay(2)
	expect(s, "size", must(c.GetMempoolInfo(ctx)).Size, 1)
	expect(s, "pool", must(c.GetRawMempool(ctx))[0], id)
	verbose := must(c.GetRawMempoolVerbose(ctx))
	entry := must(c.GetMempoolEntry(ctx, id))
	if got, _ := verbose.Get(id.String()); got.WTxID != entry.WTxID {
		s.Errorf("pool: %+v", verbose)
	}
	expect(s, "sequence", must(c.GetRawMempoolSequence(ctx)).TxIDs[0], id)
	expect(s, "ancestors", len(must(c.GetMempoolAncestors(ctx, id))), 0)
	expect(s, "ancestors", len(must(c.GetMempoolAncestorsVerbose(ctx, id))), 0)
	expect(s, "descendants", len(must(c.GetMempoolDescendants(ctx, id))), 0)
	expect(s, "descendants", len(must(c.GetMempoolDescendantsVerbose(ctx, id))), 0)
	expect(s, "cluster", must(c.GetMempoolCluster(ctx, id)).TxCount, 1)
	in := must(c.GetRawTransactionVerbose(ctx, id, nil, true)).Vin[0]
	spending := must(c.GetTxSpendingPrevOut(ctx, []wire.OutPoint{{Hash: *in.TxID, Index: *in.Vout}}, true))
	expect(s, "spender", *spending[0].Spending, id)
	expect(s, "prioritised", must(c.PrioritiseTransaction(ctx, id, 1000)), true)
	if p, _ := must(c.GetPrioritisedTransactions(ctx)).Get(id.String()); p.Delta != 1000 || !p.InPool {
		s.Errorf("prioritised: %+v", p)
	}
	expect(s, "orphans", len(must(c.GetOrphanTxs(ctx))), 0)
	expect(s, "orphans", len(must(c.GetOrphanTxsVerbose(ctx, true))), 0)
	must(c.SaveMempool(ctx))
	if fee := must(c.EstimateSmartFee(ctx, 6, "")); fee.Rate == nil && len(fee.Errors) == 0 {
		s.Errorf("estimate: %+v", fee)
	}
	must(c.EstimateRawFee(ctx, 6, 0))
}

func (s *story) rawTransactions() {
	ctx, c, w := s.Context(), s.c, s.w
	out := []client.Output{{Address: s.addr, Amount: coin}}
	empty := must(c.CreateRawTransaction(ctx, nil, out, nil))
	funded := must(w.FundRawTransaction(ctx, empty, &client.FundOptions{FeeOptions: client.FeeOptions{FeeRate: 2}}))
	signed := must(w.SignRawTransactionWithWallet(ctx, funded.Hex, nil))
	expect(s, "signed", signed.Complete, true)
	expect(s, "effect", must(w.SimulateRawTransaction(ctx, signed.Hex)).Change, -funded.Fee)
	tested := must(c.TestMempoolAccept(ctx, []jsonrpc.Hex{signed.Hex}, nil))
	expect(s, "allowed", *tested[0].Allowed, true)
	expect(s, "combined", string(must(c.CombineRawTransaction(ctx, signed.Hex, funded.Hex))), string(signed.Hex))
	limit := rpctypes.Amount(0)
	id := must(c.SendRawTransaction(ctx, signed.Hex, &client.FeeLimits{MaxFeeRate: &limit}))
	expect(s, "id", must(c.DecodeRawTransaction(ctx, signed.Hex)).TxID, id)
	expect(s, "bytes", string(must(c.GetRawTransaction(ctx, id, nil))), string(signed.Hex))
	again := must(c.SubmitPackage(ctx, []jsonrpc.Hex{signed.Hex}, nil))
	expect(s, "package", again.Txs[0].Value.TxID, id)
	script := must(w.GetAddressInfo(ctx, s.addr))
	expect(s, "script", must(c.DecodeScript(ctx, script.Script)).Address, s.addr)
	none := must(c.SignRawTransactionWithKey(ctx, funded.Hex, nil, nil))
	expect(s, "errors", len(none.Errors), len(must(c.DecodeRawTransaction(ctx, funded.Hex)).Vin))
	const key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	must(c.CreateMultisig(ctx, 1, []jsonrpc.Hex{script.PubKey}, "bech32"))
	d := must(c.GetDescriptorInfo(ctx, "wpkh("+key+")"))
	expect(s, "addresses", len(must(c.DeriveAddresses(ctx, client.Descriptor{Desc: d.Descriptor}))), 1)
	// The private key 1, as regtest writes it.
	const one = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA"
	sig := must(c.SignMessageWithPrivKey(ctx, one, "hello"))
	expect(s, "verified", must(c.VerifyMessage(ctx, "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r", sig, "hello")), true)
	legacy := must(w.GetNewAddress(ctx, "", "legacy"))
	expect(s, "verified", must(c.VerifyMessage(ctx, legacy, must(w.SignMessage(ctx, legacy, "hello")), "hello")), true)
}

func (s *story) packets() {
	ctx, c, w := s.Context(), s.c, s.w
	out := []client.Output{{Address: s.addr, Amount: coin}}
	funded := must(w.WalletCreateFundedPSBT(ctx, nil, out, &client.CreateFundedOptions{LockTime: 1}))
	expect(s, "lock time", must(c.DecodePSBT(ctx, funded.PSBT)).Tx.LockTime, 1)
	expect(s, "next", must(c.AnalyzePSBT(ctx, funded.PSBT)).Next, "signer")
	no := false
	signed := must(w.WalletProcessPSBT(ctx, funded.PSBT, &client.ProcessOptions{Finalize: &no}))
	both := must(c.CombinePSBT(ctx, funded.PSBT, signed.PSBT))
	expect(s, "complete", must(c.FinalizePSBT(ctx, both, true)).Complete, true)
	coins := must(w.ListUnspent(ctx, &client.UnspentOptions{MaxCount: 2}))
	a := must(c.CreatePSBT(ctx, client.Places(wire.OutPoint{Hash: coins[0].TxID, Index: coins[0].Vout}), out, nil))
	b := must(c.CreatePSBT(ctx, client.Places(wire.OutPoint{Hash: coins[1].TxID, Index: coins[1].Vout}), out, &client.CreateOptions{LockTime: 7}))
	expect(s, "joined", len(must(c.DecodePSBT(ctx, must(c.JoinPSBTs(ctx, a, b)))).Inputs), 2)
	must(c.UTXOUpdatePSBT(ctx, a, client.Descriptor{Desc: coins[0].Desc}))
	expect(s, "complete", must(c.DescriptorProcessPSBT(ctx, a, []client.Descriptor{{Desc: coins[0].Desc}}, nil)).Complete, false)
	must(c.ConvertToPSBT(ctx, must(c.CreateRawTransaction(ctx, nil, out, nil)), true))
}

func (s *story) mining() {
	ctx, c := s.Context(), s.c
	expect(s, "chain", must(c.GetMiningInfo(ctx)).Chain, "regtest")
	must(c.GetNetworkHashPS(ctx, -1, -1))
	expect(s, "template", must(c.GetBlockTemplate(ctx, client.TemplateRequest{Rules: []string{"segwit"}})).Height, must(c.GetBlockCount(ctx))+1)
	b := must(c.GenerateBlock(ctx, s.addr, nil, false))
	expect(s, "proposal", must(c.GetBlockTemplateProposal(ctx, b.Hex)), "")
	check(c.SubmitHeader(ctx, b.Hex[:80]))
	expect(s, "submitted", must(c.SubmitBlock(ctx, b.Hex)), "")
	expect(s, "submitted again", must(c.SubmitBlock(ctx, b.Hex)), "duplicate")
	expect(s, "made", len(must(c.GenerateToDescriptor(ctx, 1, "addr("+s.addr+")"))), 1)
}

func (s *story) net() {
	ctx, c := s.Context(), s.c
	expect(s, "peers at an address", len(must(c.GetPeerInfoAt(ctx, "192.0.2.9"))), 0)
	expect(s, "network", must(c.GetNodeInfo(ctx)).Network, "regtest")
	expect(s, "address added", must(c.AddPeerAddress(ctx, "1.2.3.4", 8333, false)).Success, true)
	expect(s, "address", must(c.GetNodeAddresses(ctx, 0, "ipv4"))[0].Address, "1.2.3.4")
	all, _ := must(c.GetAddrManInfo(ctx)).Get("all_networks")
	expect(s, "addresses", all.Total, 1)
	expect(s, "places", len(must(c.GetRawAddrMan(ctx)).New), 1)
	expect(s, "connection", must(c.AddConnection(ctx, "192.0.2.9:1", "feeler")).Type, "feeler")
	expect(s, "peers", len(must(c.GetPeerInfo(ctx))), must(c.GetConnectionCount(ctx)))
	must(c.GetNetworkInfo(ctx))
	must(c.GetNetTotals(ctx))
	expect(s, "off", must(c.SetNetworkActive(ctx, false)), false)
	check(c.AddNode(ctx, "192.0.2.1:18444", "add"))
	expect(s, "added", len(must(c.GetAddedNodeInfo(ctx, "192.0.2.1"))), 1)
	check(c.AddNode(ctx, "192.0.2.1:18444", "remove"))
	check(c.SetBan(ctx, "192.0.2.0/24", "add", &client.BanOptions{Time: 60}))
	expect(s, "ban", must(c.ListBanned(ctx))[0].Duration, 60)
	check(c.ClearBanned(ctx))
	check(c.Ping(ctx))
	expect(s, "messages", len(must(c.GetPeerMessages(ctx, nil, time.Millisecond)).Messages), 0)
}

func (s *story) nodeItself() {
	ctx, c := s.Context(), s.c
	expect(s, "help", must(c.Help(ctx, "ping")), s.node.Table.Lookup("ping").Help())
	must(c.Uptime(ctx))
	must(c.Logging(ctx, nil, nil))
	expect(s, "active", must(c.GetRPCInfo(ctx)).Active[0].Method, "getrpcinfo")
	valid, bad, err := c.ValidateAddress(ctx, s.addr)
	if err != nil || bad != nil || valid == nil || valid.Address != s.addr {
		s.Errorf("%+v %+v %v", valid, bad, err)
	}
	valid, bad, err = c.ValidateAddress(ctx, "nonsense")
	if err != nil || valid != nil || bad == nil || bad.Error == "" {
		s.Errorf("%+v %+v %v", valid, bad, err)
	}
	if _, ok := must(c.GetIndexInfo(ctx, "")).Get("txindex"); !ok {
		s.Error("no index")
	}
	check(c.SetMockTime(ctx, 1_800_000_000))
	must(c.Stop(ctx))
}

func (s *story) secrets() {
	ctx, w := s.Context(), s.w
	must(w.EncryptWallet(ctx, "old"))
	if _, err := w.SendToAddress(ctx, s.addr, coin, nil); !errors.Is(err, &client.Error{Code: jsonrpc.CodeUnlockNeeded}) {
		s.Errorf("a locked wallet: %v", err)
	}
	check(w.WalletPassphraseChange(ctx, "old", "new"))
	check(w.WalletPassphrase(ctx, "new", time.Hour))
	check(w.WalletLock(ctx))
	check(w.WalletPassphrase(ctx, "new", time.Hour))
}
