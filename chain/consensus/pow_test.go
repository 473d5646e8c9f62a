package consensus

import (
	"math/big"
	"testing"

	"github.com/holiman/uint256"

	"starling/params"
	"starling/wire"
)

func TestCompactToTarget(t *testing.T) {
	tests := []struct {
		name               string
		compact            uint32
		target             string // hexadecimal
		negative, overflow bool
		back               uint32 // what the target's compact form is
	}{
		{"zero", 0, "0x0", false, false, 0},
		{"all shifted out, no bytes", 0x00123456, "0x0", false, false, 0},
		{"all shifted out, one byte", 0x01003456, "0x0", false, false, 0},
		{"all shifted out, two bytes", 0x02000056, "0x0", false, false, 0},
		{"zero mantissa", 0x04000000, "0x0", false, false, 0},
		{"sign alone is no sign", 0x01800000, "0x0", false, false, 0},
		{"sign before digits that are shifted out", 0x01803456, "0x0", false, false, 0},
		{"one byte", 0x01123456, "0x12", false, false, 0x01120000},
		{"byte with its high bit set", 0x02008000, "0x80", false, false, 0x02008000},
		{"negative", 0x01fedcba, "0x7e", true, false, 0x017e0000},
		{"two bytes", 0x02123456, "0x1234", false, false, 0x02123400},
		{"three bytes", 0x03123456, "0x123456", false, false, 0x03123456},
		{"four bytes", 0x04123456, "0x12345600", false, false, 0x04123456},
		{"negative with four bytes", 0x04923456, "0x12345600", true, false, 0x04123456},
		{"high bit needs a byte more", 0x05009234, "0x92340000", false, false, 0x05009234},
		{"main limit", 0x1d00ffff, "0xffff0000000000000000000000000000000000000000000000000000", false, false, 0x1d00ffff},
		{"32 bytes", 0x20123456, "0x1234560000000000000000000000000000000000000000000000000000000000", false, false, 0x20123456},
		{"33 bytes that still fit", 0x2100ffff, "0xffff000000000000000000000000000000000000000000000000000000000000", false, false, 0x2100ffff},
		{"33 bytes that do not", 0x21010000, "0x0", false, true, 0},
		{"34 bytes that still fit", 0x220000ff, "0xff00000000000000000000000000000000000000000000000000000000000000", false, false, 0x2100ff00},
		{"34 bytes that do not", 0x22000100, "0x0", false, true, 0},
		{"35 bytes", 0x23000001, "0x0", false, true, 0},
		{"longest", 0xff123456, "0x0", false, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target, negative, overflow := CompactToTarget(tt.compact)
			if negative != tt.negative || overflow != tt.overflow {
				t.Fatalf("negative %v, overflow %v", negative, overflow)
			}
			if overflow {
				return
			}
			if target.Hex() != tt.target {
				t.Fatalf("target %s, want %s", target.Hex(), tt.target)
			}
			if back := TargetToCompact(&target); back != tt.back {
				t.Fatalf("back %08x, want %08x", back, tt.back)
			}
		})
	}
}

// FuzzCompact compares the compact form with arithmetic on numbers of any
// size.
func FuzzCompact(f *testing.F) {
	for _, c := range []uint32{0, 0x1d00ffff, 0x207fffff, 0x01fedcba, 0x2100ffff, 0x220000ff, 0x22000100, 0xff123456} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, compact uint32) {
		target, negative, overflow := CompactToTarget(compact)

		want := big.NewInt(int64(compact & 0x7fffff))
		if size := int(compact >> 24); size <= 3 {
			want.Rsh(want, uint(8*(3-size)))
		} else {
			want.Lsh(want, uint(8*(size-3)))
		}
		if got := want.BitLen() > 256; got != overflow {
			t.Fatalf("overflow %v, number has %d bits", overflow, want.BitLen())
		}
		if got := want.Sign() != 0 && compact&0x800000 != 0; got != negative {
			t.Fatalf("negative %v", negative)
		}
		if overflow {
			if w := BlockWork(compact); !w.IsZero() {
				t.Fatal("an impossible target has work")
			}
			return
		}
		if target.ToBig().Cmp(want) != 0 {
			t.Fatalf("target %s, want %x", target.Hex(), want)
		}
		// The compact form of a target that came from one loses nothing.
		back := TargetToCompact(&target)
		if again, neg, over := CompactToTarget(back); again != target || neg || over {
			t.Fatalf("%08x became %08x", compact, back)
		}
		if want.Sign() == 0 || negative {
			return
		}
		work := new(big.Int).Lsh(big.NewInt(1), 256)
		work.Div(work, want.Add(want, big.NewInt(1)))
		if got := BlockWork(compact); got.ToBig().Cmp(work) != 0 {
			t.Fatalf("work %s, want %x", got.Hex(), work)
		}
	})
}

