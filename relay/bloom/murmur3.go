package bloom

import (
	"encoding/binary"
	"math/bits"
)

// murmur3 is MurmurHash3 with a result of 32 bits (Appleby).
func murmur3(seed uint32, data []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	h, n := seed, uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		h ^= bits.RotateLeft32(binary.LittleEndian.Uint32(data)*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	var rest uint32
	for i, b := range data {
		rest |= uint32(b) << (8 * i)
	}
	h ^= bits.RotateLeft32(rest*c1, 15) * c2
	// The length, and a final mix.
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
