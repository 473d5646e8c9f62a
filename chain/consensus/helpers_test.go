package consensus

import (
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"starling/wire"
)

// readBlocks reads a file of blocks in hexadecimal, one a line.
func readBlocks(t testing.TB, path string) []*wire.Block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []*wire.Block
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		blocks = append(blocks, parseBlock(t, unhex(t, strings.TrimSpace(line))))
	}
	return blocks
}

func parseBlock(t testing.TB, raw []byte) *wire.Block {
	t.Helper()
	b, err := wire.ParseBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	b.HashTxs()
	return b
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantReject checks that err is a rule error of the kind and reason, or nil if
// the reason is empty.
func wantReject(t testing.TB, err error, kind Kind, reason string) {
	t.Helper()
	if reason == "" {
		if err != nil {
			t.Fatalf("rejected: %v", err)
		}
		return
	}
	var rule *RuleError
	if !errors.As(err, &rule) {
		t.Fatalf("got %v, want %s", err, reason)
	}
	if rule.Reason != reason || rule.Kind != kind {
		t.Fatalf("got %s (%v), want %s (%v)", rule.Reason, rule.Kind, reason, kind)
	}
}

// testID returns an id that is different for each n.
func testID(n int) wire.Hash { return wire.DoubleHash([]byte{byte(n), byte(n >> 8), byte(n >> 16)}) }

// input returns an input that spends a made-up output.
func input(n int) wire.TxIn {
	return wire.TxIn{PrevOut: wire.OutPoint{Hash: testID(n), Index: uint32(n)}, Sequence: wire.SequenceFinal}
}

// payment returns a small ordinary transaction, different for each n.
func payment(n int) *wire.Tx {
	return wire.NewTx(2, []wire.TxIn{input(n)}, []wire.TxOut{{Value: 1000, Script: make([]byte, 22)}}, 0)
}

// coinbase returns the coinbase of a block at height, with more outputs.
func coinbase(height int32, more ...wire.TxOut) *wire.Tx {
	in := wire.TxIn{
		PrevOut:  wire.OutPoint{Index: wire.NullIndex},
		Script:   append(CoinbaseHeight(height), 0, 0),
		Sequence: wire.SequenceFinal,
	}
	return wire.NewTx(1, []wire.TxIn{in}, append([]wire.TxOut{{Value: 50 * Coin}}, more...), 0)
}

// withWitness returns tx with a witness for its first input.
func withWitness(tx *wire.Tx, items ...[]byte) *wire.Tx {
	in := append([]wire.TxIn(nil), tx.In...)
	in[0].Witness = wire.NewWitness(items...)
	return wire.NewTx(tx.Version, in, tx.Out, tx.LockTime)
}

// makeBlock returns a block of txs whose merkle root is right.
func makeBlock(txs ...*wire.Tx) *wire.Block {
	h := wire.Header{Version: 4, Timestamp: 1_500_000_000}
	ids := make([]wire.Hash, len(txs))
	for i := range txs {
		ids[i] = txs[i].TxID()
	}
	h.MerkleRoot, _ = MerkleRoot(ids)
	return wire.NewBlock(h, txs)
}

// segwitBlock returns a block at height whose coinbase commits to the
// witnesses of all transactions.
func segwitBlock(height int32, txs ...*wire.Tx) *wire.Block {
	reserved := make([]byte, 32)
	all := append([]*wire.Tx{coinbase(height)}, txs...)
	commitment := WitnessCommitment(WitnessMerkleRoot(makeBlock(all...)), reserved)
	all[0] = withWitness(coinbase(height, wire.TxOut{Script: WitnessCommitmentScript(commitment)}), reserved)
	return makeBlock(all...)
}
