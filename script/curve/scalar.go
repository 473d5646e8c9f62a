package curve

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/holiman/uint256"
)

// maxDigits is how many digits a number of 256 bits can have: one more than
// bits, for a carry.
const maxDigits = 257

// digits is a number as a sum of digits times powers of two, the lowest first.
// A digit is zero or odd and may be negative, and a digit that is not zero is
// followed by some that are: the "non-adjacent form" for a window.
type digits struct {
	d [maxDigits]int16
	n int // digits from here on are zero
}

// set takes in k. Digits are below 2^(window-1) either way, and of any window
// of them one at most is not zero. d must be zero before.
func (d *digits) set(k *uint256.Int, window uint) {
	carry := uint64(0)
	for i, bits := uint(0), uint(k.BitLen()); i < bits || carry != 0; {
		v := bitsFrom(k, i)&(1<<window-1) + carry
		if v&1 == 0 {
			i++ // of k's bit and the carry both are set, or none is
			continue
		}
		carry = v >> (window - 1)
		d.d[i] = int16(v) - int16(carry<<window)
		d.n = int(i) + 1
		i += window
	}
}

// bitsFrom returns bits i to i+63 of k.
func bitsFrom(k *uint256.Int, i uint) uint64 {
	word, shift := i/64, i%64
	var v uint64
	if word < 4 {
		v = k[word] >> shift
	}
	if word < 3 {
		v |= k[word+1] << (64 - shift) // no bits if shift is 0
	}
	return v
}

// Multiplying a point by lambda is cheap: it multiplies x by beta. Both are
// cube roots of one, lambda modulo the group order and beta in the field.
var (
	lambda = scalar("5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72")
	beta   = field("7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee")

	// (splitA, -splitB) and (splitA+splitB, splitA) are short vectors (a, b)
	// for which a + b*lambda is a multiple of the group order. (Guide to
	// Elliptic Curve Cryptography, 3.5.)
	order  = *uint256.MustFromHex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	splitA = *uint256.MustFromHex("0x3086d221a7d46bcde86c90e49284eb15")
	splitB = *uint256.MustFromHex("0xe4437ed6010e88286f547fa90abfe4c3")
)

// split finds numbers of about half the size with k = k1 + k2*lambda modulo the
// group order. It returns how big they are and which of them are negative.
func split(k *btcec.ModNScalar) (k1, k2 uint256.Int, neg1, neg2 bool) {
	// Any c1 and c2 give a right answer; k times the vectors' shares in the
	// order gives a short one.
	var kk, c1, c2 uint256.Int
	b := k.Bytes()
	kk.SetBytes32(b[:])
	c1.MulDivOverflow(&kk, &splitA, &order)
	c2.MulDivOverflow(&kk, &splitB, &order)
	var s1, s2, t btcec.ModNScalar
	s2.Mul2(toScalar(&c1), toScalar(&splitB))
	s2.Add(t.Mul2(toScalar(&c2), toScalar(&splitA)).Negate())
	s1.Mul2(&s2, &lambda).Negate().Add(k)
	k1, neg1 = size(&s1)
	k2, neg2 = size(&s2)
	return k1, k2, neg1, neg2
}

// size takes the upper half of the numbers below the group order as negative.
func size(s *btcec.ModNScalar) (n uint256.Int, negative bool) {
	if negative = s.IsOverHalfOrder(); negative {
		s.Negate()
	}
	b := s.Bytes()
	n.SetBytes32(b[:])
	return n, negative
}

func toScalar(n *uint256.Int) *btcec.ModNScalar {
	var s btcec.ModNScalar
	b := n.Bytes32()
	s.SetBytes(&b)
	return &s
}

func scalar(hex string) btcec.ModNScalar {
	return *toScalar(uint256.MustFromHex("0x" + hex))
}

func field(hex string) (f btcec.FieldVal) {
	b := uint256.MustFromHex("0x" + hex).Bytes32()
	f.SetBytes(&b)
	return f
}
