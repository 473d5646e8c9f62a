package mining

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/wire"
)

// ErrNoNonce reports that none of the nonces tried makes the header's hash
// meet its target. Another extra nonce or another time may.
var ErrNoNonce = errors.New("mining: no nonce found")

// solveBatch is how many nonces are tried between two looks at the context:
// some ten milliseconds of work.
const solveBatch = 1 << 15

// Solve tries nonces, from the header's own on, until the hash meets the
// header's target, and leaves the one found in the header. It tries at most
// maxTries, and never a nonce twice; tries says how many it took. The error is
// [ErrNoNonce] or the context's.
func Solve(ctx context.Context, h *wire.Header, maxTries uint64) (tries uint64, err error) {
	target, negative, overflow := consensus.CompactToTarget(h.Bits)
	if negative || overflow || target.IsZero() {
		return 0, fmt.Errorf("%w: nothing meets the target %08x", ErrNoNonce, h.Bits)
	}
	var buf [wire.HeaderSize]byte
	b := h.Append(buf[:0])
	limit := min(maxTries, math.MaxUint32-uint64(h.Nonce)+1)
	for ; tries < limit; tries++ {
		if tries%solveBatch == 0 && ctx.Err() != nil {
			return tries, ctx.Err()
		}
		nonce := h.Nonce + uint32(tries)
		binary.LittleEndian.PutUint32(b[wire.HeaderSize-4:], nonce)
		hash := wire.DoubleHash(b)
		if meets(&hash, &target) {
			h.Nonce = nonce
			return tries + 1, nil
		}
	}
	return tries, ErrNoNonce
}

// meets reports whether a hash, as a little-endian number, is at most target.
func meets(hash *wire.Hash, target *uint256.Int) bool {
	// The highest 64 bits nearly always decide.
	if top := binary.LittleEndian.Uint64(hash[24:]); top != target[3] {
		return top < target[3]
	}
	var n uint256.Int
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(hash[8*i:])
	}
	return !n.Gt(target)
}
