package curve

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

// special are numbers at which tables, windows and halves begin or end, or at
// which two of the four points are the same or each other's negative.
var special = []string{
	"0", "1", "2", "3", "15", "16", "17", "31", "7ff", "800", "801", "fff",
	"7fffffffffffffffffffffffffffffff", "80000000000000000000000000000000",
	"ffffffffffffffffffffffffffffffff", "100000000000000000000000000000000",
	"fffffffffffffffffffffffffffffff800000000000000000000000000000000", // the upper half is all ones
	"7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", // half the order
	"7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1",
	"5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72", // lambda
	"ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283ce", // lambda squared
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413f",
	"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
}

// scalars draws numbers below the group order, also those of few bits, and
// some around the special ones.
func scalars() *rapid.Generator[btcec.ModNScalar] {
	return rapid.Custom(func(t *rapid.T) (s btcec.ModNScalar) {
		switch rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			s = scalar(rapid.SampledFrom(special).Draw(t, "special"))
			var more btcec.ModNScalar
			s.Add(more.SetInt(rapid.Uint32Range(0, 2).Draw(t, "more")))
		case 1:
			s = scalar(rapid.SampledFrom(special).Draw(t, "special"))
			var f btcec.ModNScalar
			s.Mul(f.SetInt(rapid.Uint32().Draw(t, "times")))
		case 2:
			s.SetByteSlice(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x80, 0xff}), 32, 32).Draw(t, "bytes"))
		default:
			s.SetByteSlice(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "bytes"))
		}
		return s
	})
}

// keys draws private keys, of all numbers but zero.
func keys() *rapid.Generator[*btcec.PrivateKey] {
	return rapid.Map(scalars().Filter(func(k btcec.ModNScalar) bool { return !k.IsZero() }),
		func(k btcec.ModNScalar) *btcec.PrivateKey { return key(&k) })
}

// key makes a private key of a number.
func key(k *btcec.ModNScalar) *btcec.PrivateKey {
	b := k.Bytes()
	private, _ := btcec.PrivKeyFromBytes(b[:])
	return private
}

// library computes the same sum as multiplyAdd.
func library(a, b *btcec.ModNScalar, q *btcec.JacobianPoint) (sum btcec.JacobianPoint) {
	var p1, p2 btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(a, &p1)
	btcec.ScalarMultNonConst(b, q, &p2)
	btcec.AddNonConst(&p1, &p2, &sum)
	sum.ToAffine()
	return sum
}

func TestMultiplyAddIsTheLibrarys(t *testing.T) {
	check := func(t rapid.TB, a, b, q *btcec.ModNScalar) {
		t.Helper()
		var point btcec.JacobianPoint
		btcec.ScalarBaseMultNonConst(q, &point)
		point.ToAffine()
		want := library(a, b, &point)
		got := multiplyAdd(a, b, &affine{point.X, point.Y})
		infinite := want.X.IsZero() && want.Y.IsZero()
		if got.infinite || infinite {
			if got.infinite != infinite {
				t.Fatalf("%v*G + %v*%v*G: infinite %t, want %t", a, b, q, got.infinite, infinite)
			}
			return
		}
		got.z.Inverse()
		p := affine{got.x, got.y}
		p.scale(&got.z)
		if !p.x.Equals(&want.X) || !p.y.Equals(&want.Y) {
			t.Fatalf("%v*G + %v*%v*G is (%v, %v), want (%v, %v)", a, b, q, p.x, p.y, want.X, want.Y)
		}
	}
	for _, ah := range special {
		for _, bh := range special {
			for _, qh := range []string{special[1], special[2], special[len(special)-1], special[19], special[15]} {
				a, b, q := scalar(ah), scalar(bh), scalar(qh)
				check(t, &a, &b, &q)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, q := scalars().Draw(t, "a"), scalars().Draw(t, "b"), keys().Draw(t, "q").Key
		if rapid.IntRange(0, 3).Draw(t, "cancel") == 0 {
			a.Mul2(&b, &q).Negate() // the sum is infinite
		}
		check(t, &a, &b, &q)
	})
}

func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := scalars().Draw(t, "k")
		k1, k2, neg1, neg2 := split(&k)
		if k1.BitLen() > 129 || k2.BitLen() > 129 {
			t.Fatalf("halves of %d and %d bits", k1.BitLen(), k2.BitLen())
		}
		s1, s2 := toScalar(&k1), toScalar(&k2)
		if neg1 {
			s1.Negate()
		}
		if neg2 {
			s2.Negate()
		}
		if s1.Add(s2.Mul(&lambda)); !s1.Equals(&k) {
			t.Fatalf("the halves make %v of %v", s1, k)
		}
	})
}

func TestDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := uint256.Int{
			rapid.Uint64().Draw(t, "0"), rapid.Uint64().Draw(t, "1"), rapid.Uint64().Draw(t, "2"), rapid.Uint64().Draw(t, "3"),
		}
		k.Rsh(&k, uint(rapid.IntRange(0, 256).Draw(t, "shift")))
		if rapid.Bool().Draw(t, "ones") {
			k.Not(&k)
		}
		window := uint(rapid.SampledFrom([]int{2, keyWindow, baseWindow}).Draw(t, "window"))
		var d digits
		d.set(&k, window)
		var sum uint256.Int // modulo 2^256
		free := 0           // where the next digit may be
		for i, v := range d.d {
			if v == 0 {
				continue
			}
			if i < free || i >= d.n || v&1 == 0 || int(v) >= 1<<(window-1) || int(v) <= -1<<(window-1) {
				t.Fatalf("digit %d at %d; %d is free, %d in all", v, i, free, d.n)
			}
			free = i + int(window)
			size := uint256.NewInt(uint64(max(v, -v)))
			if size.Lsh(size, uint(i)); v > 0 {
				sum.Add(&sum, size)
			} else {
				sum.Sub(&sum, size)
			}
		}
		if sum != k {
			t.Fatalf("digits of %v make %v", &k, &sum)
		}
	})
}

// TestECDSAIsTheLibrarys holds good and spoilt signatures against the library.
func TestECDSAIsTheLibrarys(t *testing.T) {
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		private := keys().Draw(t, "key")
		var hash [32]byte
		copy(hash[:], rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "hash"))
		sig := ecdsa.Sign(private, hash[:])
		r, s := sig.R(), sig.S()
		public := private.PubKey()
		switch rapid.IntRange(0, 6).Draw(t, "change") {
		case 0:
			s.Negate() // as good as before
		case 1:
			r = scalars().Draw(t, "r")
		case 2:
			s = scalars().Draw(t, "s")
		case 3:
			hash[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		case 4:
			public = keys().Draw(t, "other").PubKey()
		}
		want := ecdsa.NewSignature(&r, &s).Verify(hash[:], public)
		if want {
			good++
		}
		if got := VerifyECDSA(&r, &s, &hash, public); got != want {
			t.Fatalf("%t, want %t", got, want)
		}
	})
	if good == 0 {
		t.Error("not one was good")
	}
}

// TestECDSALargeX makes keys for signatures whose point has an x above the
// group order, which nobody meets by chance.
func TestECDSALargeX(t *testing.T) {
	var found int
	for i := range uint16(40) {
		var x, y, r btcec.FieldVal
		r.SetInt(i)
		x.Add2(&orderInField, &r).Normalize()
		if i == 0 || !btcec.DecompressY(&x, i%2 == 0, &y) {
			continue
		}
		found++
		// The key is (s*R - e*G)/r.
		var sR, q, p btcec.JacobianPoint
		R := btcec.MakeJacobianPoint(&x, y.Normalize(), new(btcec.FieldVal).SetInt(1))
		var rs, s, e, inv btcec.ModNScalar
		rs.SetInt(uint32(i))
		s.SetInt(77)
		hash := [32]byte{1, byte(i)}
		e.SetBytes(&hash)
		btcec.ScalarMultNonConst(&s, &R, &sR)
		btcec.ScalarBaseMultNonConst(e.Negate(), &p)
		btcec.AddNonConst(&sR, &p, &q)
		btcec.ScalarMultNonConst(inv.InverseValNonConst(&rs), &q, &q)
		q.ToAffine()
		public := btcec.NewPublicKey(&q.X, &q.Y)
		if !ecdsa.NewSignature(&rs, &s).Verify(hash[:], public) || !VerifyECDSA(&rs, &s, &hash, public) {
			t.Errorf("r = %d: refused", i)
		}
		hash[5]++
		if VerifyECDSA(&rs, &s, &hash, public) {
			t.Errorf("r = %d: taken for another hash", i)
		}
	}
	if found == 0 {
		t.Error("no such point")
	}
}

