package gcs

import "math/bits"

// bitWriter appends numbers of some bits to bytes, highest bit first.
type bitWriter struct {
	b     []byte
	held  uint64 // bits that do not fill a byte yet, right-aligned
	nHeld uint
}

// write appends the n lowest bits of v, at most 32. The others are zero.
func (w *bitWriter) write(v uint64, n uint) {
	w.held = w.held<<n | v
	for w.nHeld += n; w.nHeld >= 8; {
		w.nHeld -= 8
		w.b = append(w.b, byte(w.held>>w.nHeld))
	}
}

// finish fills the last byte with zeros and returns all.
func (w *bitWriter) finish() []byte {
	if w.nHeld > 0 {
		w.write(0, 8-w.nHeld)
	}
	return w.b
}

// bitReader reads what a bitWriter has written.
type bitReader struct {
	b     []byte
	held  uint64 // left-aligned
	nHeld uint
}

// fill takes bytes as long as there is room for one.
func (r *bitReader) fill() {
	for r.nHeld <= 56 && len(r.b) > 0 {
		r.held |= uint64(r.b[0]) << (56 - r.nHeld)
		r.b = r.b[1:]
		r.nHeld += 8
	}
}

// unary returns how many ones come before the next zero, and passes over both; ok
// is false if there is no zero.
func (r *bitReader) unary() (n uint64, ok bool) {
	for {
		r.fill()
		ones := uint(bits.LeadingZeros64(^r.held))
		if ones < r.nHeld {
			r.held <<= ones + 1
			r.nHeld -= ones + 1
			return n + uint64(ones), true
		}
		if r.nHeld == 0 {
			return 0, false
		}
		n += uint64(r.nHeld)
		r.held, r.nHeld = 0, 0
	}
}

// read returns the next n bits, at most 32; ok is false if there are fewer.
func (r *bitReader) read(n uint) (v uint64, ok bool) {
	r.fill()
	if r.nHeld < n {
		return 0, false
	}
	v = r.held >> (64 - n)
	r.held <<= n
	r.nHeld -= n
	return v, true
}

// atEnd reports whether all that is left are the zeros that fill the last byte.
func (r *bitReader) atEnd() bool {
	r.fill()
	return r.nHeld < 8 && r.held == 0
}
