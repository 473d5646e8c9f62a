package message

import (
	"encoding/base64"
	"errors"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"starling/address"
	"starling/params"
	"starling/wire"
)

// prefix opens what is signed, so that no signature of a text is one of a
// transaction.
const prefix = "Bitcoin Signed Message:\n"

// Errors of [Verify].
var (
	ErrNoKey     = errors.New("Address does not refer to key")
	ErrMalformed = errors.New("Malformed base64 encoding")
)

// Hash returns what a signature of a text signs.
func Hash(text string) wire.Hash {
	return wire.DoubleHash(wire.AppendVarBytes(wire.AppendVarBytes(nil, []byte(prefix)), []byte(text)))
}

// Sign signs a text with a private key, for the address of its public key's
// hash, compressed or not. The signature is in base64.
func Sign(key *btcec.PrivateKey, compressed bool, text string) string {
	hash := Hash(text)
	return base64.StdEncoding.EncodeToString(ecdsa.SignCompact(key, hash[:], compressed))
}

// Verify reports whether a signature of a text, as [Sign] makes it, is by the
// key whose hash an address has. The error is [ErrNoKey] or [ErrMalformed].
func Verify(a address.Address, signature, text string, net *params.Network) (bool, error) {
	if a.Kind() != address.PubKeyHash {
		return false, ErrNoKey
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil {
		return false, ErrMalformed
	}
	hash := Hash(text)
	key, compressed, err := ecdsa.RecoverCompact(sig, hash[:])
	if err != nil {
		return false, nil // no key could have made it
	}
	pub := key.SerializeUncompressed()
	if compressed {
		pub = key.SerializeCompressed()
	}
	return address.NewPubKeyHash(address.Hash160(pub), net) == a, nil
}