// TestECDSAInfinity has a signature whose sum is no point at all.
func TestECDSAInfinity(t *testing.T) {
	// With key d, e + r*d = 0 makes the sum infinite, for any s.
	var d, r, s btcec.ModNScalar
	d.SetInt(5)
	r.SetInt(7)
	s.SetInt(9)
	var e btcec.ModNScalar
	e.Mul2(&d, &r).Negate()
	hash := e.Bytes()
	if VerifyECDSA(&r, &s, &hash, key(&d).PubKey()) {
		t.Error("taken")
	}
	// And r or s may not be zero.
	var zero btcec.ModNScalar
	if VerifyECDSA(&zero, &s, &hash, key(&d).PubKey()) || VerifyECDSA(&r, &zero, &hash, key(&d).PubKey()) {
		t.Error("zero was taken")
	}
}

// TestSchnorrIsTheLibrarys holds good and spoilt signatures against the
// library, which for itself is held against the vectors of BIP340.
func TestSchnorrIsTheLibrarys(t *testing.T) {
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		private := keys().Draw(t, "key")
		var hash, x [32]byte
		copy(hash[:], rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "hash"))
		signed, err := schnorr.Sign(private, hash[:])
		if err != nil {
			t.Fatal(err)
		}
		sig := [64]byte(signed.Serialize())
		copy(x[:], schnorr.SerializePubKey(private.PubKey()))
		switch rapid.IntRange(0, 4).Draw(t, "change") {
		case 0:
			sig[rapid.IntRange(0, 63).Draw(t, "byte")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		case 1:
			hash[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		case 2:
			x[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		case 3: // the other point with this x
			s := scalarOf(sig[32:])
			b := s.Negate().Bytes()
			copy(sig[32:], b[:])
		}
		want := librarySchnorr(&sig, &x, &hash)
		if want {
			good++
		}
		if got := VerifySchnorr(&sig, &x, &hash); got != want {
			t.Fatalf("%t, want %t", got, want)
		}
	})
	if good == 0 {
		t.Error("not one was good")
	}
}

// TestSchnorrOddY has signatures that are right but for the y of their point,
// which must be even: of a number and its negative one always is odd.
func TestSchnorrOddY(t *testing.T) {
	private := key(new(btcec.ModNScalar).SetInt(3))
	if private.PubKey().SerializeCompressed()[0] != 2 {
		t.Fatal("BIP340 would use the key's negative")
	}
	x := [32]byte(schnorr.SerializePubKey(private.PubKey()))
	hash := [32]byte{8}
	taken := 0
	for i := range uint32(20) {
		k := new(btcec.ModNScalar).SetInt(i/2 + 1)
		if i%2 == 1 {
			k.Negate()
		}
		var r btcec.JacobianPoint
		btcec.ScalarBaseMultNonConst(k, &r)
		r.ToAffine()
		var sig [64]byte
		r.X.PutBytesUnchecked(sig[:32])
		e := scalarOf(chainhash.TaggedHash(chainhash.TagBIP0340Challenge, sig[:32], x[:], hash[:])[:])
		k.Add(e.Mul(&private.Key)).PutBytesUnchecked(sig[32:])
		if got := VerifySchnorr(&sig, &x, &hash); got == r.Y.IsOdd() {
			t.Errorf("odd %t, taken %t", r.Y.IsOdd(), got)
		} else if got {
			taken++
		}
	}
	if taken != 10 {
		t.Errorf("%d of 20 were taken", taken)
	}
}

