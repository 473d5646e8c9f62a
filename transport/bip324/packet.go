package bip324

import (
	"errors"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// LengthSize is how many bytes hold a packet's length.
	LengthSize = 3
	// MaxContents is the most that a length can say.
	MaxContents = 1<<(8*LengthSize) - 1
	// sealedSize is what a packet has beside its length and its contents: a
	// header of one byte, and the tag.
	sealedSize = 1 + chacha20poly1305.Overhead
	// Overhead is what a packet adds to its contents, in bytes.
	Overhead = LengthSize + sealedSize

	// ignoreBit marks decoys in the header. The other bits have no meaning and
	// are not looked at.
	ignoreBit = 0x80
)

// ErrForged means that a packet is not as the other side sealed it.
var ErrForged = errors.New("a packet fails authentication")

// Sealer seals the packets that one side sends, in their order.
type Sealer struct {
	length lengthCipher
	packet packetCipher
}

// Seal adds to dst the packet whose contents are the parts one after the other,
// together at most [MaxContents] bytes. The other side needs the same
// additional data to open it, and passes over the contents if they are a decoy.
// With room for the packet in dst nothing is set aside.
func (s *Sealer) Seal(dst []byte, decoy bool, additional []byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > MaxContents {
		panic("bip324: contents are longer than a packet can be")
	}
	start := len(dst)
	dst = slices.Grow(dst, n+Overhead)
	dst = append(dst, byte(n), byte(n>>8), byte(n>>16))
	s.length.crypt(dst[start:])
	header := byte(0)
	if decoy {
		header = ignoreBit
	}
	dst = append(dst, header)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return s.packet.seal(dst, start+LengthSize, additional)
}

// Opener opens the packets that one side receives, in their order: for each of
// them first its length, then the rest. After an error it is of no more use.
type Opener struct {
	length lengthCipher
	packet packetCipher
}

// Length decrypts the length of the next packet and returns how many bytes come
// after it. Nothing shows yet whether the other side has written it. It changes
// b.
func (o *Opener) Length(b *[LengthSize]byte) int {
	o.length.crypt(b[:])
	n := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	return n + sealedSize
}

// ContentsSize returns how long the contents of a packet are of which size bytes
// come after the length.
func ContentsSize(size int) int { return size - sealedSize }

// Open opens in place the bytes that come after a packet's length, and reports
// whether they are a decoy. The contents are a part of sealed, whose other bytes
// become worthless. The error is [ErrForged].
func (o *Opener) Open(sealed, additional []byte) (contents []byte, decoy bool, err error) {
	plain, err := o.packet.open(sealed, additional)
	if err != nil || len(plain) == 0 {
		return nil, false, ErrForged
	}
	return plain[1:len(plain):len(plain)], plain[0]&ignoreBit != 0, nil
}
