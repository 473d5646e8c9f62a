package curve

import (
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/holiman/uint256"
)

const (
	// keyWindow makes tables of 8 points: more would take longer to make than
	// they save.
	keyWindow = 5
	// baseWindow makes tables of 1024 points, which are made once and stay
	// within a core's cache: 160 KiB for both.
	baseWindow = 12
)

// baseTables returns the odd multiples of the generator, and of the generator
// times 2^128.
var baseTables = sync.OnceValue(func() *[2][1 << (baseWindow - 2)]affine {
	var tables [2][1 << (baseWindow - 2)]affine
	var at btcec.ModNScalar
	at.SetInt(1)
	shift := scalar("100000000000000000000000000000000")
	for i := range tables {
		var p btcec.JacobianPoint
		btcec.ScalarBaseMultNonConst(&at, &p)
		p.ToAffine()
		z := oddMultiples(&affine{p.X, p.Y}, tables[i][:])
		z.Inverse()
		for j := range tables[i] {
			tables[i][j].scale(&z)
		}
		at.Mul(&shift)
	}
	return &tables
})

// multiplyAdd returns a times the generator plus b times q, a point other than
// infinity.
//
// Each of the two numbers is cut in halves, for which there are tables of
// multiples; so one run of doublings, half as long as the numbers, serves all
// four ("Strauss's method").
func multiplyAdd(a, b *btcec.ModNScalar, q *affine) (sum point) {
	base := baseTables()
	var keys, lambdas [1 << (keyWindow - 2)]affine
	z := oddMultiples(q, keys[:])
	for i := range keys {
		lambdas[i] = keys[i]
		lambdas[i].x.Mul(&beta).Normalize()
	}

	var low, high, one, other digits
	var aa, half uint256.Int
	bytes := a.Bytes()
	aa.SetBytes32(bytes[:])
	low.set(half.And(&aa, &lowBits), baseWindow)
	high.set(half.Rsh(&aa, 128), baseWindow)
	b1, b2, neg1, neg2 := split(b)
	one.set(&b1, keyWindow)
	other.set(&b2, keyWindow)

	// The sum is stretched by z, as the key's tables are; points of the
	// generator's are stretched when they are added.
	var zz, zzz btcec.FieldVal
	zz.SquareVal(&z)
	zzz.Mul2(&zz, &z)
	sum.infinite = true
	addKey := func(t *[len(keys)]affine, d int16, negative bool) {
		if d == 0 {
			return
		}
		if negative {
			d = -d
		}
		p, y := pick(t[:], d)
		sum.add(&p.x, &y)
	}
	addBase := func(t *[len(base[0])]affine, d int16) {
		if d == 0 {
			return
		}
		p, y := pick(t[:], d)
		var x btcec.FieldVal
		sum.add(x.Mul2(&p.x, &zz), y.Mul(&zzz))
	}
	for i := max(low.n, high.n, one.n, other.n) - 1; i >= 0; i-- {
		sum.double()
		addKey(&keys, one.d[i], neg1)
		addKey(&lambdas, other.d[i], neg2)
		addBase(&base[0], low.d[i])
		addBase(&base[1], high.d[i])
	}
	sum.z.Mul(&z)
	return sum
}

var lowBits = *uint256.MustFromHex("0xffffffffffffffffffffffffffffffff")

// pick returns the point for an odd digit, and its y or, for a negative digit,
// the negative of that.
func pick(t []affine, d int16) (p *affine, y btcec.FieldVal) {
	if d > 0 {
		p = &t[d>>1]
		return p, p.y
	}
	p = &t[-d>>1]
	y.NegateVal(&p.y, 1)
	return p, y
}
