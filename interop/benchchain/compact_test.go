package benchchain

import (
	"bytes"
	"os"
	"testing"

	"starling/relay/compact"
	"starling/wire"
)

// TestCompact sends every block of a bench chain in compact form, as it
// travels, and rebuilds it: with all its transactions at hand among others,
// and with every eighth to be asked for.
func TestCompact(t *testing.T) {
	cfg := Config{Blocks: 12, Txs: 300, Empty: 20, Seed: 1}
	if os.Getenv("STARLING_TEST_LONG") != "" {
		cfg = Config{Seed: 1} // the chain that is benchmarked
	}
	raw, sum := makeChain(t, cfg)
	var blocks []*wire.Block
	for _, r := range records(t, raw) {
		b, err := wire.ParseBlock(r)
		if err != nil {
			t.Fatal(err)
		}
		b.HashTxs()
		blocks = append(blocks, b)
	}
	travel := func(m wire.Message) wire.Message {
		t.Helper()
		got, err := wire.Decode(m.Command(), m.AppendPayload(nil))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	txs, bytesWhole, bytesCompact := 0, 0, 0
	for i, b := range blocks {
		for _, every := range []int{0, 8} {
			// The pool holds what the next block brings as well.
			var pool compact.Index
			for j, of := range blocks[i:min(i+2, len(blocks))] {
				for k := range of.Txs[1:] {
					if tx := &of.Txs[k+1]; j > 0 || every == 0 || k%every != 0 {
						pool.Add(tx.WTxID(), tx)
					}
				}
			}
			m, err := compact.Build(b, uint64(i)*7919)
			if err != nil {
				t.Fatal(err)
			}
			m = travel(m).(*wire.MsgCmpctBlock)
			p, err := compact.Open(m, pool.All(), nil)
			if err != nil {
				t.Fatalf("block %d: %v", i, err)
			}
			var rest []*wire.Tx
			if missing := p.Missing(); len(missing) > 0 {
				if every == 0 {
					t.Fatalf("block %d: %d transactions missing with a full pool", i, len(missing))
				}
				answer, err := compact.Answer(b, travel(&wire.MsgGetBlockTxn{BlockHash: b.Hash(), Indexes: missing}).(*wire.MsgGetBlockTxn))
				if err != nil {
					t.Fatal(err)
				}
				rest = travel(answer).(*wire.MsgBlockTxn).Txs
			}
			got, err := p.Fill(rest, true)
			if err != nil {
				t.Fatalf("block %d: %v", i, err)
			}
			if !bytes.Equal(got.Bytes(), b.Bytes()) {
				t.Fatalf("block %d comes back otherwise", i)
			}
			if every == 0 {
				txs += len(b.Txs)
				bytesWhole += b.Size()
				bytesCompact += len(m.AppendPayload(nil))
			}
		}
	}
	if len(blocks) != sum.Height+1 || txs != sum.Txs {
		t.Errorf("%d blocks with %d transactions, the chain has %d with %d", len(blocks), txs, sum.Height+1, sum.Txs)
	}
	t.Logf("%d blocks with %d transactions: %d bytes, compact %d", len(blocks), txs, bytesWhole, bytesCompact)
}
