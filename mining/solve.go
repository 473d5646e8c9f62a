package mining

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"sync"
	"sync/atomic"

	"github.com/holiman/uint256"

	"starling/chain/consensus"
	"starling/wire"
)

// ErrNoNonce reports that none of the nonces tried makes the header's hash
// meet its target. Another extra nonce or another time may.
var ErrNoNonce = errors.New("mining: no nonce found")

// solveBatch is how many nonces are tried between two looks at the context:
// about a millisecond of work.
const solveBatch = 1 << 12

// Solve tries nonces, from the header's own on, until the hash meets the
// header's target, and leaves the one found in the header. It tries at most
// maxTries, and never a nonce twice; tries says how many it took. The error is
// [ErrNoNonce] or the context's.
func Solve(ctx context.Context, h *wire.Header, maxTries uint64) (tries uint64, err error) {
	return search(ctx, h, maxTries, new(atomic.Uint64))
}

// search is [Solve], and adds to count, batch by batch, how many nonces it has
// tried.
func search(ctx context.Context, h *wire.Header, maxTries uint64, count *atomic.Uint64) (tries uint64, err error) {
	target, negative, overflow := consensus.CompactToTarget(h.Bits)
	if negative || overflow || target.IsZero() {
		return 0, fmt.Errorf("%w: nothing meets the target %08x", ErrNoNonce, h.Bits)
	}
	headers := newHeaderHasher(h)
	limit := min(maxTries, math.MaxUint32-uint64(h.Nonce)+1)
	for tries < limit {
		if ctx.Err() != nil {
			return tries, ctx.Err()
		}
		start := tries
		for end := min(start+solveBatch, limit); tries < end; tries++ {
			nonce := h.Nonce + uint32(tries)
			hash := headers.hash(nonce)
			if meets(&hash, &target) {
				h.Nonce = nonce
				tries++
				count.Add(tries - start)
				return tries, nil
			}
		}
		count.Add(tries - start)
	}
	return tries, ErrNoNonce
}

// headerHasher hashes a header with one nonce after the other. The first 64 of
// its 80 bytes, a block of the hash function, are always the same, so the state
// after them is kept, which saves a third of the work.
type headerHasher struct {
	digest interface {
		hash.Hash
		encoding.BinaryUnmarshaler
	}
	state []byte // after the first block
	tail  [wire.HeaderSize - sha256.BlockSize]byte
	first [sha256.Size]byte // here so that it is not allocated each time
}

func newHeaderHasher(h *wire.Header) *headerHasher {
	var buf [wire.HeaderSize]byte
	b := h.Append(buf[:0])
	digest := sha256.New()
	digest.Write(b[:sha256.BlockSize])
	// The package's documentation promises both interfaces.
	state, err := digest.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic("mining: " + err.Error())
	}
	hh := &headerHasher{state: state, digest: digest.(interface {
		hash.Hash
		encoding.BinaryUnmarshaler
	})}
	copy(hh.tail[:], b[sha256.BlockSize:])
	return hh
}

// hash returns the header's id with a nonce.
func (hh *headerHasher) hash(nonce uint32) wire.Hash {
	binary.LittleEndian.PutUint32(hh.tail[len(hh.tail)-4:], nonce)
	// It is the state that it made itself.
	_ = hh.digest.UnmarshalBinary(hh.state)
	hh.digest.Write(hh.tail[:])
	return sha256.Sum256(hh.digest.Sum(hh.first[:0]))
}

// searchAll searches all nonces of a header with so many threads, each with a
// range of its own, and leaves the one found in the header. The error is
// [ErrNoNonce] or the context's.
func searchAll(ctx context.Context, h *wire.Header, threads int, count *atomic.Uint64) error {
	if threads <= 1 {
		h.Nonce = 0
		_, err := search(ctx, h, math.MaxUint64, count)
		return err
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	span := (uint64(1)<<32 + uint64(threads) - 1) / uint64(threads)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		found bool
		base  = *h
	)
	for i := range threads {
		own := base
		own.Nonce = uint32(uint64(i) * span)
		wg.Go(func() {
			if _, err := search(inner, &own, span, count); err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if !found {
				found = true
				*h = own
				stop()
			}
		})
	}
	wg.Wait()
	switch {
	case found:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return ErrNoNonce
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
