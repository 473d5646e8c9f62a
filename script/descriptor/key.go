package descriptor

import (
	"bytes"
	"encoding/hex"
	"sync"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"starling/params"
)

// wildcard says what the last step of a ranged key is.
type wildcard uint8

const (
	wildNone     wildcard = iota
	wildNormal            // /*
	wildHardened          // /*h
)

// key is one key expression. It is immutable but for what has been derived.
type key struct {
	origin *Origin // as given in brackets; nil if there is none
	mark   byte    // what hardened steps are written with

	// A plain key has pub, and perhaps priv.
	pub   []byte // compressed or uncompressed
	xonly bool   // written as its x coordinate
	priv  *btcec.PrivateKey

	// An extended key has ext, and perhaps extPriv.
	ext     *hdkeychain.ExtendedKey
	extPriv *hdkeychain.ExtendedKey
	paths   [][]uint32 // the steps to go; several while alternatives are not chosen yet
	wild    wildcard

	parent *parentKey // shared by all copies with the same path
}

// parentKey is an extended key after all steps but that of the range.
type parentKey struct {
	once sync.Once
	pub  *hdkeychain.ExtendedKey
	priv *hdkeychain.ExtendedKey
	err  error
}

// path returns the steps to go, without that of the range.
func (k *key) path() []uint32 {
	if len(k.paths) == 0 {
		return nil
	}
	return k.paths[0]
}

// pick chooses one of the alternatives, if there are any.
func (k *key) pick(i int) *key {
	if k.ext == nil {
		return k
	}
	c := *k
	if len(k.paths) > 1 {
		c.paths = k.paths[i : i+1]
	}
	c.parent = new(parentKey)
	return &c
}

func (k *key) hasPrivate() bool { return k.priv != nil || k.extPriv != nil }

// public returns the key without what is private.
func (k *key) public() *key {
	if !k.hasPrivate() {
		return k
	}
	c := *k
	c.priv, c.extPriv, c.parent = nil, nil, new(parentKey)
	return &c
}

// lastHardened returns how many of the steps there are up to the last hardened
// one.
func (k *key) lastHardened() int {
	path := k.path()
	for n := len(path); n > 0; n-- {
		if path[n-1]&Hardened != 0 {
			return n
		}
	}
	return 0
}

// needsPrivate reports whether the key follows only from the private key.
func (k *key) needsPrivate() bool { return k.wild == wildHardened || k.lastHardened() > 0 }

func (k *key) canNormalize() bool {
	return k.extPriv != nil || k.lastHardened() == 0 || k.wild == wildHardened
}

// derived is a key at one index.
type derived struct {
	pub    []byte
	priv   *btcec.PrivateKey // nil if it is not known
	origin Origin
}

// derive returns the key at an index.
func (k *key) derive(index uint32) (derived, error) {
	if k.ext == nil {
		d := derived{pub: k.pub, priv: k.priv}
		if k.origin != nil {
			d.origin = *k.origin
		} else {
			d.origin.Fingerprint = FingerprintOf(k.pub)
		}
		return d, nil
	}
	k.parent.once.Do(k.deriveParent)
	if k.parent.err != nil {
		return derived{}, k.parent.err
	}
	pub, priv := k.parent.pub, k.parent.priv
	path := k.path()
	if k.wild != wildNone {
		step := index
		if k.wild == wildHardened {
			step |= Hardened
		}
		path = append(path[:len(path):len(path)], step)
		var err error
		if priv != nil {
			if priv, err = priv.Derive(step); err != nil {
				return derived{}, k.deriveError(err)
			}
			pub = priv
		} else if pub, err = pub.Derive(step); err != nil {
			return derived{}, k.deriveError(err)
		}
	}
	point, err := pub.ECPubKey()
	if err != nil {
		return derived{}, k.deriveError(err)
	}
	d := derived{pub: point.SerializeCompressed(), origin: k.originWith(path)}
	if priv != nil {
		if d.priv, err = priv.ECPrivKey(); err != nil {
			return derived{}, k.deriveError(err)
		}
	}
	return d, nil
}

// originWith returns the origin of the key after some of its steps.
func (k *key) originWith(path []uint32) Origin {
	var o Origin
	if k.origin != nil {
		o = *k.origin
	} else {
		o.Fingerprint = fingerprint(k.ext)
	}
	o.Path = append(o.Path[:len(o.Path):len(o.Path)], path...)
	return o
}

// deriveParent goes all steps but that of the range.
func (k *key) deriveParent() {
	p := k.parent
	p.pub, p.priv = k.ext, k.extPriv
	for _, step := range k.path() {
		var err error
		if p.priv != nil {
			p.priv, err = p.priv.Derive(step)
		} else {
			p.pub, err = p.pub.Derive(step)
		}
		if err != nil {
			p.err = k.deriveError(err)
			return
		}
	}
	if p.priv != nil {
		// An extended private key keeps its public key when it is first asked
		// for it, which must not happen in two goroutines at once.
		if _, p.err = p.priv.ECPubKey(); p.err == nil && k.wild == wildNone {
			p.pub, p.err = p.priv, nil
		}
	}
	if p.err == nil && p.priv == nil && k.wild == wildHardened {
		p.err = k.deriveError(hdkeychain.ErrDeriveHardFromPublic)
	}
}

