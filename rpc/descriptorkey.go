package rpc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"

	"starling/script"
)

// maxMultisigKeys is how many keys a multisig script may have.
const maxMultisigKeys = 20

func sha(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

// descriptorKey reads a public key in hexadecimal digits, or a private key in
// wallet import format, whose public key counts. What stands in brackets
// before it says where it comes from, and is skipped.
func descriptorKey(s string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		if _, s, ok = strings.Cut(rest, "]"); !ok {
			return nil, Errorf(CodeInvalidAddress, "Key origin start '[ character expected but not found")
		}
	}
	if b, err := hex.DecodeString(s); err == nil {
		if !plainKey(b) {
			return nil, Errorf(CodeInvalidAddress, "Pubkey '%s' is invalid", s)
		}
		return b, nil
	}
	payload, _, err := base58.CheckDecode(s)
	const compressedMark = 1
	switch {
	case err != nil:
	case len(payload) == btcec.PrivKeyBytesLen+1 && payload[btcec.PrivKeyBytesLen] == compressedMark:
		_, pub := btcec.PrivKeyFromBytes(payload[:btcec.PrivKeyBytesLen])
		return pub.SerializeCompressed(), nil
	case len(payload) == btcec.PrivKeyBytesLen:
		_, pub := btcec.PrivKeyFromBytes(payload)
		return pub.SerializeUncompressed(), nil
	}
	return nil, Errorf(CodeInvalidAddress, "key '%s' is not valid", s)
}

// multiScript returns the script of multi(k,key,…) and sortedmulti(k,key,…).
func multiScript(sorted bool, args string) ([][]byte, error) {
	words := strings.Split(args, ",")
	need, err := strconv.Atoi(words[0])
	n := len(words) - 1
	switch {
	case err != nil:
		return nil, Errorf(CodeInvalidAddress, "Multi threshold '%s' is not valid", words[0])
	case n < 1 || n > maxMultisigKeys:
		return nil, Errorf(CodeInvalidAddress, "Cannot have %d keys in multisig; must have between 1 and %d keys, inclusive", n, maxMultisigKeys)
	case need < 1:
		return nil, Errorf(CodeInvalidAddress, "Multisig threshold cannot be %d, must be at least 1", need)
	case need > n:
		return nil, Errorf(CodeInvalidAddress, "Multisig threshold cannot be larger than the number of keys; threshold is %d but only %d keys specified", need, n)
	}
	keys := make([][]byte, n)
	for i, w := range words[1:] {
		if keys[i], err = descriptorKey(w); err != nil {
			return nil, err
		}
	}
	if sorted {
		slices.SortFunc(keys, bytes.Compare)
	}
	return [][]byte{script.PayToMultiSig(need, keys...)}, nil
}

// taprootScript returns the script of rawtr(key), and of tr(key) without
// scripts, whose key is tweaked by its own hash (BIP341).
func taprootScript(name, args string) ([][]byte, error) {
	if strings.Contains(args, ",") {
		return nil, Errorf(CodeInvalidAddress, "script trees are not supported in tr()")
	}
	x, err := hex.DecodeString(args)
	if err != nil || len(x) != schnorr.PubKeyBytesLen {
		key, err := descriptorKey(args)
		if err != nil {
			return nil, err
		}
		if len(key) != btcec.PubKeyBytesLenCompressed {
			return nil, Errorf(CodeInvalidAddress, "Uncompressed keys are not allowed")
		}
		x = key[1:]
	}
	key, err := schnorr.ParsePubKey(x)
	if err != nil {
		return nil, Errorf(CodeInvalidAddress, "Pubkey '%s' is invalid", args)
	}
	if name == "tr" {
		var tweak btcec.ModNScalar
		tweak.SetByteSlice(chainhash.TaggedHash(chainhash.TagTapTweak, x)[:])
		var p, t, q btcec.JacobianPoint
		key.AsJacobian(&p)
		btcec.ScalarBaseMultNonConst(&tweak, &t)
		btcec.AddNonConst(&p, &t, &q)
		q.ToAffine()
		x = schnorr.SerializePubKey(btcec.NewPublicKey(&q.X, &q.Y))
	}
	return [][]byte{script.PayToWitness(1, x)}, nil
}
