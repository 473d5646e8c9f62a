package consensus

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"starling/params"
	"starling/wire"
)

// sized returns a transaction of exactly n bytes, without witness.
func sized(n int) *wire.Tx {
	tx := func(n int) *wire.Tx {
		return wire.NewTx(1, []wire.TxIn{input(n)}, []wire.TxOut{{Script: make([]byte, n)}}, 0)
	}
	return tx(n - (tx(70_000).Size() - 70_000))
}

// sigOps returns a transaction with n signature operations.
func sigOps(n int) *wire.Tx {
	const checkSig = 0xac
	return wire.NewTx(1, []wire.TxIn{input(n)}, []wire.TxOut{{Script: bytes.Repeat([]byte{checkSig}, n)}}, 0)
}

// tx64 returns a transaction of 64 bytes, the size of an inner node.
func tx64(n int) *wire.Tx {
	return wire.NewTx(1, []wire.TxIn{input(n)}, []wire.TxOut{{Script: make([]byte, 4)}}, 0)
}

// withRoot returns b with another merkle root in its header.
func withRoot(b *wire.Block, root wire.Hash) *wire.Block {
	h := b.Header
	h.MerkleRoot = root
	return wire.NewBlock(h, pointers(b))
}

func pointers(b *wire.Block) []*wire.Tx {
	var txs []*wire.Tx
	for i := range b.Txs {
		txs = append(txs, &b.Txs[i])
	}
	return txs
}

func TestCheckBlock(t *testing.T) {
	cb := coinbase(1)
	fill := wire.MaxBlockSize/4 - wire.HeaderSize - 1 - cb.Size()
	tests := []struct {
		name   string
		block  *wire.Block
		kind   Kind
		reason string
	}{
		{"coinbase only", makeBlock(cb), 0, ""},
		{"payments", makeBlock(cb, payment(1), payment(2)), 0, ""},
		{"witnesses", segwitBlock(1, withWitness(payment(1), []byte{1})), 0, ""},
		{"wrong root", withRoot(makeBlock(cb), testID(1)), Mutated, "bad-txnmrklroot"},
		{"duplicated transactions", makeBlock(cb, payment(1), payment(2), payment(2)), Mutated, "bad-txns-duplicate"},
		{"no transactions", makeBlock(), Invalid, "bad-blk-length"},
		{"largest", makeBlock(cb, sized(fill)), 0, ""},
		{"too large", makeBlock(cb, sized(fill/2), sized(fill-fill/2+1)), Invalid, "bad-blk-length"},
		{"no coinbase", makeBlock(payment(1)), Invalid, "bad-cb-missing"},
		{"coinbase not first", makeBlock(payment(1), cb), Invalid, "bad-cb-missing"},
		{"two coinbases", makeBlock(cb, payment(1), coinbase(2)), Invalid, "bad-cb-multiple"},
		{"no coinbase, could be an inner level", makeBlock(tx64(1), tx64(2)), Mutated, "bad-cb-missing"},
		{"64 bytes behind a coinbase", makeBlock(cb, tx64(2)), 0, ""},
		{"bad transaction", makeBlock(cb, wire.NewTx(1, []wire.TxIn{input(1), input(1)}, []wire.TxOut{{}}, 0)), Invalid, "bad-txns-inputs-duplicate"},
		{"most signature operations", makeBlock(cb, sigOps(15_000), sigOps(5_000)), 0, ""},
		{"too many signature operations", makeBlock(cb, sigOps(15_000), sigOps(5_001)), Invalid, "bad-blk-sigops"},
	}
	main := params.Main()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantReject(t, CheckBlock(tt.block, main), tt.kind, tt.reason)
		})
	}
	if tx64(1).Size() != 64 {
		t.Errorf("tx64 makes %d bytes", tx64(1).Size())
	}
	if n := makeBlock(cb, sized(fill)).BaseSize(); n != 1_000_000 {
		t.Errorf("the largest block has %d bytes", n)
	}
}

func TestCheckBlockDetail(t *testing.T) {
	bad := wire.NewTx(1, []wire.TxIn{input(1)}, []wire.TxOut{{Value: -1}}, 0)
	err := CheckBlock(makeBlock(coinbase(1), bad), params.Main())
	if err == nil || !strings.Contains(err.Error(), bad.TxID().String()) {
		t.Fatalf("%v does not name the transaction", err)
	}
}

