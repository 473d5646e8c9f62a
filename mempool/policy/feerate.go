package policy

import (
	"fmt"
	"math"
	"math/bits"
)

// FeeRate is a fee in satoshi for each 1,000 virtual bytes.
type FeeRate int64

// Rate returns the rate of a fee for a size in virtual bytes, rounded towards
// zero. Nothing has a rate of zero.
func Rate(fee, vsize int64) FeeRate {
	if vsize <= 0 {
		return 0
	}
	neg := fee < 0
	u := uint64(fee)
	if neg {
		u = -u
	}
	hi, lo := bits.Mul64(u, 1000)
	if hi >= uint64(vsize) {
		if neg {
			return math.MinInt64
		}
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(vsize))
	if q > math.MaxInt64 {
		q = math.MaxInt64
	}
	if neg {
		return -FeeRate(q)
	}
	return FeeRate(q)
}

// Fee returns what a size in virtual bytes costs at this rate, rounded up, in
// satoshi. The rate must not be negative.
func (r FeeRate) Fee(vsize int64) int64 {
	if r <= 0 || vsize <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(r), uint64(vsize))
	lo, carry := bits.Add64(lo, 999, 0)
	hi += carry
	if hi >= 1000 {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, 1000)
	return int64(min(q, math.MaxInt64))
}

// String writes the rate in bitcoins for 1,000 virtual bytes, as Core does.
func (r FeeRate) String() string {
	sign, u := "", uint64(r)
	if r < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%08d BTC/kvB", sign, u/1e8, u%1e8)
}

// CompareRates compares the rates of two pairs of fee and size without
// rounding: negative if the first is lower, positive if it is higher. Sizes
// must be positive; fees are at most all the money there is.
func CompareRates(feeA, sizeA, feeB, sizeB int64) int {
	// feeA/sizeA < feeB/sizeB if and only if feeA*sizeB < feeB*sizeA. The
	// products take up to 51+32 bits.
	ah, al := mul128(feeA, sizeB)
	bh, bl := mul128(feeB, sizeA)
	switch {
	case ah < bh || ah == bh && al < bl:
		return -1
	case ah == bh && al == bl:
		return 0
	}
	return 1
}

// mul128 multiplies a signed by a positive number into 128 bits, two's
// complement.
func mul128(a, b int64) (hi int64, lo uint64) {
	u := uint64(a)
	if a < 0 {
		u = -u
	}
	h, l := bits.Mul64(u, uint64(b))
	if a < 0 {
		h, l = ^h, ^l
		var carry uint64
		l, carry = bits.Add64(l, 1, 0)
		h += carry
	}
	return int64(h), l
}
