package consensus

import (
	"testing"

	"starling/wire"
)

func TestCheckTx(t *testing.T) {
	null := wire.TxIn{PrevOut: wire.OutPoint{Index: wire.NullIndex}}
	zeroHash := wire.TxIn{PrevOut: wire.OutPoint{Index: 0}}
	one := []wire.TxOut{{Value: 1}}
	many := func(n int) []wire.TxIn {
		in := make([]wire.TxIn, n)
		for i := range in {
			in[i] = input(i)
		}
		return in
	}
	cb := func(n int) []wire.TxIn {
		in := null
		in.Script = make([]byte, n)
		return []wire.TxIn{in}
	}
	// An output script that brings a transaction to a size without witness of
	// exactly so many bytes.
	sized := func(n int) []wire.TxOut {
		rest := n - wire.NewTx(1, many(1), []wire.TxOut{{Script: make([]byte, 70_000)}}, 0).BaseSize()
		return []wire.TxOut{{Script: make([]byte, 70_000+rest)}}
	}
	tests := []struct {
		name   string
		tx     *wire.Tx
		reason string
	}{
		{"payment", payment(1), ""},
		{"no inputs", wire.NewTx(1, nil, nil, 0), "bad-txns-vin-empty"},
		{"no outputs", wire.NewTx(1, many(1), nil, 0), "bad-txns-vout-empty"},
		{"largest", wire.NewTx(1, many(1), sized(1_000_000), 0), ""},
		{"too large", wire.NewTx(1, many(1), sized(1_000_001), 0), "bad-txns-oversize"},
		{"negative value", wire.NewTx(1, many(1), []wire.TxOut{{Value: -1}}, 0), "bad-txns-vout-negative"},
		{"most negative value", wire.NewTx(1, many(1), []wire.TxOut{{Value: -1 << 63}}, 0), "bad-txns-vout-negative"},
		{"largest value", wire.NewTx(1, many(1), []wire.TxOut{{Value: MaxMoney}}, 0), ""},
		{"too large a value", wire.NewTx(1, many(1), []wire.TxOut{{Value: MaxMoney + 1}}, 0), "bad-txns-vout-toolarge"},
		{"too large a sum", wire.NewTx(1, many(1), []wire.TxOut{{Value: MaxMoney}, {Value: 1}}, 0), "bad-txns-txouttotal-toolarge"},
		{"largest sum", wire.NewTx(1, many(1), []wire.TxOut{{Value: MaxMoney - 1}, {Value: 1}}, 0), ""},
		{"an input twice", wire.NewTx(1, append(many(3), input(1)), one, 0), "bad-txns-inputs-duplicate"},
		{"an input twice among many", wire.NewTx(1, append(many(100), input(1)), one, 0), "bad-txns-inputs-duplicate"},
		{"many inputs", wire.NewTx(1, many(100), one, 0), ""},
		{"outputs of one transaction", wire.NewTx(1, []wire.TxIn{{PrevOut: wire.OutPoint{Hash: testID(1)}}, {PrevOut: wire.OutPoint{Hash: testID(1), Index: 1}}}, one, 0), ""},
		{"coinbase script of 1 byte", wire.NewTx(1, cb(1), one, 0), "bad-cb-length"},
		{"coinbase script of 2 bytes", wire.NewTx(1, cb(2), one, 0), ""},
		{"coinbase script of 100 bytes", wire.NewTx(1, cb(100), one, 0), ""},
		{"coinbase script of 101 bytes", wire.NewTx(1, cb(101), one, 0), "bad-cb-length"},
		{"null input among others", wire.NewTx(1, append(many(1), null), one, 0), "bad-txns-prevout-null"},
		{"two null inputs", wire.NewTx(1, []wire.TxIn{null, null}, one, 0), "bad-txns-inputs-duplicate"},
		{"zero hash alone is no coinbase", wire.NewTx(1, []wire.TxIn{zeroHash}, one, 0), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantReject(t, CheckTx(tt.tx), Invalid, tt.reason)
		})
	}
}

