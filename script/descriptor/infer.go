package descriptor

import (
	"bytes"
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
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

// Known collects keys, scripts and taproot trees, and finds those that belong
// to an output script. The zero value is empty and ready. It is not safe for
// concurrent use.
type Known struct {
	keys    map[[20]byte]Key // by the HASH160 of the public key
	xs      map[[32]byte]Key
	scripts map[[20]byte][]byte // by HASH160
	hashes  map[[32]byte][]byte // the same, by SHA-256
	trees   map[[32]byte]*script.TapTree

	bare map[[32]byte]Key // by the output without scripts; nil until it is needed
}

// AddKey adds a public key, compressed or not. A key with an origin is not
// replaced by one without.
func (n *Known) AddKey(k Key) {
	if n.keys == nil {
		n.keys, n.xs = make(map[[20]byte]Key), make(map[[32]byte]Key)
	}
	n.bare = nil
	h := address.Hash160(k.Pub)
	if old, have := n.keys[h]; !have || old.Origin == nil {
		n.keys[h] = k
	}
	if old, have := n.xs[k.XOnly()]; !have || old.Origin == nil {
		n.xs[k.XOnly()] = k
	}
}

// AddPrivate adds the public keys of a private key, in both forms.
func (n *Known) AddPrivate(priv *btcec.PrivateKey) {
	n.AddKey(Key{Pub: priv.PubKey().SerializeCompressed()})
	n.AddKey(Key{Pub: priv.PubKey().SerializeUncompressed()})
}

// AddScript adds a redeem script or witness script.
func (n *Known) AddScript(s []byte) {
	if n.scripts == nil {
		n.scripts, n.hashes = make(map[[20]byte][]byte), make(map[[32]byte][]byte)
	}
	n.scripts[address.Hash160(s)] = s
	n.hashes[sha256.Sum256(s)] = s
}

// AddTree adds a taproot tree.
func (n *Known) AddTree(t *script.TapTree) {
	if n.trees == nil {
		n.trees = make(map[[32]byte]*script.TapTree)
	}
	n.trees[t.Output] = t
}

// AddOutput adds all that is known of an output.
func (n *Known) AddOutput(o Output) {
	for _, k := range o.Keys {
		n.AddKey(k)
	}
	for _, s := range [][]byte{o.Redeem, o.Witness} {
		if s != nil {
			n.AddScript(s)
		}
	}
	if o.Taproot != nil {
		n.AddTree(o.Taproot)
	}
}

// Add adds all that another collection holds.
func (n *Known) Add(m *Known) {
	for _, k := range m.keys {
		n.AddKey(k)
	}
	for _, s := range m.scripts {
		n.AddScript(s)
	}
	for _, t := range m.trees {
		n.AddTree(t)
	}
}

// Solve returns all that is known of the output with this script.
func (n *Known) Solve(s []byte) Output {
	o := Output{Script: s}
	n.solve(s, &o, 0)
	return o
}

// solve adds what is known of one of the scripts of an output: its own, its
// redeem script, its witness script.
func (n *Known) solve(s []byte, o *Output, depth int) {
	if depth > 2 {
		return
	}
	class, parts := script.Classify(s)
	switch class {
	case script.PubKey:
		n.addPub(parts[0], o)
	case script.MultiSig:
		for _, pub := range parts[1 : len(parts)-1] {
			n.addPub(pub, o)
		}
	case script.PubKeyHash, script.WitnessV0KeyHash:
		if k, ok := n.keys[[20]byte(parts[0])]; ok {
			o.addKey(k)
		}
	case script.ScriptHash:
		if inner, ok := n.scripts[[20]byte(parts[0])]; ok && o.Redeem == nil {
			o.Redeem = inner
			n.solve(inner, o, depth+1)
		}
	case script.WitnessV0ScriptHash:
		if inner, ok := n.hashes[[32]byte(parts[0])]; ok && o.Witness == nil {
			o.Witness = inner
			n.solve(inner, o, depth+1)
		}
	case script.WitnessV1Taproot:
		n.solveTaproot([32]byte(parts[0]), o)
	}
}

func (n *Known) addPub(pub []byte, o *Output) {
	if k, ok := n.keys[address.Hash160(pub)]; ok {
		o.addKey(k)
	}
}

// bareOutputs returns the keys by the taproot outputs that they alone can spend.
func (n *Known) bareOutputs() map[[32]byte]Key {
	if n.bare == nil {
		n.bare = make(map[[32]byte]Key, len(n.xs))
		for x, k := range n.xs {
			if output, _, err := script.TapOutput(x, nil); err == nil {
				n.bare[output] = k
			}
		}
	}
	return n.bare
}

// solveTaproot adds the tree of a taproot output, or else the key whose output
// without scripts it is, or the output key itself.
func (n *Known) solveTaproot(output [32]byte, o *Output) {
	t, ok := n.trees[output]
	if !ok {
		if k, ok := n.bareOutputs()[output]; ok {
			o.Taproot, _ = script.NewTapTree(k.XOnly())
			o.addKey(k)
			return
		}
		if k, ok := n.xs[output]; ok {
			o.addKey(k)
		}
		return
	}
	o.Taproot = t
	if k, ok := n.xs[t.Internal]; ok {
		k.Leaves = nil
		o.addKey(k)
	}
	for _, l := range t.Leaves {
		_, keys, _ := TapMulti(l.Script)
		for _, x := range keys {
			if k, ok := n.xs[[32]byte(x)]; ok {
				k.Leaves = nil
				o.addLeafKey(k, l.Hash)
			}
		}
	}
}
