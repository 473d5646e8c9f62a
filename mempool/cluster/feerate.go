package cluster

import (
	"cmp"
	"fmt"
	"math/bits"
)

// FeeRate is a fee and the size that it is paid for: of one transaction, or
// the sums over several. The fee is in satoshi and may be negative, where an
// operator said so; the size is positive, in the unit that the owner of the
// graph chose. The zero value stands for no transaction at all.
type FeeRate struct {
	Fee  int64
	Size int64
}

// Plus returns the sums of both.
func (r FeeRate) Plus(o FeeRate) FeeRate { return FeeRate{r.Fee + o.Fee, r.Size + o.Size} }

// Minus returns the differences.
func (r FeeRate) Minus(o FeeRate) FeeRate { return FeeRate{r.Fee - o.Fee, r.Size - o.Size} }

// Compare returns +1 if r pays more per size than o, -1 if less, 0 if the
// same, without rounding. Both sizes are positive.
func (r FeeRate) Compare(o FeeRate) int { return compareProducts(r.Fee, o.Size, o.Fee, r.Size) }

// String writes fee and size as a fraction.
func (r FeeRate) String() string { return fmt.Sprintf("%d/%d", r.Fee, r.Size) }

// compareProducts compares a·b with c·d exactly. The second factors must not
// be negative.
func compareProducts(a, b, c, d int64) int {
	const small = 1 << 31
	if a < small && a > -small && c < small && c > -small && b < small && d < small {
		return cmp.Compare(a*b, c*d)
	}
	ahi, alo := mul128(a, b)
	chi, clo := mul128(c, d)
	if ahi != chi {
		return cmp.Compare(ahi, chi)
	}
	return cmp.Compare(alo, clo)
}

// mul128 multiplies to 128 bits in two's complement. b must not be negative.
func mul128(a, b int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(magnitude(a), uint64(b))
	if a < 0 {
		l = -l
		h = ^h
		if l == 0 {
			h++
		}
	}
	return int64(h), l
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// wide is a number of 128 bits in two's complement.
type wide struct {
	hi int64
	lo uint64
}

// product multiplies exactly. b must not be negative.
func product(a, b int64) wide {
	hi, lo := mul128(a, b)
	return wide{hi, lo}
}

func (w wide) minus(o wide) wide {
	lo, borrow := bits.Sub64(w.lo, o.lo, 0)
	return wide{w.hi - o.hi - int64(borrow), lo}
}

func (w wide) more(o wide) bool {
	if w.hi != o.hi {
		return w.hi > o.hi
	}
	return w.lo > o.lo
}