func TestCheckInputs(t *testing.T) {
	pays := func(values ...int64) *wire.Tx {
		var out []wire.TxOut
		for _, v := range values {
			out = append(out, wire.TxOut{Value: v})
		}
		return wire.NewTx(1, []wire.TxIn{input(1), input(2)}, out, 0)
	}
	tests := []struct {
		name   string
		tx     *wire.Tx
		spent  [2]Spent
		height int32
		fee    int64
		reason string
	}{
		{"fee", pays(60, 30), [2]Spent{{Value: 50}, {Value: 50}}, 10, 10, ""},
		{"no fee", pays(100), [2]Spent{{Value: 50}, {Value: 50}}, 10, 0, ""},
		{"pays too much", pays(101), [2]Spent{{Value: 50}, {Value: 50}}, 10, 0, "bad-txns-in-belowout"},
		{"mature coinbase", pays(1), [2]Spent{{50, 10, true}, {50, 11, false}}, 110, 99, ""},
		{"immature coinbase", pays(1), [2]Spent{{50, 10, false}, {50, 11, true}}, 110, 0, "bad-txns-premature-spend-of-coinbase"},
		{"negative input", pays(1), [2]Spent{{Value: 50}, {Value: -1}}, 10, 0, "bad-txns-inputvalues-outofrange"},
		{"too large an input", pays(1), [2]Spent{{Value: MaxMoney + 1}, {}}, 10, 0, "bad-txns-inputvalues-outofrange"},
		{"too large a sum", pays(1), [2]Spent{{Value: MaxMoney}, {Value: 1}}, 10, 0, "bad-txns-inputvalues-outofrange"},
		{"largest sum", pays(0), [2]Spent{{Value: MaxMoney}, {Value: 0}}, 10, MaxMoney, ""},
		// Outputs that CheckTx would refuse, to show that the fee is checked.
		{"fee out of range", pays(-1), [2]Spent{{Value: MaxMoney}, {Value: 0}}, 10, 0, "bad-txns-fee-outofrange"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fee, err := CheckInputs(tt.tx, func(i int) Spent { return tt.spent[i] }, tt.height, 100)
			wantReject(t, err, Invalid, tt.reason)
			if fee != tt.fee {
				t.Fatalf("fee %d, want %d", fee, tt.fee)
			}
		})
	}
	spent := [2]Spent{{Value: 50}, {Value: 50}}
	tx := pays(60)
	if n := testing.AllocsPerRun(10, func() {
		_, _ = CheckInputs(tx, func(i int) Spent { return spent[i] }, 10, 100)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestIsFinal(t *testing.T) {
	const never = wire.SequenceFinal
	tests := []struct {
		name     string
		lockTime uint32
		sequence uint32
		want     bool
	}{
		{"no lock time", 0, 0, true},
		{"height below", 99, 0, true},
		{"height equal", 100, 0, false},
		{"height above, but switched off", 101, never, true},
		{"height above", 101, never - 1, false},
		{"largest height", 499_999_999, 0, false},
		{"smallest time", 500_000_000, 0, true},
		{"time below", 1_599_999_999, 0, true},
		{"time equal", 1_600_000_000, 0, false},
		{"latest time", 0xffffffff, 0, false},
		{"latest time, but switched off", 0xffffffff, never, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(1)
			in.Sequence = tt.sequence
			// A second input that is switched off does not help the first.
			tx := wire.NewTx(1, []wire.TxIn{input(2), in}, []wire.TxOut{{}}, tt.lockTime)
			if got := IsFinal(tx, 100, 1_600_000_000); got != tt.want {
				t.Fatalf("got %v", got)
			}
		})
	}
}

func TestSequenceLocks(t *testing.T) {
	times := func(height int32) int64 { return 1_000_000 + 600*int64(height) }
	tests := []struct {
		name      string
		version   int32
		sequences []uint32
		heights   []int32
		enforce   bool
		height    int32
		time      int64
	}{
		{"version 1", 1, []uint32{5}, []int32{100}, true, -1, -1},
		{"before BIP68", 2, []uint32{5}, []int32{100}, false, -1, -1},
		{"negative version opts in", -1, []uint32{5}, []int32{100}, true, 104, -1},
		{"switched off", 2, []uint32{SequenceDisable | 5}, []int32{100}, true, -1, -1},
		{"final", 2, []uint32{wire.SequenceFinal}, []int32{100}, true, -1, -1},
		{"no blocks to wait", 2, []uint32{0}, []int32{100}, true, 99, -1},
		{"blocks", 2, []uint32{5}, []int32{100}, true, 104, -1},
		{"most blocks", 2, []uint32{0xffff}, []int32{100}, true, 100 + 0xffff - 1, -1},
		{"other bits do not count", 2, []uint32{0x3fbf0005}, []int32{100}, true, 104, -1},
		{"time from the block before", 2, []uint32{SequenceTime | 2}, []int32{100}, true, -1, times(99) + 2*512 - 1},
		{"time in the first block", 2, []uint32{SequenceTime | 2}, []int32{0}, true, -1, times(0) + 2*512 - 1},
		{"the latest of each counts", 2, []uint32{5, 50, SequenceTime | 9, SequenceTime | 8}, []int32{100, 10, 10, 99}, true, 104, times(98) + 8*512 - 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var in []wire.TxIn
			for i, s := range tt.sequences {
				in = append(in, input(i))
				in[i].Sequence = s
			}
			tx := wire.NewTx(tt.version, in, []wire.TxOut{{}}, 0)
			height, time := SequenceLocks(tx, tt.heights, times, tt.enforce)
			if height != tt.height || time != tt.time {
				t.Fatalf("got %d, %d, want %d, %d", height, time, tt.height, tt.time)
			}
		})
	}
	for _, tt := range []struct {
		height int32
		time   int64
		want   bool
	}{{-1, -1, true}, {99, -1, true}, {100, -1, false}, {-1, 4999, true}, {-1, 5000, false}} {
		if got := SequenceLocksMet(tt.height, tt.time, 100, 5000); got != tt.want {
			t.Errorf("locks %d, %d: met %v", tt.height, tt.time, got)
		}
	}
}
