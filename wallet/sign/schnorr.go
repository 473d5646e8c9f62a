package sign

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"starling/script"
)

// Schnorr signs a hash (BIP340), with aux mixed into the nonce.
func Schnorr(key *btcec.PrivateKey, hash, aux [32]byte) ([]byte, error) {
	sig, err := schnorr.Sign(key, hash[:], schnorr.CustomNonce(aux))
	if err != nil {
		return nil, err
	}
	return sig.Serialize(), nil
}

// tweak returns the private key of a taproot output key (BIP341).
func tweak(key *btcec.PrivateKey, root []byte) *btcec.PrivateKey {
	d := key.Key
	if key.PubKey().SerializeCompressed()[0] == 3 {
		d.Negate()
	}
	var t btcec.ModNScalar
	hash := script.TapTweak(xOf(key.PubKey()), root)
	t.SetBytes(&hash)
	d.Add(&t)
	return btcec.PrivKeyFromScalar(&d)
}
