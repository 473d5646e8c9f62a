package descriptor

import (
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

// uncompressedLen is the length of an uncompressed public key in bytes.
const uncompressedLen = 65

// size returns how many bytes the key takes in a script outside taproot.
func (k *key) size() int {
	if k.ext != nil {
		return btcec.PubKeyBytesLenCompressed
	}
	return len(k.pub)
}

// key reads a key expression.
func (p parser) key(s string, in scope) (*key, error) {
	origin, expr, has := strings.Cut(s, "]")
	if !has {
		mark := byte('h')
		return p.bareKey(s, in, &mark)
	}
	if strings.Contains(expr, "]") {
		return nil, errorf("Multiple ']' characters found for a single pubkey")
	}
	if !strings.HasPrefix(origin, "[") {
		return nil, errorf("Key origin start '[ character expected but not found, got '%c' instead", s[0])
	}
	steps := strings.Split(origin[1:], "/")
	if len(steps[0]) != 2*len(Fingerprint{}) {
		return nil, errorf("Fingerprint is not 4 bytes (%d characters instead of 8 characters)", len(steps[0]))
	}
	var o Origin
	if _, err := hex.Decode(o.Fingerprint[:], []byte(steps[0])); err != nil {
		return nil, errorf("Fingerprint '%s' is not hex", steps[0])
	}
	mark := byte('h')
	paths, err := parsePath(steps[1:], &mark, false)
	if err != nil {
		return nil, err
	}
	o.Path = paths[0]
	k, err := p.bareKey(expr, in, &mark)
	if err != nil {
		return nil, err
	}
	k.origin, k.mark = &o, mark
	return k, nil
}

// bareKey reads a key without origin.
func (p parser) bareKey(s string, in scope, mark *byte) (*key, error) {
	steps := strings.Split(s, "/")
	text := steps[0]
	if text == "" {
		return nil, errorf("No key provided")
	}
	if isSpace(text[0]) || isSpace(text[len(text)-1]) {
		return nil, errorf("Key '%s' is invalid due to whitespace", shorten(text))
	}
	if len(steps) == 1 {
		if b, err := hex.DecodeString(text); err == nil {
			return plainKey(b, text, in)
		}
		if priv, compressed, err := ParseWIF(text, p.net); err == nil {
			return wifKey(priv, compressed, in)
		}
	}
	return p.extendedKey(steps, mark)
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// allowsUncompressed reports whether keys may be uncompressed.
func (in scope) allowsUncompressed() bool { return in == scopeTop || in == scopeSH }

// plainKey makes a key of the bytes of a public key.
func plainKey(b []byte, text string, in scope) (*key, error) {
	if len(b) == uncompressedLen && (b[0] == 6 || b[0] == 7) {
		return nil, errorf("Hybrid public keys are not allowed")
	}
	if len(b) == schnorr.PubKeyBytesLen && in == scopeTR {
		if _, err := schnorr.ParsePubKey(b); err == nil {
			return &key{pub: append([]byte{2}, b...), xonly: true, mark: 'h'}, nil
		}
	}
	if _, err := btcec.ParsePubKey(b); err != nil {
		return nil, errorf("Pubkey '%s' is invalid", shorten(text))
	}
	if len(b) != btcec.PubKeyBytesLenCompressed && !in.allowsUncompressed() {
		return nil, errorf("Uncompressed keys are not allowed")
	}
	return &key{pub: b, mark: 'h'}, nil
}

// wifKey makes a key of a private one.
func wifKey(priv *btcec.PrivateKey, compressed bool, in scope) (*key, error) {
	k := &key{priv: priv, mark: 'h', xonly: in == scopeTR}
	if compressed {
		k.pub = priv.PubKey().SerializeCompressed()
		return k, nil
	}
	if !in.allowsUncompressed() {
		return nil, errorf("Uncompressed keys are not allowed")
	}
	k.pub = priv.PubKey().SerializeUncompressed()
	return k, nil
}

// extendedKey makes a key of an extended one and the steps from it.
func (p parser) extendedKey(steps []string, mark *byte) (*key, error) {
	ext, err := ParseExtended(steps[0], p.net)
	if err != nil {
		return nil, errorf("key '%s' is not valid", shorten(steps[0]))
	}
	k := &key{ext: ext, parent: new(parentKey)}
	if steps = steps[1:]; len(steps) > 0 {
		switch last := steps[len(steps)-1]; last {
		case "*":
			k.wild = wildNormal
		case "*h", "*'":
			k.wild, *mark = wildHardened, last[1]
		}
		if k.wild != wildNone {
			steps = steps[:len(steps)-1]
		}
	}
	if k.paths, err = parsePath(steps, mark, true); err != nil {
		return nil, err
	}
	k.mark = *mark
	if ext.IsPrivate() {
		k.extPriv = ext
		if k.ext, err = neuter(ext, p.net); err != nil {
			return nil, errorf("key '%s' is not valid", shorten(steps[0]))
		}
	}
	return k, nil
}
