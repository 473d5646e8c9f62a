package presync

import (
	"crypto/sha256"

	"starling/wire"
)

// marked reports whether a bit is kept of the header at this height.
func (w *Walk) marked(height int32) bool { return height%w.opt.Period == w.offset }

// bit is the secret bit of a header. One that is found by trying costs its maker
// a proof of work, and cannot be told from the other without the key.
func (w *Walk) bit(h *wire.Hash) byte {
	var b [64]byte
	copy(b[:], w.key[:])
	copy(b[32:], h[:])
	sum := sha256.Sum256(b[:])
	return sum[0] & 1
}

// keep stores one bit more. Room is made little by little, so that a peer gets
// as much of it as it has sent headers for, and never beyond the limit.
func (w *Walk) keep(bit byte) {
	if w.count%8 == 0 {
		if len(w.bits) == cap(w.bits) {
			room := max(firstBytes, 2*cap(w.bits))
			if w.limit >= 0 {
				room = min(room, bytesFor(w.limit))
			}
			w.bits = append(make([]byte, 0, room), w.bits...)
		}
		w.bits = append(w.bits, 0)
	}
	w.bits[w.count/8] |= bit << (w.count % 8)
	w.count++
}

// kept returns a bit that was stored.
func (w *Walk) kept(i int64) byte { return w.bits[i/8] >> (i % 8) & 1 }

// bytesFor returns how many bytes hold so many bits.
func bytesFor(bits int64) int { return int((bits + 7) / 8) }

// hold keeps headers of the second pass until they are released.
func (w *Walk) hold(headers []wire.Header) {
	if need := len(w.held) + len(headers); need > cap(w.held) {
		room := max(need, 2*cap(w.held))
		if w.opt.Buffer > 0 {
			room = max(need, min(room, w.opt.held()))
		}
		w.held = append(make([]wire.Header, 0, room), w.held...)
	}
	w.held = append(w.held, headers...)
}

// Size returns how many bytes of memory are set aside for bits and headers.
func (w *Walk) Size() int { return cap(w.bits) + headerBytes*cap(w.held) }

// Bound returns how many bytes that can become, or -1 if the options leave it
// without a bound.
func (w *Walk) Bound() int {
	if w.limit < 0 || w.opt.Buffer < 0 {
		return -1
	}
	return bytesFor(w.limit) + headerBytes*w.opt.held()
}
