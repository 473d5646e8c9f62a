package interop

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	btcbloom "github.com/btcsuite/btcd/btcutil/v2/bloom"
	btcgcs "github.com/btcsuite/btcd/btcutil/v2/gcs"
	"github.com/btcsuite/btcd/btcutil/v2/gcs/builder"
	"github.com/btcsuite/btcd/chainhash/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	chaincoins "starling/chain/coins"
	"starling/index/gcs"
	"starling/relay/bloom"
	"starling/wire"
)

// randomScript is empty, unspendable, a push, or anything.
func randomScript(rng *rand.Rand) []byte {
	s := make([]byte, rng.IntN(40))
	for i := range s {
		s[i] = byte(rng.Uint32())
	}
	switch rng.IntN(5) {
	case 0:
		return nil
	case 1:
		return append([]byte{0x6a}, s...)
	case 2:
		return append([]byte{byte(len(s))}, s...)
	}
	return s
}

// randomBlock makes a block of random scripts, some of which are there more than
// once, and what it spends.
func randomBlock(rng *rand.Rand, n int) (*wire.Block, *chaincoins.Undo) {
	var undo chaincoins.Undo
	var txs []*wire.Tx
	seen := [][]byte{{1}}
	script := func() []byte {
		if rng.IntN(4) == 0 {
			return seen[rng.IntN(len(seen))]
		}
		s := randomScript(rng)
		seen = append(seen, s)
		return s
	}
	for i := range n {
		var in []wire.TxIn
		var out []wire.TxOut
		var spent []chaincoins.Coin
		for range 1 + rng.IntN(3) {
			op := wire.OutPoint{Hash: wire.Hash{1, byte(i)}, Index: rng.Uint32N(9)}
			if len(txs) > 0 && rng.IntN(3) == 0 {
				op = wire.OutPoint{Hash: txs[rng.IntN(len(txs))].TxID(), Index: rng.Uint32N(2)}
			}
			in = append(in, wire.TxIn{PrevOut: op, Script: randomScript(rng)})
			spent = append(spent, chaincoins.Coin{Script: script()})
		}
		for range 1 + rng.IntN(3) {
			out = append(out, wire.TxOut{Value: int64(i), Script: script()})
		}
		txs = append(txs, wire.NewTx(1, in, out, 0))
		if i > 0 {
			undo.Spent = append(undo.Spent, spent)
		}
	}
	return wire.NewBlock(wire.Header{Nonce: rng.Uint32()}, txs), &undo
}

func btcBlock(t testing.TB, b *wire.Block) *btcwire.MsgBlock {
	t.Helper()
	var m btcwire.MsgBlock
	if err := m.Deserialize(bytes.NewReader(b.Bytes())); err != nil {
		t.Fatal(err)
	}
	return &m
}

// TestFiltersAgainstBtcutil makes the same block filters as btcutil, and finds
// the same in them.
func TestFiltersAgainstBtcutil(t *testing.T) {
	rng := rand.New(rand.NewPCG(158, 1))
	var before wire.Hash
	for i := range 300 {
		b, undo := randomBlock(rng, 1+rng.IntN(1+i))
		var prev [][]byte
		for _, spent := range undo.Spent {
			for _, c := range spent {
				prev = append(prev, c.Script)
			}
		}
		theirs, err := builder.BuildBasicFilter(btcBlock(t, b), prev)
		if err != nil {
			t.Fatal(err)
		}
		want, err := theirs.NBytes()
		if err != nil {
			t.Fatal(err)
		}
		got := gcs.Basic(b, undo)
		if !bytes.Equal(got, want) {
			t.Fatalf("block %d: filter %x, btcutil's is %x", i, got, want)
		}
		wantHeader, err := builder.MakeHeaderForFilter(theirs, chainhash.Hash(before))
		if err != nil {
			t.Fatal(err)
		}
		if _, header := gcs.Header(got, before); header != wire.Hash(wantHeader) {
			t.Fatalf("block %d: header %v, btcutil's is %v", i, header, wantHeader)
		}
		before = wire.Hash(wantHeader)
		f, err := gcs.Decode(b.Hash(), got)
		if err != nil {
			t.Fatal(err)
		}
		hash := chainhash.Hash(b.Hash())
		for range 20 {
			look := [][]byte{randomScript(rng), append(randomScript(rng), 1)}
			if theirs.N() == 0 {
				break
			}
			want, err := theirs.ZipMatchAny(builder.DeriveKey(&hash), look)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.MatchAny(look); got != want {
				t.Errorf("block %d: found %v, btcutil says %v", i, got, want)
			}
		}
	}
}

// TestBloomAgainstBtcutil matches the same transactions of blocks as btcutil with
// the same bloom filters, which become the same by it.
func TestBloomAgainstBtcutil(t *testing.T) {
	rng := rand.New(rand.NewPCG(37, 1))
	for i := range 500 {
		b, _ := randomBlock(rng, 1+rng.IntN(30))
		// Large enough for hardly any false match: btcutil does not look at what a
		// script pushes before a push that is cut short, and Bitcoin Core does.
		load := &wire.MsgFilterLoad{Filter: make([]byte, 200+rng.IntN(400)), HashFuncs: 6 + rng.Uint32N(14), Tweak: rng.Uint32(), Flags: wire.FilterFlags(rng.IntN(3))}
		ours := bloom.New(load)
		theirs := btcbloom.LoadFilter(&btcwire.MsgFilterLoad{Filter: bytes.Clone(load.Filter), HashFuncs: load.HashFuncs, Tweak: load.Tweak, Flags: btcwire.BloomUpdateType(load.Flags)})
		for range rng.IntN(6) {
			item := append(randomScript(rng), 1, 2, 3, 4)
			tx := &b.Txs[rng.IntN(len(b.Txs))]
			switch id := tx.TxID(); rng.IntN(4) {
			case 0:
				item = id[:]
			case 1:
				item = binary.LittleEndian.AppendUint32(id[:], rng.Uint32N(2))
			case 2:
				if s := tx.Out[0].Script; len(s) > 4 {
					item = s[1:]
				}
			}
			ours.Add(item)
			theirs.Add(item)
		}
		m, matched := ours.MatchBlock(b)
		blk := btcutil.NewBlock(btcBlock(t, b))
		want, wantMatched := btcbloom.NewMerkleBlock(blk, theirs)
		var buf bytes.Buffer
		if err := want.BtcEncode(&buf, btcwire.ProtocolVersion, btcwire.LatestEncoding); err != nil {
			t.Fatal(err)
		}
		if got := m.AppendPayload(nil); !bytes.Equal(got, buf.Bytes()) || len(matched) != len(wantMatched) {
			t.Fatalf("block %d with flags %d: %v match, btcutil says %v", i, load.Flags, matched, wantMatched)
		}
		for range 50 {
			item := randomScript(rng)
			if ours.Contains(item) != theirs.Matches(item) {
				t.Fatalf("the filters have become different")
			}
		}
	}
}

// BenchmarkFilter makes the filter of 5,000 scripts with either.
func BenchmarkFilter(b *testing.B) {
	set := make([][]byte, 5000)
	for i := range set {
		set[i] = binary.LittleEndian.AppendUint32(make([]byte, 22), uint32(i))
	}
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			gcs.Build(gcs.Key(wire.Hash{1}), set)
		}
	})
	b.Run("btcutil", func(b *testing.B) {
		for b.Loop() {
			if _, err := btcgcs.BuildGCSFilter(builder.DefaultP, builder.DefaultM, [16]byte{1}, set); err != nil {
				b.Fatal(err)
			}
		}
	})
}
