package wire

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// HashSize is the length of a [Hash] in bytes.
const HashSize = chainhash.HashSize

// Hash is a double SHA-256 in the order it has on the wire. String shows it
// the way people write it, last byte first.
type Hash = chainhash.Hash

// HashFromString reads the usual display form (64 hexadecimal digits, last
// byte first). Strings of any other length are refused. Errors are
// [*DecodeError].
func HashFromString(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*HashSize {
		return h, &DecodeError{What: "hash", Reason: "want 64 hexadecimal digits"}
	}
	if err := chainhash.Decode(&h, s); err != nil {
		return Hash{}, &DecodeError{What: "hash", Reason: err.Error()}
	}
	return h, nil
}

// MustHash is [HashFromString] for constants; it panics on a bad string.
func MustHash(s string) Hash {
	h, err := HashFromString(s)
	if err != nil {
		panic(err)
	}
	return h
}

// DoubleHash returns SHA-256(SHA-256(b)).
func DoubleHash(b []byte) Hash {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

// OutPoint names one output of one transaction.
type OutPoint struct {
	Hash  Hash   // id of the transaction
	Index uint32 // position of the output in it
}

// OutPointSize is the length of an encoded [OutPoint] in bytes.
const OutPointSize = HashSize + 4

// NullIndex is the output index that, with a zero hash, marks a coinbase input.
const NullIndex = 0xffffffff

// IsNull reports whether o is the null outpoint of a coinbase input.
func (o OutPoint) IsNull() bool { return o.Index == NullIndex && o.Hash == Hash{} }

// Append adds the 36-byte encoding of o to dst.
func (o OutPoint) Append(dst []byte) []byte {
	dst = append(dst, o.Hash[:]...)
	return binary.LittleEndian.AppendUint32(dst, o.Index)
}
