package descriptor

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"

	"starling/address"
	"starling/script"
)

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