func (k *key) deriveError(err error) error {
	if err == hdkeychain.ErrDeriveHardFromPublic {
		return &NeedsPrivateError{}
	}
	return errorf("cannot derive a key: %v", err)
}

// fingerprint names an extended key.
func fingerprint(k *hdkeychain.ExtendedKey) Fingerprint {
	pub, err := k.ECPubKey()
	if err != nil {
		return Fingerprint{} // not of a key that was read or derived
	}
	return FingerprintOf(pub.SerializeCompressed())
}

// neuter returns the public half of an extended key.
func neuter(k *hdkeychain.ExtendedKey, net *params.Network) (*hdkeychain.ExtendedKey, error) {
	pub, err := k.ECPubKey()
	if err != nil {
		return nil, err
	}
	parent := k.ParentFingerprint()
	fp := []byte{byte(parent >> 24), byte(parent >> 16), byte(parent >> 8), byte(parent)}
	return hdkeychain.NewExtendedKey(net.HDPublic[:], pub.SerializeCompressed(), k.ChainCode(), fp,
		k.Depth(), k.ChildIndex(), false), nil
}

// ParseExtended reads an extended key of network net, private or public. The
// error is an [*Error].
func ParseExtended(s string, net *params.Network) (*hdkeychain.ExtendedKey, error) {
	k, err := hdkeychain.NewKeyFromString(s)
	if err != nil {
		return nil, errorf("key '%s' is not valid", s)
	}
	want := net.HDPublic[:]
	if k.IsPrivate() {
		want = net.HDPrivate[:]
	}
	root := k.Depth() == 0 && (k.ChildIndex() != 0 || k.ParentFingerprint() != 0)
	if !bytes.Equal(k.Version(), want) || root {
		return nil, errorf("key '%s' is not valid", s)
	}
	return k, nil
}

// ParseWIF reads a private key in wallet import format, and whether its public
// key is compressed. The error is an [*Error].
func ParseWIF(s string, net *params.Network) (key *btcec.PrivateKey, compressed bool, err error) {
	payload, version, err := base58.CheckDecode(s)
	if err == nil && version == net.WIFPrefix {
		const n = btcec.PrivKeyBytesLen
		compressed = len(payload) == n+1 && payload[n] == 1
		if compressed || len(payload) == n {
			var d btcec.ModNScalar
			if overflow := d.SetByteSlice(payload[:n]); !overflow && !d.IsZero() {
				return btcec.PrivKeyFromScalar(&d), compressed, nil
			}
		}
	}
	return nil, false, errorf("key '%s' is not valid", s)
}

// FormatWIF writes a private key in wallet import format.
func FormatWIF(key *btcec.PrivateKey, compressed bool, net *params.Network) string {
	payload := key.Serialize()
	if compressed {
		payload = append(payload, 1)
	}
	return base58.CheckEncode(payload, net.WIFPrefix)
}

// form is how a descriptor is printed.
type form uint8

const (
	formPublic form = iota
	formPrivate
	formNormalized
)

// print writes the key expression.
func (k *key) print(net *params.Network, f form) string {
	prefix := ""
	if k.origin != nil {
		prefix = "[" + k.origin.Fingerprint.String() + formatPath(k.origin.Path, k.mark) + "]"
	}
	if k.ext == nil {
		return prefix + k.printPlain(net, f)
	}
	path, ext := k.path(), k.ext
	mark := k.mark
	switch {
	case f == formPrivate && k.extPriv != nil:
		ext = k.extPriv
	case f == formNormalized && k.wild != wildHardened:
		mark = 'h'
		if n := k.lastHardened(); n > 0 {
			if e, err := k.extendedAt(n, net); err == nil {
				origin := k.originWith(path[:n])
				prefix, path, ext = "["+origin.String()+"]", path[n:], e
				break
			}
		}
		if k.origin != nil {
			prefix = "[" + k.origin.String() + "]"
		}
	}
	s := prefix + ext.String() + formatPath(path, mark)
	switch k.wild {
	case wildNormal:
		s += "/*"
	case wildHardened:
		s += "/*" + string(rune(k.mark))
	}
	return s
}

func (k *key) printPlain(net *params.Network, f form) string {
	switch {
	case f == formPrivate && k.priv != nil:
		return FormatWIF(k.priv, len(k.pub) == btcec.PubKeyBytesLenCompressed, net)
	case k.xonly:
		return hex.EncodeToString(k.pub[1:])
	}
	return hex.EncodeToString(k.pub)
}

// extendedAt returns the extended public key after n of the steps, which need
// the private key.
func (k *key) extendedAt(n int, net *params.Network) (*hdkeychain.ExtendedKey, error) {
	if k.extPriv == nil {
		return nil, &NeedsPrivateError{}
	}
	e := k.extPriv
	for _, step := range k.path()[:n] {
		var err error
		if e, err = e.Derive(step); err != nil {
			return nil, err
		}
	}
	return neuter(e, net)
}
