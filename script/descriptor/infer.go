package descriptor

import (
	"bytes"
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"starling/address"
	"starling/params"
	"starling/script"
)

// Infer returns a descriptor of an output script, with all that is known of
// the output: the more is known, the more it tells. Of what is not understood
// it is addr() or raw().
func Infer(o Output, net *params.Network) *Descriptor {
	i := inferrer{&o}
	if n := i.script(o.Script, scopeTop); n != nil {
		return &Descriptor{net, n}
	}
	if a, ok := address.FromScript(o.Script, net); ok {
		return &Descriptor{net, &node{fn: fnAddr, payload: o.Script, text: a.String()}}
	}
	return &Descriptor{net, &node{fn: fnRaw, payload: o.Script}}
}

// inferrer finds functions for scripts.
type inferrer struct{ o *Output }

// script returns the function of a script, or nil.
func (i inferrer) script(s []byte, in scope) *node {
	class, parts := script.Classify(s)
	plain := in == scopeTop || in == scopeSH || in == scopeWSH
	switch {
	case in == scopeTR:
		return i.tapscript(s)
	case class == script.PubKey && plain:
		return one(fnPK, i.pub(parts[0], in))
	case class == script.PubKeyHash && plain:
		return one(fnPKH, i.hashed(parts[0], in))
	case class == script.WitnessV0KeyHash && in != scopeWSH:
		return one(fnWPKH, i.hashed(parts[0], scopeWPKH))
	case class == script.MultiSig && plain:
		return i.multi(parts, in)
	case class == script.ScriptHash && in == scopeTop:
		if h := address.Hash160(i.o.Redeem); bytes.Equal(h[:], parts[0]) {
			return wrap(fnSH, i.script(i.o.Redeem, scopeSH))
		}
	case class == script.WitnessV0ScriptHash && in != scopeWSH:
		if h := sha256.Sum256(i.o.Witness); bytes.Equal(h[:], parts[0]) {
			return wrap(fnWSH, i.script(i.o.Witness, scopeWSH))
		}
	case class == script.WitnessV1Taproot && in == scopeTop:
		return i.taproot(parts[0])
	}
	return nil
}

func one(f fn, k *key) *node {
	if k == nil {
		return nil
	}
	return &node{fn: f, keys: []*key{k}}
}

func wrap(f fn, sub *node) *node {
	if sub == nil {
		return nil
	}
	return &node{fn: f, subs: []*node{sub}}
}

// pub returns the expression of a public key, or nil if it is none.
func (i inferrer) pub(b []byte, in scope) *key {
	k, err := plainKey(b, "", in)
	if err != nil || k.xonly {
		return nil
	}
	if known, ok := i.o.Key(b); ok {
		k.origin = known.namedOrigin()
	}
	return k
}

// namedOrigin returns the origin of a key if it says more than the key itself.
func (k *Key) namedOrigin() *Origin {
	if k.Origin == nil || len(k.Origin.Path) == 0 && k.Origin.Fingerprint == FingerprintOf(k.Pub) {
		return nil
	}
	return k.Origin
}

// hashed returns the expression of the key with a hash, or nil if it is not
// known.
func (i inferrer) hashed(hash []byte, in scope) *key {
	for _, k := range i.o.Keys {
		if h := address.Hash160(k.Pub); bytes.Equal(h[:], hash) {
			return i.pub(k.Pub, in)
		}
	}
	return nil
}

// x returns the expression of an x coordinate, or nil if it is none.
func (i inferrer) x(b []byte) *key {
	k, err := plainKey(b, "", scopeTR)
	if err != nil {
		return nil
	}
	if known, ok := i.o.KeyX([32]byte(b)); ok {
		k.origin = known.namedOrigin()
	}
	return k
}

func (i inferrer) multi(parts [][]byte, in scope) *node {
	n := &node{fn: fnMulti, need: int(parts[0][0])}
	for _, b := range parts[1 : len(parts)-1] {
		k := i.pub(b, in)
		if k == nil {
			return nil
		}
		n.keys = append(n.keys, k)
	}
	if in == scopeTop && len(n.keys) > maxBareKeys {
		return nil // there is no descriptor for it
	}
	return n
}

// taproot returns tr() if the tree is known and all of it is understood, else
// rawtr().
func (i inferrer) taproot(output []byte) *node {
	if t := i.o.Taproot; t != nil && bytes.Equal(t.Output[:], output) {
		if n := i.tree(t); n != nil {
			return n
		}
	}
	if _, err := schnorr.ParsePubKey(output); err != nil {
		return nil
	}
	n := one(fnRawTR, i.x(output))
	n.tap = true
	return n
}

func (i inferrer) tree(t *script.TapTree) *node {
	k := i.x(t.Internal[:])
	if k == nil {
		return nil
	}
	n := &node{fn: fnTR, tap: true, keys: []*key{k}}
	for _, l := range t.Leaves {
		var sub *node
		if l.Version == script.TapscriptVersion {
			sub = i.tapscript(l.Script)
		}
		if sub == nil {
			return nil
		}
		n.subs, n.depths = append(n.subs, sub), append(n.depths, l.Depth)
	}
	if len(n.subs) == 0 && t.Root != nil {
		return nil // the leaves are not known
	}
	return n
}

// tapscript returns the function of a leaf, or nil.
func (i inferrer) tapscript(s []byte) *node {
	need, xs, multi := TapMulti(s)
	n := &node{fn: fnPK, tap: true}
	if multi {
		n.fn, n.need = fnMultiA, need
	}
	for _, x := range xs {
		k := i.x(x)
		if k == nil {
			return nil
		}
		n.keys = append(n.keys, k)
	}
	if len(n.keys) == 0 {
		return nil
	}
	return n
}

// TapMulti takes a tapscript apart that asks for signatures by keys: need of
// them if multi is set, else one by the only key. It returns no keys for all
// other scripts.
func TapMulti(s []byte) (need int, keys [][]byte, multi bool) {
	const step = 1 + schnorr.PubKeyBytesLen + 1
	rest := s
	for len(rest) >= step && rest[0] == schnorr.PubKeyBytesLen {
		op := byte(opCheckSigAdd)
		if len(keys) == 0 {
			op = script.OpCheckSig
		}
		if rest[step-1] != op {
			return 0, nil, false
		}
		keys = append(keys, rest[1:step-1])
		rest = rest[step:]
	}
	if len(rest) == 0 && len(keys) == 1 {
		return 1, keys, false
	}
	for need = 1; need <= len(keys) && len(keys) <= maxMultiAKeys; need++ {
		if bytes.Equal(rest, append(script.AppendInt(nil, int64(need)), opNumEqual)) {
			return need, keys, true
		}
	}
	return 0, nil, false
}
