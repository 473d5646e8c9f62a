package benchchain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb"
	"github.com/btcsuite/btcd/txscript/v2"

	"starling/wire"
)

// small is a chain that takes a fraction of a second to make.
var small = Config{Blocks: 5, Txs: 50, Empty: 10, Seed: 1}

func makeChain(t testing.TB, cfg Config) ([]byte, Summary) {
	t.Helper()
	var buf bytes.Buffer
	sum, err := Write(&buf, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if int64(buf.Len()) != sum.Bytes {
		t.Errorf("%d bytes written, summary says %d", buf.Len(), sum.Bytes)
	}
	return buf.Bytes(), sum
}

// records cuts a chain into blocks.
func records(t testing.TB, b []byte) (blocks [][]byte) {
	t.Helper()
	for len(b) > 0 {
		if !bytes.HasPrefix(b, []byte{0xfa, 0xbf, 0xb5, 0xda}) {
			t.Fatalf("record %d has magic %x", len(blocks), b[:4])
		}
		n := binary.LittleEndian.Uint32(b[4:])
		blocks = append(blocks, b[8:8+n])
		b = b[8+n:]
	}
	return blocks
}

// newBTCD returns btcd's own chain, empty, that checks all scripts.
func newBTCD(t testing.TB) *blockchain.BlockChain {
	t.Helper()
	net := chaincfg.RegressionNetParams
	db, err := database.Create("ffldb", t.TempDir(), net.Net)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	chain, err := blockchain.New(&blockchain.Config{
		DB: db, ChainParams: &net, TimeSource: blockchain.NewMedianTime(),
		SigCache: txscript.NewSigCache(1000), UtxoCacheMaxSize: 64 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// TestBTCDAccepts gives a chain to btcd's validation, which must take every
// block, and end where the summary says.
func TestBTCDAccepts(t *testing.T) {
	raw, sum := makeChain(t, small)
	chain := newBTCD(t)
	blocks := records(t, raw)
	if len(blocks) != sum.Height+1 {
		t.Errorf("%d blocks, summary says height %d", len(blocks), sum.Height)
	}
	txs, inputs := 0, 0
	for height, b := range blocks {
		block, err := btcutil.NewBlockFromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		txs += len(block.Transactions())
		for _, tx := range block.MsgBlock().Transactions[1:] {
			inputs += len(tx.TxIn)
		}
		if height == 0 {
			continue // btcd has its own genesis block
		}
		if main, orphan, err := chain.ProcessBlock(block, blockchain.BFNone); err != nil || !main || orphan {
			t.Fatalf("block %d: main chain %v, orphan %v, %v", height, main, orphan, err)
		}
		if height == sum.LastFull && *block.Hash() != sum.LastFullHash {
			t.Errorf("last full block is %s, summary says %s", block.Hash(), sum.LastFullHash)
		}
	}
	best := chain.BestSnapshot()
	if best.Hash != sum.Best || int(best.Height) != sum.Height {
		t.Errorf("btcd is at %d, %s; summary says %d, %s", best.Height, best.Hash, sum.Height, sum.Best)
	}
	if txs != sum.Txs || inputs != sum.Inputs {
		t.Errorf("%d transactions and %d inputs, summary says %d and %d", txs, inputs, sum.Txs, sum.Inputs)
	}
	if sum.Coins < coinsPerTx*small.Txs {
		t.Errorf("%d coins are left, there were at least %d", sum.Coins, coinsPerTx*small.Txs)
	}
	if want := sum.LastFull - sum.FirstFull + 1; want != small.Blocks {
		t.Errorf("%d full blocks", want)
	}
}

// TestBTCDRefuses flips a bit of a signature in the last full block: if btcd
// took that, the test above would prove nothing about signatures.
func TestBTCDRefuses(t *testing.T) {
	raw, sum := makeChain(t, small)
	for _, k := range []kind{wpkh, pkh, tr, wsh} {
		chain := newBTCD(t)
		blocks := records(t, raw)
		for height := 1; height < sum.LastFull; height++ {
			block, err := btcutil.NewBlockFromBytes(blocks[height])
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := chain.ProcessBlock(block, blockchain.BFFastAdd|blockchain.BFNoPoWCheck); err != nil {
				t.Fatal(err)
			}
		}
		block, err := btcutil.NewBlockFromBytes(blocks[sum.LastFull])
		if err != nil {
			t.Fatal(err)
		}
		msg := block.MsgBlock()
		if !spoil(msg.Transactions[1:], k) {
			t.Fatalf("no input of kind %d in the last full block", k)
		}
		// The block must be in order but for the signature.
		spoiled := rebuild(t, msg)
		_, _, err = chain.ProcessBlock(btcutil.NewBlock(spoiled), blockchain.BFNoPoWCheck)
		var rule blockchain.RuleError
		if !errors.As(err, &rule) || rule.ErrorCode != blockchain.ErrScriptValidation {
			t.Errorf("kind %d: spoiled signature gives %v", k, err)
		}
	}
}

// TestSameBytes: the number of processors must not matter, the seed must.
func TestSameBytes(t *testing.T) {
	first, _ := makeChain(t, small)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	second, _ := makeChain(t, small)
	if !bytes.Equal(first, second) {
		t.Error("the same configuration gives different chains")
	}
	other := small
	other.Seed = 2
	if third, _ := makeChain(t, other); bytes.Equal(first, third) {
		t.Error("another seed gives the same chain")
	}
}

// TestShape looks at the chain through Starling's own eyes.
func TestShape(t *testing.T) {
	cfg := small
	cfg.Start, cfg.Spacing = time.Unix(1_700_000_000, 0), time.Minute
	raw, sum := makeChain(t, cfg)
	var prev wire.Hash
	seen := map[string]int{}
	for height, b := range records(t, raw) {
		block, err := wire.ParseBlock(b)
		if err != nil {
			t.Fatal(err)
		}
		if block.Header.PrevBlock != prev {
			t.Fatalf("block %d does not follow", height)
		}
		prev = block.Hash()
		if height > 0 {
			if want := cfg.Start.Add(time.Duration(height-1) * cfg.Spacing); !block.Header.Time().Equal(want) {
				t.Errorf("block %d is of %s, want %s", height, block.Header.Time(), want)
			}
		}
		if height < sum.FirstFull || height > sum.LastFull {
			continue
		}
		if len(block.Txs) != cfg.Txs+1 {
			t.Errorf("block %d has %d transactions", height, len(block.Txs))
		}
		for i := range block.Txs[1:] {
			for _, in := range block.Txs[1+i].In {
				switch {
				case in.Witness.Len() == 0:
					seen["pkh"]++
				case in.Witness.Len() == 1:
					seen["tr"]++
				case in.Witness.Len() == 2:
					seen["wpkh"]++
				case in.Witness.Len() == 4:
					seen["wsh"]++
				}
			}
		}
	}
	if prev != sum.Best {
		t.Errorf("ends with %s", prev)
	}
	for _, k := range []string{"pkh", "tr", "wpkh", "wsh"} {
		// A quarter each, give or take.
		if share := float64(seen[k]) / float64(seen["pkh"]+seen["tr"]+seen["wpkh"]+seen["wsh"]); share < 0.15 || share > 0.35 {
			t.Errorf("%s: share %.2f of all inputs", k, share)
		}
	}
}
