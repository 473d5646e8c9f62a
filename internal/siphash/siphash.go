// Package siphash is SipHash-2-4 with a result of 64 bits (Aumasson and
// Bernstein): a fast hash under a key, whose results nobody who does not know
// the key can steer. It holds no state and starts no goroutine.
package siphash

import (
	"encoding/binary"
	"math/bits"
)

// Key is the secret of 128 bits, as two little-endian numbers.
type Key struct{ K0, K1 uint64 }

// NewKey reads a key from 16 bytes.
func NewKey(b *[16]byte) Key {
	return Key{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}

// The constants with which the key is mixed at the start: "somepseudorandomly
// generatedbytes", read as numbers.
const (
	start0 = 0x736f6d6570736575
	start1 = 0x646f72616e646f6d
	start2 = 0x6c7967656e657261
	start3 = 0x7465646279746573

	// finish marks the end of the message.
	finish = 0xff
)

// Sum64 returns the hash of a message of any length.
func (k Key) Sum64(msg []byte) uint64 {
	v0, v1, v2, v3 := k.K0^start0, k.K1^start1, k.K0^start2, k.K1^start3
	last := uint64(len(msg)) << 56
	for ; len(msg) >= 8; msg = msg[8:] {
		m := binary.LittleEndian.Uint64(msg)
		v3 ^= m
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0 ^= m
	}
	for i, b := range msg {
		last |= uint64(b) << (8 * i)
	}
	v3 ^= last
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= finish
	for range 4 {
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

// Sum256 returns the hash of a message of 32 bytes, such as the id of a
// transaction. It is [Key.Sum64] without its loops.
func (k Key) Sum256(msg *[32]byte) uint64 {
	v0, v1, v2, v3 := k.K0^start0, k.K1^start1, k.K0^start2, k.K1^start3
	m := binary.LittleEndian.Uint64(msg[0:])
	v3 ^= m
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= m
	m = binary.LittleEndian.Uint64(msg[8:])
	v3 ^= m
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= m
	m = binary.LittleEndian.Uint64(msg[16:])
	v3 ^= m
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= m
	m = binary.LittleEndian.Uint64(msg[24:])
	v3 ^= m
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= m
	const last = 32 << 56
	v3 ^= last
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= finish
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	return v0 ^ v1 ^ v2 ^ v3
}

// round mixes the state once.
func round(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
