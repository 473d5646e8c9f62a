package interop

import (
	"context"
	"encoding/hex"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/rpcclient"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/btcsuite/btcwallet/walletdb"
	_ "github.com/btcsuite/btcwallet/walletdb/bdb"
	"github.com/lightninglabs/neutrino"
	"github.com/lightninglabs/neutrino/headerfs"

	"starling/interop/harness"
)

// lightClient starts a neutrino that knows one node.
func lightClient(t *testing.T, of *harness.Node) *neutrino.ChainService {
	t.Helper()
	dir := t.TempDir()
	db, err := walletdb.Create("bdb", filepath.Join(dir, "neutrino.db"), true, time.Minute, false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := neutrino.NewChainService(neutrino.Config{
		DataDir: dir, Database: db, ChainParams: chaincfg.RegressionNetParams, ConnectPeers: []string{of.P2P},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestNeutrino: a light client syncs headers and filters, beyond the first
// checkpoint, from a Starling, finds a payment by them, and hears of the next.
func TestNeutrino(t *testing.T) {
	s := starling(t, "--blockfilterindex", "--peerblockfilters")
	s.Call(nil, "createwallet", "main")
	var mined, mine string
	s.Call(&mined, "getnewaddress")
	s.Call(nil, "generatetoaddress", 1100, mined)
	// A payment to an address that nothing else pays to.
	pay := func(to string) (txid, block string) {
		t.Helper()
		s.Call(&txid, "sendtoaddress", to, "1.5")
		var blocks []string
		s.Call(&blocks, "generatetoaddress", 1, mineTo)
		return txid, blocks[0]
	}
	s.Call(&mine, "getnewaddress")
	first, firstBlock := pay(mine)
	s.Call(nil, "generatetoaddress", 20, mineTo)

	c := lightClient(t, s)
	tip := func() string {
		t.Helper()
		best, err := c.BestBlock()
		if err != nil {
			t.Fatal(err)
		}
		return best.Hash.String()
	}
	s.Eventually("neutrino has all headers and filters", time.Minute, func() bool { return tip() == s.Best() })
	// Its filter headers are those of the index.
	for _, height := range []int{0, 1, 1000, 1101, s.Height()} {
		var hash string
		s.Call(&hash, "getblockhash", height)
		var want struct{ Filter, Header string }
		s.Call(&want, "getblockfilter", hash)
		got, err := c.RegFilterHeaders.FetchHeaderByHeight(uint32(height))
		if err != nil || got.String() != want.Header {
			t.Errorf("filter header %d: %v, %v; want %s", height, got, err, want.Header)
		}
	}

	to, err := address.DecodeAddress(mine, &chaincfg.RegressionNetParams)
	if err != nil {
		t.Fatal(err)
	}
	script, err := txscript.PayToAddrScript(to)
	if err != nil {
		t.Fatal(err)
	}
	type found struct{ txid, block string }
	finds := make(chan found, 10)
	quit := make(chan struct{})
	genesis := headerfs.BlockStamp{Hash: *chaincfg.RegressionNetParams.GenesisHash}
	rescan := neutrino.NewRescan(&neutrino.RescanChainSource{ChainService: c},
		neutrino.QuitChan(quit), neutrino.WatchAddrs(to), neutrino.StartBlock(&genesis),
		neutrino.NotificationHandlers(rpcclient.NotificationHandlers{
			OnFilteredBlockConnected: func(_ int32, h *wire.BlockHeader, txs []*btcutil.Tx) {
				for _, tx := range txs {
					finds <- found{tx.Hash().String(), h.BlockHash().String()}
				}
			},
		}))
	failed := rescan.Start()
	defer func() { close(quit); rescan.WaitForShutdown() }()
	next := func() found {
		t.Helper()
		select {
		case f := <-finds:
			return f
		case err := <-failed:
			t.Fatalf("the scan has ended: %v", err)
		case <-time.After(2 * time.Minute):
			t.Fatal("nothing is found in two minutes")
		}
		return found{}
	}
	if got := next(); got != (found{first, firstBlock}) {
		t.Errorf("found %v, want %s in %s", got, first, firstBlock)
	}
	// The output that it paid is there, with the amount.
	id, err := chainhash.NewHashFromStr(first)
	if err != nil {
		t.Fatal(err)
	}
	var tx struct {
		Vout []struct{ ScriptPubKey struct{ Hex string } }
	}
	s.Call(&tx, "getrawtransaction", first, 1, firstBlock)
	for i, out := range tx.Vout {
		if out.ScriptPubKey.Hex != hex.EncodeToString(script) {
			continue
		}
		r, err := c.GetUtxo(neutrino.WatchInputs(neutrino.InputWithScript{OutPoint: wire.OutPoint{Hash: *id, Index: uint32(i)}, PkScript: script}), neutrino.StartBlock(&headerfs.BlockStamp{Height: 1101}))
		if err != nil || r == nil || r.Output == nil || r.Output.Value != 150_000_000 {
			t.Errorf("the output: %+v, %v", r, err)
		}
	}
	second, secondBlock := pay(mine)
	if got := next(); got != (found{second, secondBlock}) {
		t.Errorf("found %v, want %s in %s", got, second, secondBlock)
	}
}
