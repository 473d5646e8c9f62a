package consensus

import (
	"encoding/binary"
	"math/bits"

	"github.com/holiman/uint256"

	"starling/params"
	"starling/wire"
)

// The compact form of a target is a floating-point number in base 256: the
// high byte is the length of the number in bytes, the rest its three highest
// bytes, of which the highest bit is a sign.
const (
	compactSign     = 0x00800000
	compactMantissa = 0x007fffff
)

// CompactToTarget expands a target from its compact form. A set sign bit on a
// number other than zero is reported as negative, a number that does not fit
// into 256 bits as overflow; the target is meaningless then, and no proof of
// work can meet it.
func CompactToTarget(compact uint32) (target uint256.Int, negative, overflow bool) {
	size := compact >> 24
	word := compact & compactMantissa
	if size <= 3 {
		word >>= 8 * (3 - size)
		target.SetUint64(uint64(word))
	} else {
		target.SetUint64(uint64(word))
		if size-3 >= 32 {
			target.Clear() // shifted out altogether
		} else {
			target.Lsh(&target, uint(8*(size-3)))
		}
	}
	negative = word != 0 && compact&compactSign != 0
	overflow = word != 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32))
	return target, negative, overflow
}

// TargetToCompact returns the compact form of a target. Digits beyond the
// three highest bytes are cut off, so that the result stands for a number that
// is equal or a little smaller.
func TargetToCompact(target *uint256.Int) uint32 {
	size := uint32(target.ByteLen())
	var word uint32
	if size <= 3 {
		word = uint32(target.Uint64()) << (8 * (3 - size))
	} else {
		var t uint256.Int
		word = uint32(t.Rsh(target, uint(8*(size-3))).Uint64())
	}
	// The highest bit of the mantissa is the sign; a number that would set it
	// takes one more byte.
	if word&compactSign != 0 {
		word >>= 8
		size++
	}
	return word | size<<24
}

// BlockWork returns the expected number of hashes that a header with the
// given compact target took to find: 2^256 / (target + 1). It is zero for a
// target that nothing can meet.
func BlockWork(compact uint32) uint256.Int {
	target, negative, overflow := CompactToTarget(compact)
	if negative || overflow || target.IsZero() {
		return uint256.Int{}
	}
	// 2^256 itself does not fit, but 2^256/(t+1) = (2^256-t-1)/(t+1) + 1, and
	// 2^256-t-1 is the complement of t.
	var work, divisor uint256.Int
	work.Not(&target)
	divisor.AddUint64(&target, 1)
	if divisor.IsZero() {
		// Not reachable: the compact form cannot hold 2^256-1.
		return *uint256.NewInt(1)
	}
	work.Div(&work, &divisor)
	work.AddUint64(&work, 1)
	return work
}

// CheckProofOfWork checks that the compact target is one that the network
// allows and that the block's hash meets it ("high-hash").
func CheckProofOfWork(hash wire.Hash, compact uint32, net *params.Network) error {
	target, negative, overflow := CompactToTarget(compact)
	switch {
	case negative || overflow || target.IsZero():
		return Reject(Invalid, "high-hash", "proof of work failed: %08x is not a target", compact)
	case target.Gt(net.PowLimit):
		return Reject(Invalid, "high-hash", "proof of work failed: target %08x is above the limit %08x", compact, net.PowLimitBits)
	case hashAbove(&hash, &target):
		return Reject(Invalid, "high-hash", "proof of work failed: hash is above target %08x", compact)
	}
	return nil
}

// hashAbove reports whether hash, read as a little-endian number, is greater
// than target.
func hashAbove(hash *wire.Hash, target *uint256.Int) bool {
	// Both numbers are kept in words, the lowest first.
	var borrow uint64
	for i := range 4 {
		_, borrow = bits.Sub64(target[i], binary.LittleEndian.Uint64(hash[8*i:]), borrow)
	}
	return borrow != 0
}
