package bip324

import (
	"crypto/cipher"
	"encoding/binary"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// rekeyInterval is after how many packets both ciphers take a new key, so that
// whoever gets hold of a key cannot read what was sent long before.
const rekeyInterval = 224

// lengthCipher is FSChaCha20, which hides the lengths of packets. It is one
// stream of key for each interval; the last of it is the next key.
type lengthCipher struct {
	stream *chacha20.Cipher
	chunks uint64
}

func newLengthCipher(key []byte) lengthCipher {
	return lengthCipher{stream: newStream(key, 0)}
}

// newStream begins the key stream of an interval. The error that the library
// knows is of keys and nonces of other lengths than these.
func newStream(key []byte, interval uint64) *chacha20.Cipher {
	var nonce [chacha20.NonceSize]byte
	binary.LittleEndian.PutUint64(nonce[4:], interval)
	s, err := chacha20.NewUnauthenticatedCipher(key, nonce[:])
	if err != nil {
		panic(err)
	}
	return s
}

// crypt encrypts or decrypts the next length in place.
func (c *lengthCipher) crypt(b []byte) {
	c.stream.XORKeyStream(b, b)
	if c.chunks++; c.chunks%rekeyInterval == 0 {
		var key [chacha20.KeySize]byte
		c.stream.XORKeyStream(key[:], key[:])
		c.stream = newStream(key[:], c.chunks/rekeyInterval)
	}
}

// packetCipher is FSChaCha20Poly1305, which hides and authenticates packets.
type packetCipher struct {
	aead    cipher.AEAD
	packets uint64
	nonce   [chacha20poly1305.NonceSize]byte // of the call under way, kept here so that no call sets it aside
}

func newPacketCipher(key []byte) packetCipher { return packetCipher{aead: newAEAD(key)} }

func newAEAD(key []byte) cipher.AEAD {
	a, err := chacha20poly1305.New(key)
	if err != nil {
		panic(err) // a key of another length
	}
	return a
}

// setNonce makes the nonce with the given number in the present interval.
func (c *packetCipher) setNonce(number uint32) {
	binary.LittleEndian.PutUint32(c.nonce[:], number)
	binary.LittleEndian.PutUint64(c.nonce[4:], c.packets/rekeyInterval)
}

// seal encrypts in place what stands in b from start on, and adds its tag.
func (c *packetCipher) seal(b []byte, start int, additional []byte) []byte {
	c.setNonce(uint32(c.packets % rekeyInterval))
	b = c.aead.Seal(b[:start], c.nonce[:], b[start:], additional)
	c.advance()
	return b
}

// open decrypts sealed in place.
func (c *packetCipher) open(sealed, additional []byte) ([]byte, error) {
	c.setNonce(uint32(c.packets % rekeyInterval))
	plain, err := c.aead.Open(sealed[:0], c.nonce[:], sealed, additional)
	if err == nil {
		c.advance()
	}
	return plain, err
}

// advance counts a packet. The next key is the key stream of a nonce that no
// packet has.
func (c *packetCipher) advance() {
	if (c.packets+1)%rekeyInterval == 0 {
		c.setNonce(1<<32 - 1)
		var key [chacha20poly1305.KeySize + chacha20poly1305.Overhead]byte
		c.aead.Seal(key[:0], c.nonce[:], key[:chacha20poly1305.KeySize], nil)
		c.aead = newAEAD(key[:chacha20poly1305.KeySize])
	}
	c.packets++
}