func TestBlockWork(t *testing.T) {
	for compact, want := range map[uint32]uint64{
		0x1d00ffff: 0x100010001, // main genesis
		0x207fffff: 2,           // regtest
		0x1e0377ae: 4838420,     // signet
		0x01fedcba: 0,           // negative
		0xff123456: 0,           // overflow
		0:          0,
	} {
		if got := BlockWork(compact); !got.IsUint64() || got.Uint64() != want {
			t.Errorf("%08x: work %s, want %d", compact, got.Dec(), want)
		}
	}
}

func TestCheckProofOfWork(t *testing.T) {
	main := params.Main()
	limit := wire.Hash{}
	limit[26], limit[27] = 0xff, 0xff // 0x1d00ffff
	above := limit
	above[0] = 1
	tests := []struct {
		name    string
		hash    wire.Hash
		compact uint32
		ok      bool
	}{
		{"main genesis", main.GenesisHash, 0x1d00ffff, true},
		{"equal to the target", limit, 0x1d00ffff, true},
		{"one above the target", above, 0x1d00ffff, false},
		{"target above the limit", wire.Hash{}, 0x1d010000, false},
		{"zero target", wire.Hash{}, 0, false},
		{"negative target", wire.Hash{}, 0x1d80ffff, false},
		{"overflow", wire.Hash{}, 0xff123456, false},
		{"harder target", main.GenesisHash, 0x1b0404cb, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reason := "high-hash"
			if tt.ok {
				reason = ""
			}
			wantReject(t, CheckProofOfWork(tt.hash, tt.compact, main), Invalid, reason)
		})
	}
}

func TestHashAbove(t *testing.T) {
	// Every single word decides.
	for i := range 4 {
		var target uint256.Int
		target[i] = 5
		var hash wire.Hash
		for v, want := range map[byte]bool{4: false, 5: false, 6: true} {
			hash[8*i] = v
			if got := hashAbove(&hash, &target); got != want {
				t.Errorf("word %d, %d against 5: %v", i, v, got)
			}
		}
	}
}

func TestSubsidy(t *testing.T) {
	main := params.Main()
	for height, want := range map[int32]int64{
		0: 50 * Coin, 1: 50 * Coin, 209_999: 50 * Coin, 210_000: 25 * Coin,
		420_000: 12.5 * Coin, 840_000: 3.125 * Coin, 32 * 210_000: 1, 33 * 210_000: 0,
		63 * 210_000: 0, 64 * 210_000: 0, 1<<31 - 1: 0,
	} {
		if got := Subsidy(height, main); got != want {
			t.Errorf("height %d: %d, want %d", height, got, want)
		}
	}
	var total int64
	for height := int32(0); height < 14_000_000; height += 1000 {
		total += 1000 * Subsidy(height, main)
	}
	if total != 2_099_999_997_690_000 {
		t.Errorf("all subsidies come to %d", total)
	}
	if got := Subsidy(150, params.Regtest()); got != 25*Coin {
		t.Errorf("regtest halves to %d at 150", got)
	}
}

func TestFormatMoney(t *testing.T) {
	for amount, want := range map[int64]string{
		0: "0.00", 1: "0.00000001", 10: "0.0000001", Coin: "1.00", 12.5 * Coin: "12.50",
		-Coin / 2: "-0.50", MaxMoney: "21000000.00", 123456789: "1.23456789", -1 << 63: "-92233720368.54775808",
	} {
		if got := formatMoney(amount); got != want {
			t.Errorf("%d: %s, want %s", amount, got, want)
		}
	}
}
