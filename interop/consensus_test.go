package interop

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"testing"

	"starling/chain/consensus"
	"starling/interop/moddata"
	"starling/params"
	"starling/wire"
)

// bigBlockHeight is where bigBlock is.
const bigBlockHeight = 540_107

// TestRulesRealBlocks checks real blocks of the main network by every rule
// that needs no coins: the first 14,131, one of 2013, and one with witnesses.
func TestRulesRealBlocks(t *testing.T) {
	main := params.Main()
	check := func(height int32, raw []byte) *wire.Block {
		t.Helper()
		b, err := wire.ParseBlock(raw)
		if err != nil {
			t.Fatal(err)
		}
		b.HashTxs()
		if err := consensus.CheckProofOfWork(b.Hash(), b.Header.Bits, main); err != nil {
			t.Errorf("block %d: %v", height, err)
		}
		if err := consensus.CheckBlock(b, main); err != nil {
			t.Errorf("block %d: %v", height, err)
		}
		if err := consensus.CheckBlockContext(b, main, height, int64(b.Header.Timestamp)-1); err != nil {
			t.Errorf("block %d: %v", height, err)
		}
		return b
	}
	for i, raw := range wireRecords(t, wireData(t, moddata.BTCD, "blockchain", "testdata", "blk_0_to_14131.dat")) {
		check(int32(i), raw)
	}
	packed := wireData(t, moddata.BTCD, "blockchain", "testdata", "277647.dat.bz2")
	unpacked, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	check(277_647, wireRecords(t, unpacked)[0])

	raw := wireData(t, moddata.BTCDWire, "testdata", bigBlock)
	b := check(bigBlockHeight, raw)

	// Of the last, a damaged witness is found out, and is not blamed on the
	// header.
	for i := range b.Txs {
		if !b.Txs[i].HasWitness() || i == 0 {
			continue
		}
		bad := bytes.Clone(raw)
		// The last byte of the witness comes right before the lock time.
		bad[b.TxOffset(i)+b.Txs[i].Size()-5] ^= 1
		damaged, err := wire.ParseBlock(bad)
		if err != nil {
			continue
		}
		damaged.HashTxs()
		if err := consensus.CheckBlock(damaged, main); err != nil {
			t.Fatal(err)
		}
		err = consensus.CheckBlockContext(damaged, main, bigBlockHeight, int64(b.Header.Timestamp)-1)
		var rule *consensus.RuleError
		if !errors.As(err, &rule) || rule.Reason != "bad-witness-merkle-match" || rule.Kind != consensus.Mutated {
			t.Fatalf("transaction %d: %v", i, err)
		}
		if i > 20 {
			break
		}
	}
	if stripped, err := wire.ParseBlock(b.AppendBase(nil)); err != nil || !consensus.IsMutated(stripped, true) || consensus.IsMutated(b, true) {
		t.Errorf("a stripped block does not count as mutated (%v)", err)
	}
}

// BenchmarkRulesBigBlock checks the 2.2 MB block.
func BenchmarkRulesBigBlock(b *testing.B) {
	main := params.Main()
	block, err := wire.ParseBlock(wireData(b, moddata.BTCDWire, "testdata", bigBlock))
	if err != nil {
		b.Fatal(err)
	}
	block.HashTxs()
	b.SetBytes(int64(block.Size()))
	b.ReportAllocs()
	for b.Loop() {
		if err := consensus.CheckBlock(block, main); err != nil {
			b.Fatal(err)
		}
		if err := consensus.CheckBlockContext(block, main, bigBlockHeight, int64(block.Header.Timestamp)-1); err != nil {
			b.Fatal(err)
		}
	}
}
