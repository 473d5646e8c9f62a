package curve

import "github.com/btcsuite/btcd/btcec/v2"

// affine is a point by its coordinates. Both are normalised unless a function
// says otherwise.
type affine struct{ x, y btcec.FieldVal }

// point is one in Jacobian coordinates: it stands for (x/z², y/z³).
//
// Sums of field values are not brought back into range at once. How far they
// may be above it is their magnitude, and the library multiplies up to 8. All
// functions here leave x at 5 at most, y at 4 and z at 2; the numbers behind
// the lines count.
type point struct {
	x, y, z  btcec.FieldVal
	infinite bool // the neutral element; the coordinates mean nothing
}

// double adds p to itself: 3 multiplications and 4 squarings. No point of this
// curve is its own negative, so only infinity gives infinity.
func (p *point) double() {
	if p.infinite {
		return
	}
	var yy, yyyy8, s, m, t btcec.FieldVal
	p.z.Mul(&p.y).MulInt(2)             // 2yz: 2
	yy.SquareVal(&p.y)                  // 1
	yy.MulInt(2)                        // 2y²: 2
	yyyy8.SquareVal(&yy).MulInt(2)      // 8y⁴: 2
	s.Mul2(&p.x, yy.MulInt(2))          // 4xy²: 1
	m.SquareVal(&p.x).MulInt(3)         // 3x²: 3
	p.x.NegateVal(t.Set(&s).Add(&s), 2) // -2s: 3
	p.x.Add(t.SquareVal(&m))            // m²-2s: 4
	t.NegateVal(&p.x, 4).Add(&s)        // s-x: 6
	p.y.Mul2(&m, &t)                    // 1
	p.y.Add(yyyy8.Negate(2))            // m(s-x)-8y⁴: 4
}

// add adds (x, y), whose magnitudes are 2 at most, to p: 8 multiplications and
// 3 squarings. It returns by what it has multiplied z, which means nothing if p
// or the sum is infinite, or if both points are the same.
func (p *point) add(x, y *btcec.FieldVal) (h btcec.FieldVal) {
	if p.infinite {
		p.x.Set(x)
		p.y.Set(y)
		p.z.SetInt(1)
		p.infinite = false
		return h
	}
	var zz, r, hh, hhh, v, t btcec.FieldVal
	zz.SquareVal(&p.z)                                // 1
	h.NegateVal(&p.x, 5).Add(t.Mul2(x, &zz))          // 7
	r.NegateVal(&p.y, 4).Add(t.Mul2(y, zz.Mul(&p.z))) // 6
	if t.Set(&h).Normalize().IsZero() {
		// The same x: the same point, or its negative.
		if t.Set(&r).Normalize().IsZero() {
			p.double()
		} else {
			p.infinite = true
		}
		return h
	}
	hh.SquareVal(&h)                        // 1
	hhh.Mul2(&h, &hh)                       // 1
	v.Mul2(&p.x, &hh)                       // 1
	p.z.Mul(&h)                             // 1
	p.x.SquareVal(&r)                       // 1
	t.Set(&v).MulInt(2).Add(&hhh).Negate(3) // -h³-2v: 4
	p.x.Add(&t)                             // r²-h³-2v: 5
	p.y.Mul(&hhh).Negate(1)                 // -yh³: 2
	v.Add(t.NegateVal(&p.x, 5))             // v-x: 7
	p.y.Add(t.Mul2(&r, &v))                 // r(v-x)-yh³: 3
	return h
}

// scale replaces a, whose magnitudes are 5 at most, by the point (xf², yf³).
func (a *affine) scale(f *btcec.FieldVal) {
	var ff btcec.FieldVal
	ff.SquareVal(f)
	a.x.Mul(&ff).Normalize()
	a.y.Mul(ff.Mul(f)).Normalize()
}

// oddMultiples fills t with q, 3q, 5q and so on, all as if they had the z that
// it returns: t[i] stands for (x/z², y/z³). So it does without an inversion,
// and adding one of them costs no more than adding an affine point, as this
// curve's formulas are those of every curve y² = x³ + b: stretched by z, the
// table is affine points on another one.
func oddMultiples(q *affine, t []affine) (z btcec.FieldVal) {
	two := point{x: q.x, y: q.y}
	two.z.SetInt(1)
	two.double()
	// From here on everything is stretched by the z of 2q, which makes that
	// point affine, too.
	t[0] = *q
	t[0].scale(&two.z)
	two.x.Normalize()
	two.y.Normalize()
	p := point{x: t[0].x, y: t[0].y}
	p.z.SetInt(1)
	ratios := make([]btcec.FieldVal, len(t)) // z of t[i] by that of t[i-1]
	for i := 1; i < len(t); i++ {
		ratios[i] = p.add(&two.x, &two.y)
		t[i] = affine{p.x, p.y}
	}
	// Stretch each by what its z lacks of the last one's.
	var f btcec.FieldVal
	f.SetInt(1)
	for i := len(t) - 1; i >= 0; i-- {
		t[i].scale(&f)
		f.Mul(&ratios[i])
	}
	z.Mul2(&p.z, &two.z)
	return z
}