func scalarOf(b []byte) (s btcec.ModNScalar) {
	s.SetByteSlice(b)
	return s
}

// librarySchnorr is VerifySchnorr by the library, which takes s modulo the
// group order where BIP340 refuses it.
func librarySchnorr(sig *[64]byte, x, hash *[32]byte) bool {
	var s btcec.ModNScalar
	if s.SetByteSlice(sig[32:]) {
		return false
	}
	parsed, err := schnorr.ParseSignature(sig[:])
	if err != nil {
		return false
	}
	public, err := schnorr.ParsePubKey(x[:])
	return err == nil && parsed.Verify(hash[:], public)
}

func FuzzVerifyECDSA(f *testing.F) {
	private := key(new(btcec.ModNScalar).SetInt(3))
	hash := bytes.Repeat([]byte{7}, 32)
	sig := ecdsa.Sign(private, hash)
	r, s := sig.R(), sig.S()
	rb, sb := r.Bytes(), s.Bytes()
	f.Add(rb[:], sb[:], hash, private.PubKey().SerializeCompressed())
	f.Fuzz(func(t *testing.T, rb, sb, hb, public []byte) {
		q, err := btcec.ParsePubKey(public)
		if err != nil {
			// Any bytes make a key.
			k := scalarOf(public[:min(32, len(public))])
			if k.IsZero() {
				return
			}
			q = key(&k).PubKey()
		}
		var hash [32]byte
		copy(hash[:], hb)
		r, s := scalarOf(rb[:min(32, len(rb))]), scalarOf(sb[:min(32, len(sb))])
		want := ecdsa.NewSignature(&r, &s).Verify(hash[:], q)
		if got := VerifyECDSA(&r, &s, &hash, q); got != want {
			t.Errorf("%t, want %t", got, want)
		}
	})
}

func FuzzVerifySchnorr(f *testing.F) {
	private := key(new(btcec.ModNScalar).SetInt(3))
	hash := bytes.Repeat([]byte{7}, 32)
	sig, err := schnorr.Sign(private, hash)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sig.Serialize(), schnorr.SerializePubKey(private.PubKey()), hash)
	f.Fuzz(func(t *testing.T, sb, xb, hb []byte) {
		var sig [64]byte
		var x, hash [32]byte
		copy(sig[:], sb)
		copy(x[:], xb)
		copy(hash[:], hb)
		if got, want := VerifySchnorr(&sig, &x, &hash), librarySchnorr(&sig, &x, &hash); got != want {
			t.Errorf("%t, want %t", got, want)
		}
	})
}

// BenchmarkVerifyECDSA compares with the library, over keys that differ.
func BenchmarkVerifyECDSA(b *testing.B) {
	type signature struct {
		r, s   btcec.ModNScalar
		hash   [32]byte
		public *btcec.PublicKey
	}
	dice := rand.NewChaCha8([32]byte{1})
	var sigs [64]signature
	for i := range sigs {
		var k [32]byte
		dice.Read(k[:])
		dice.Read(sigs[i].hash[:])
		private, public := btcec.PrivKeyFromBytes(k[:])
		sig := ecdsa.Sign(private, sigs[i].hash[:])
		sigs[i].r, sigs[i].s, sigs[i].public = sig.R(), sig.S(), public
	}
	b.Run("library", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			s := &sigs[i%len(sigs)]
			if !ecdsa.NewSignature(&s.r, &s.s).Verify(s.hash[:], s.public) {
				b.Fatal("refused")
			}
		}
	})
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s := &sigs[i%len(sigs)]
			if !VerifyECDSA(&s.r, &s.s, &s.hash, s.public) {
				b.Fatal("refused")
			}
		}
	})
}