func TestIsMutated(t *testing.T) {
	good := segwitBlock(1, withWitness(payment(1), []byte{1}))
	noWitness := parseBlock(t, good.AppendBase(nil))
	tests := []struct {
		name   string
		block  *wire.Block
		segwit bool
		want   bool
	}{
		{"good", good, true, false},
		{"witness stripped", noWitness, true, true},
		{"witness stripped before segwit", noWitness, false, false},
		{"witness before segwit", good, false, true},
		{"wrong root", withRoot(good, testID(1)), true, true},
		{"duplicated transactions", makeBlock(coinbase(1), payment(1), payment(1), payment(1)), true, true},
		{"could be an inner level", makeBlock(tx64(1), tx64(2)), true, true},
		{"no coinbase, but true to its root", makeBlock(payment(1), payment(2)), true, false},
		{"no transactions", makeBlock(), true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := IsMutated(tt.block, tt.segwit); got != tt.want {
				t.Fatalf("got %v", got)
			}
		})
	}
}

func TestCheckBlockContext(t *testing.T) {
	const (
		height = 1000
		mtp    = 1_499_999_000 // the blocks' own time is 1,000 s later
	)
	net := params.Regtest()
	net.BIP34Height, net.CSVHeight, net.SegwitHeight = 500, 500, 500
	old := params.Regtest()
	old.BIP34Height, old.CSVHeight, old.SegwitHeight = 2000, 2000, 2000

	locked := func(lockTime uint32) *wire.Tx {
		in := input(1)
		in.Sequence = 0
		return wire.NewTx(1, []wire.TxIn{in}, []wire.TxOut{{}}, lockTime)
	}
	reserved := make([]byte, 32)
	// commits returns a block whose coinbase has these outputs and witness.
	commits := func(witness [][]byte, out ...wire.TxOut) *wire.Block {
		cb := coinbase(height, out...)
		if witness != nil {
			cb = withWitness(cb, witness...)
		}
		return makeBlock(cb, withWitness(payment(1), []byte{1}))
	}
	good := segwitBlock(height, withWitness(payment(1), []byte{1}))
	commitment := good.Txs[0].Out[1]
	wrong := wire.TxOut{Script: WitnessCommitmentScript(testID(1))}
	longer := wire.TxOut{Script: append(bytes.Clone(commitment.Script), 1, 2, 3)}
	short := wire.TxOut{Script: commitment.Script[:37]}

	tests := []struct {
		name   string
		net    *params.Network
		block  *wire.Block
		kind   Kind
		reason string
	}{
		{"coinbase only", net, makeBlock(coinbase(height)), 0, ""},
		{"height reached", net, makeBlock(coinbase(height), locked(height-1)), 0, ""},
		{"height not reached", net, makeBlock(coinbase(height), locked(height)), Invalid, "bad-txns-nonfinal"},
		{"time reached", net, makeBlock(coinbase(height), locked(mtp-1)), 0, ""},
		{"time not reached", net, makeBlock(coinbase(height), locked(mtp)), Invalid, "bad-txns-nonfinal"},
		{"block's own time before BIP113", old, makeBlock(coinbase(height), locked(mtp)), 0, ""},
		{"block's own time not reached", old, makeBlock(coinbase(height), locked(mtp+1000)), Invalid, "bad-txns-nonfinal"},
		{"wrong height in coinbase", net, makeBlock(coinbase(height + 1)), Invalid, "bad-cb-height"},
		{"any height before BIP34", old, makeBlock(coinbase(height + 1)), 0, ""},
		{"commitment", net, good, 0, ""},
		{"commitment with more behind", net, commits([][]byte{reserved}, longer), 0, ""},
		{"the last commitment counts", net, commits([][]byte{reserved}, wrong, commitment), 0, ""},
		{"only the last commitment counts", net, commits([][]byte{reserved}, commitment, wrong), Mutated, "bad-witness-merkle-match"},
		{"wrong commitment", net, commits([][]byte{reserved}, wrong), Mutated, "bad-witness-merkle-match"},
		{"commitment one byte short", net, commits([][]byte{reserved}, short), Mutated, "unexpected-witness"},
		{"other reserved value", net, commits([][]byte{bytes.Repeat([]byte{1}, 32)}, commitment), Mutated, "bad-witness-merkle-match"},
		{"no reserved value", net, commits(nil, commitment), Mutated, "bad-witness-nonce-size"},
		{"two reserved values", net, commits([][]byte{reserved, reserved}, commitment), Mutated, "bad-witness-nonce-size"},
		{"reserved value too short", net, commits([][]byte{reserved[:31]}, commitment), Mutated, "bad-witness-nonce-size"},
		{"witness without commitment", net, makeBlock(coinbase(height), withWitness(payment(1), nil)), Mutated, "unexpected-witness"},
		{"commitment without any witness", net, makeBlock(coinbase(height, commitment), payment(1)), Mutated, "bad-witness-nonce-size"},
		{"witness before segwit", old, good, Mutated, "unexpected-witness"},
		{"wrong commitment before segwit", old, makeBlock(coinbase(height, wrong)), 0, ""},
		{"largest weight", net, weighing(t, height, MaxBlockWeight), 0, ""},
		{"too heavy", net, weighing(t, height, MaxBlockWeight+1), Invalid, "bad-blk-weight"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := CheckBlock(tt.block, tt.net); err != nil {
				t.Fatal(err)
			}
			wantReject(t, CheckBlockContext(tt.block, tt.net, height, mtp), tt.kind, tt.reason)
		})
	}
}

