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
	//lint:ignore ST1005 the words are Core's
	ErrNoKey = errors.New("Address does not refer to key")
	//lint:ignore ST1005 the words are Core's
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

// legacySize is the length of a legacy signature in bytes.
const legacySize = 65

// Verify reports whether a signature of a text, as [Sign] or [SignSimple] makes
// it, is by the key of an address. The error is [ErrNoKey] for a signature of
// the legacy form and an address that has no public key hash, and
// [ErrMalformed].
func Verify(a address.Address, signature, text string, net *params.Network) (bool, error) {
	if len(signature) > base64.StdEncoding.EncodedLen(maxSimple) {
		return false, ErrMalformed
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(signature)
	if a.Kind() != address.PubKeyHash {
		if items, ok := parseSimple(sig); err == nil && ok && len(sig) != legacySize {
			return verifySimple(a, items, text), nil
		}
		return false, ErrNoKey
	}
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
