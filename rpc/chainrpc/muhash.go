package chainrpc

import (
	"crypto/sha256"
	"math/big"
	"slices"

	"golang.org/x/crypto/chacha20"

	"starling/wire"
)

// muhash is MuHash3072: a hash of a set that does not depend on the order in
// which the elements come. Each element becomes a number modulo a prime; their
// product is hashed.
type muhash struct {
	product *big.Int
	prime   *big.Int
}

const (
	muhashBits = 3072
	// muhashGap is how far the prime is below 2^3072; it is the greatest one.
	muhashGap = 1103717
)

func newMuhash() *muhash {
	prime := new(big.Int).Lsh(big.NewInt(1), muhashBits)
	return &muhash{product: big.NewInt(1), prime: prime.Sub(prime, big.NewInt(muhashGap))}
}

// add puts an element into the set.
func (m *muhash) add(element []byte) {
	key := sha256.Sum256(element)
	var nonce [chacha20.NonceSize]byte
	// The key is a hash, whose length is right.
	stream, _ := chacha20.NewUnauthenticatedCipher(key[:], nonce[:])
	var number [muhashBits / 8]byte
	stream.XORKeyStream(number[:], number[:])
	slices.Reverse(number[:])
	m.product.Mul(m.product, new(big.Int).SetBytes(number[:]))
	m.product.Mod(m.product, m.prime)
}

// sum returns the hash of the set.
func (m *muhash) sum() wire.Hash {
	var b [muhashBits / 8]byte
	m.product.FillBytes(b[:])
	slices.Reverse(b[:])
	return sha256.Sum256(b[:])
}
