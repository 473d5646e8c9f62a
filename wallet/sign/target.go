package sign

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"starling/address"
	"starling/script"
	"starling/script/descriptor"
)

// Errors about what cannot be signed.
var (
	// ErrUnknownScript says that nobody here knows how to spend the output.
	ErrUnknownScript = errors.New("the output's script is of no known form")
	// ErrNoRedeem says that the script behind a script hash is not known.
	ErrNoRedeem = errors.New("the redeem script is not known")
	// ErrNoWitness says that the script behind a witness hash is not known.
	ErrNoWitness = errors.New("the witness script is not known")
	// ErrHashType says that a hash type is not one of those that exist.
	ErrHashType = errors.New("there is no such hash type")
	// ErrNoOutput says that SIGHASH_SINGLE has no output to sign.
	ErrNoOutput = errors.New("there is no output with the number of the input, which SIGHASH_SINGLE would sign")
	// ErrSpentUnknown says that the output that an input spends is not known.
	//lint:ignore ST1005 the words are Core's
	ErrSpentUnknown = errors.New("Input not found or already spent")
	// ErrSpentMissing says that a taproot signature needs all outputs that the
	// transaction spends, and some are not known.
	ErrSpentMissing = errors.New("a taproot signature needs all outputs that the transaction spends")
)

// target is the script that must be satisfied in the end.
type target struct {
	class   script.Class
	parts   [][]byte
	code    []byte // what signatures commit to, but for taproot
	witness bool   // whether the items go into the witness
	redeem  []byte // pushed by the signature script after everything else; nil for none
	wscript []byte // the last item of the witness; nil for none
}

// resolve goes through the hashes to the script that must be satisfied.
func resolve(o *descriptor.Output) (target, error) {
	t := target{code: o.Script}
	t.class, t.parts = script.Classify(o.Script)
	if t.class == script.ScriptHash {
		if h := address.Hash160(o.Redeem); o.Redeem == nil || !bytes.Equal(h[:], t.parts[0]) {
			return t, ErrNoRedeem
		}
		t.redeem, t.code = o.Redeem, o.Redeem
		if t.class, t.parts = script.Classify(o.Redeem); t.class == script.WitnessV1Taproot {
			return t, ErrUnknownScript // taproot works only as it is
		}
	}
	switch t.class {
	case script.WitnessV0KeyHash:
		t.class, t.witness = script.PubKeyHash, true
		t.code = script.PayToPubKeyHash([20]byte(t.parts[0]))
	case script.WitnessV0ScriptHash:
		if h := sha256.Sum256(o.Witness); o.Witness == nil || !bytes.Equal(h[:], t.parts[0]) {
			return t, ErrNoWitness
		}
		t.witness, t.wscript, t.code = true, o.Witness, o.Witness
		t.class, t.parts = script.Classify(o.Witness)
		if t.class == script.WitnessV1Taproot {
			return t, ErrUnknownScript
		}
	case script.WitnessV1Taproot:
		t.witness = true
	}
	switch t.class {
	case script.PubKey, script.PubKeyHash, script.MultiSig, script.WitnessV1Taproot:
		return t, nil
	}
	return t, fmt.Errorf("%w (%s)", ErrUnknownScript, t.class)
}

// multi returns the number of signatures and the keys of a multi-signature
// script.
func (t *target) multi() (need int, keys [][]byte) {
	return int(t.parts[0][0]), t.parts[1 : len(t.parts)-1]
}

// pub returns the public key of a pay to public key hash, or nil.
func (t *target) pub(o *descriptor.Output) []byte {
	for _, k := range o.Keys {
		if h := address.Hash160(k.Pub); bytes.Equal(h[:], t.parts[0]) {
			return k.Pub
		}
	}
	return nil
}

// pubs returns the public keys that the script asks signatures of, as far as
// they are known.
func (t *target) pubs(o *descriptor.Output) [][]byte {
	switch t.class {
	case script.PubKey:
		return t.parts[:1]
	case script.PubKeyHash:
		if pub := t.pub(o); pub != nil {
			return [][]byte{pub}
		}
	case script.MultiSig:
		_, keys := t.multi()
		return keys
	}
	return nil
}

// keyOf returns what is known of a public key.
func keyOf(o *descriptor.Output, pub []byte) descriptor.Key {
	if k, ok := o.Key(pub); ok {
		return k
	}
	return descriptor.Key{Pub: pub}
}

// keyOfX returns what is known of a public key by its x coordinate.
func keyOfX(o *descriptor.Output, x [32]byte) descriptor.Key {
	if k, ok := o.KeyX(x); ok {
		return k
	}
	return descriptor.Key{Pub: append([]byte{2}, x[:]...)}
}