// weighing returns a block of exactly the given weight, most of it witness.
func weighing(t *testing.T, height int32, weight int) *wire.Block {
	n := 3_000_000
	b := segwitBlock(height, withWitness(payment(1), make([]byte, n)))
	b = segwitBlock(height, withWitness(payment(1), make([]byte, n+weight-b.Weight())))
	if b.Weight() != weight {
		t.Fatalf("weight %d, want %d", b.Weight(), weight)
	}
	return b
}

func TestCoinbaseHeight(t *testing.T) {
	for height, want := range map[int32]string{
		0: "00", 1: "51", 16: "60", 17: "0111", 127: "017f", 128: "028000", 255: "02ff00",
		256: "020001", 32767: "02ff7f", 32768: "03008000", 227931: "035b7a03",
		8388607: "03ffff7f", 8388608: "0400008000", 1<<31 - 1: "04ffffff7f",
	} {
		if got := fmt.Sprintf("%x", CoinbaseHeight(height)); got != want {
			t.Errorf("%d: %s, want %s", height, got, want)
		}
	}
}

func TestRealBlocks(t *testing.T) {
	main := params.Main()
	for _, b := range readBlocks(t, "testdata/main.hex") {
		if err := CheckBlock(b, main); err != nil {
			t.Error(err)
		}
		if err := CheckProofOfWork(b.Hash(), b.Header.Bits, main); err != nil {
			t.Error(err)
		}
		if err := CheckBlockContext(b, main, 170, int64(b.Header.Timestamp)-1); err != nil {
			t.Error(err)
		}
	}
}

func TestRuleError(t *testing.T) {
	err := Reject(Mutated, "bad-x", "%d%%", 5)
	if err.Error() != "bad-x, 5%" {
		t.Error(err)
	}
	if got := Reject(Invalid, "bad-x", "").Error(); got != "bad-x" {
		t.Error(got)
	}
	if !err.Is(Reject(Invalid, "bad-x", "")) || err.Is(Reject(Mutated, "bad-y", "")) {
		t.Error("errors are not told apart by their reason")
	}
	for k := Invalid; k <= LowWork+1; k++ {
		if k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
}

// benchBlock returns a full block of ordinary payments with witnesses.
func benchBlock() *wire.Block {
	sig, key := make([]byte, 71), make([]byte, 33)
	pay := append([]byte{0, 20}, make([]byte, 20)...)
	var txs []*wire.Tx
	for i := range 1500 {
		in := []wire.TxIn{input(2 * i), input(2*i + 1)}
		in[0].Witness, in[1].Witness = wire.NewWitness(sig, key), wire.NewWitness(sig, key)
		txs = append(txs, wire.NewTx(2, in, []wire.TxOut{{Value: 1, Script: pay}, {Value: 2, Script: pay}}, 0))
	}
	return segwitBlock(1000, txs...)
}

func BenchmarkCheckBlock(b *testing.B) {
	block, main := benchBlock(), params.Main()
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := CheckBlock(block, main); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("context", func(b *testing.B) {
		net := params.Regtest()
		b.ReportAllocs()
		for b.Loop() {
			if err := CheckBlockContext(block, net, 1000, 1_400_000_000); err != nil {
				b.Fatal(err)
			}
		}
	})
}
