package sign

import (
	"bytes"
	"crypto/rand"
	"io"

	"github.com/btcsuite/btcd/btcec/v2"

	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// Options tunes a [Signer]. The zero value works.
type Options struct {
	// Rand gives 32 bytes for each Schnorr signature (BIP340); crypto/rand if
	// nil. Readers that always give zeros make signatures deterministic.
	Rand io.Reader
	// AnyR leaves R as it comes, which saves time and costs half a byte for
	// each ECDSA signature.
	AnyR bool
}

// Signer makes the signatures of one transaction. It is not safe for
// concurrent use.
type Signer struct {
	tx     *wire.Tx
	spent  []wire.TxOut
	all    bool // whether all spent outputs are known
	hasher *script.SigHasher
	opts   Options
}

// New returns the signer of a transaction; spent[i] is the output that input i
// spends, with a nil Script if it is not known.
func New(tx *wire.Tx, spent []wire.TxOut, opts Options) *Signer {
	if opts.Rand == nil {
		opts.Rand = rand.Reader
	}
	s := &Signer{tx: tx, spent: spent, all: true, hasher: script.NewSigHasher(tx, spent), opts: opts}
	for i := range spent {
		s.all = s.all && spent[i].Script != nil
	}
	return s
}

// DefaultHashType returns the hash type that an output is signed with unless
// told otherwise: SIGHASH_DEFAULT for taproot, SIGHASH_ALL for all others.
func DefaultHashType(outScript []byte) uint32 {
	if class, _ := script.Classify(outScript); class == script.WitnessV1Taproot {
		return script.SigHashDefault
	}
	return script.SigHashAll
}

// Sign adds to have all signatures of input i that it lacks and that keys can
// make, given what is known of the output that it spends. It returns how many
// it added. The error is one of those of this package, or comes from the
// source of randomness; without a key there is no error, and no signature.
// For hashType see [DefaultHashType].
func (s *Signer) Sign(i int, o *descriptor.Output, keys Keys, hashType uint32, have *Signatures) (added int, err error) {
	t, err := resolve(o)
	if err != nil {
		return 0, err
	}
	base := hashType &^ script.SigHashAnyOneCanPay
	taproot := t.class == script.WitnessV1Taproot
	switch {
	case hashType > 0xff, base > script.SigHashSingle, base == script.SigHashDefault && (!taproot || hashType != base):
		return 0, ErrHashType
	case base == script.SigHashSingle && i >= len(s.tx.Out):
		return 0, ErrNoOutput
	case taproot:
		return s.signTaproot(i, o, keys, byte(hashType), have)
	}
	for _, pub := range t.pubs(o) {
		if t.witness && len(pub) != btcec.PubKeyBytesLenCompressed || have.ECDSA[string(pub)] != nil {
			continue // keys in witnesses must be compressed to be relayed
		}
		key, ok := keys.PrivateKey(keyOf(o, pub))
		if !ok || !isKeyOf(key, pub) {
			continue
		}
		sig := ECDSA(key, s.hash(i, &t, hashType), !s.opts.AnyR)
		have.AddECDSA(pub, append(sig, byte(hashType)))
		added++
	}
	return added, nil
}

// isKeyOf reports whether a private key belongs to a public key.
func isKeyOf(key *btcec.PrivateKey, pub []byte) bool {
	if len(pub) == btcec.PubKeyBytesLenCompressed {
		return bytes.Equal(key.PubKey().SerializeCompressed(), pub)
	}
	return bytes.Equal(key.PubKey().SerializeUncompressed(), pub)
}

// hash returns what an ECDSA signature signs.
func (s *Signer) hash(i int, t *target, hashType uint32) [32]byte {
	if t.witness {
		return s.hasher.Witness(i, t.code, hashType)
	}
	return script.SignatureHash(s.tx, i, t.code, hashType)
}

// signTaproot makes the signature by the output key if it can, and otherwise
// those in all leaves.
func (s *Signer) signTaproot(i int, o *descriptor.Output, keys Keys, hashType byte, have *Signatures) (added int, err error) {
	if !s.all {
		return 0, ErrSpentMissing
	}
	if have.TapKey != nil {
		return 0, nil
	}
	if key, ok := outputKey(o, keys); ok {
		hash, ok := s.hasher.TaprootKey(i, hashType)
		if !ok {
			return 0, ErrHashType
		}
		if have.TapKey, err = s.schnorr(key, hash, hashType); err != nil {
			return 0, err
		}
		return 1, nil
	}
	if o.Taproot == nil {
		return 0, nil
	}
	for _, l := range o.Taproot.Leaves {
		if l.Version != script.TapscriptVersion {
			continue
		}
		_, xs, _ := descriptor.TapMulti(l.Script)
		for _, x := range xs {
			name := LeafKey{[32]byte(x), l.Hash}
			if have.TapLeaf[name] != nil {
				continue
			}
			key, ok := keys.PrivateKey(keyOfX(o, name.X))
			if !ok || xOf(key.PubKey()) != name.X {
				continue
			}
			hash, ok := s.hasher.TaprootScript(i, hashType, l.Hash)
			if !ok {
				return added, ErrHashType
			}
			sig, err := s.schnorr(key, hash, hashType)
			if err != nil {
				return added, err
			}
			have.AddTapLeaf(name, sig)
			added++
		}
	}
	return added, nil
}

// outputKey returns the private key of a taproot output key: that of the
// internal key, tweaked, or else the output key's own.
func outputKey(o *descriptor.Output, keys Keys) (*btcec.PrivateKey, bool) {
	_, program, _ := script.WitnessProgram(o.Script)
	output := [32]byte(program)
	if tree := o.Taproot; tree != nil && tree.Output == output {
		if key, ok := keys.PrivateKey(keyOfX(o, tree.Internal)); ok && xOf(key.PubKey()) == tree.Internal {
			return tweak(key, tree.Root), true
		}
	}
	key, ok := keys.PrivateKey(keyOfX(o, output))
	return key, ok && xOf(key.PubKey()) == output
}

func (s *Signer) schnorr(key *btcec.PrivateKey, hash [32]byte, hashType byte) ([]byte, error) {
	var aux [32]byte
	if _, err := io.ReadFull(s.opts.Rand, aux[:]); err != nil {
		return nil, err
	}
	sig, err := Schnorr(key, hash, aux)
	if err == nil && hashType != script.SigHashDefault {
		sig = append(sig, hashType)
	}
	return sig, err
}
