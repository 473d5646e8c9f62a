package descriptor

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"starling/address"
	"starling/params"
	"starling/script"
)

// The opcodes of tapscripts with several keys (BIP387).
const (
	opNumEqual    = 0x9c
	opCheckSigAdd = 0xba
)

// expand returns the outputs at an index.
func (n *node) expand(index uint32) ([]Output, error) {
	if n.fn == fnCombo {
		return n.expandCombo(index)
	}
	var o Output
	var err error
	if n.fn == fnTR {
		err = n.expandTaproot(index, &o)
	} else {
		o.Script, err = n.script(index, &o)
	}
	if err != nil {
		return nil, err
	}
	return []Output{o}, nil
}

// expandCombo returns the outputs of combo(): those that wallets of old looked
// for.
func (n *node) expandCombo(index uint32) ([]Output, error) {
	k := n.keys[0]
	fns := []fn{fnPK, fnPKH, fnWPKH}
	if k.size() != 33 {
		fns = fns[:2]
	}
	var out []Output
	for _, f := range fns {
		o, err := (&node{fn: f, keys: n.keys}).expand(index)
		if err != nil {
			return nil, err
		}
		out = append(out, o...)
	}
	if len(fns) == 3 {
		w := out[2]
		out = append(out, Output{Script: script.PayToScriptHash(address.Hash160(w.Script)), Redeem: w.Script, Keys: w.Keys})
	}
	return out, nil
}

// derive returns the keys of the function, adding them to the output.
func (n *node) derive(index uint32, o *Output) ([][]byte, error) {
	pubs := make([][]byte, len(n.keys))
	for i, k := range n.keys {
		d, err := k.derive(index)
		if err != nil {
			return nil, err
		}
		pubs[i] = d.pub
		o.addKey(Key{Pub: d.pub, Origin: &d.origin})
	}
	return pubs, nil
}

func (o *Output) addKey(k Key) {
	if _, have := o.Key(k.Pub); !have {
		o.Keys = append(o.Keys, k)
	}
}

// script returns the script of a function, and fills in what else there is to
// know of the output. Not for tr() and combo().
func (n *node) script(index uint32, o *Output) ([]byte, error) {
	switch n.fn {
	case fnRaw, fnAddr:
		return n.payload, nil
	case fnSH:
		inner, err := n.subs[0].script(index, o)
		if err != nil {
			return nil, err
		}
		o.Redeem = inner
		return script.PayToScriptHash(address.Hash160(inner)), nil
	case fnWSH:
		inner, err := n.subs[0].script(index, o)
		if err != nil {
			return nil, err
		}
		o.Witness = inner
		hash := sha256.Sum256(inner)
		return script.PayToWitness(0, hash[:]), nil
	}
	pubs, err := n.derive(index, o)
	if err != nil {
		return nil, err
	}
	switch n.fn {
	case fnPK:
		if n.tap {
			return script.PayToPubKey(pubs[0][1:33]), nil
		}
		return script.PayToPubKey(pubs[0]), nil
	case fnPKH:
		return script.PayToPubKeyHash(address.Hash160(pubs[0])), nil
	case fnWPKH:
		hash := address.Hash160(pubs[0])
		return script.PayToWitness(0, hash[:]), nil
	case fnRawTR:
		return script.PayToWitness(1, pubs[0][1:33]), nil
	case fnSortedMulti:
		slices.SortFunc(pubs, bytes.Compare)
		return script.PayToMultiSig(n.need, pubs...), nil
	case fnMulti:
		return script.PayToMultiSig(n.need, pubs...), nil
	default: // multi_a and sortedmulti_a
		for i := range pubs {
			pubs[i] = pubs[i][1:33]
		}
		if n.fn == fnSortedMultiA {
			slices.SortFunc(pubs, bytes.Compare)
		}
		return tapMulti(n.need, pubs), nil
	}
}

// tapMulti returns the tapscript that asks for need signatures by the keys
// given as x coordinates (BIP387).
func tapMulti(need int, keys [][]byte) []byte {
	var s []byte
	for i, k := range keys {
		s = script.AppendData(s, k)
		if i == 0 {
			s = append(s, script.OpCheckSig)
		} else {
			s = append(s, opCheckSigAdd)
		}
	}
	return append(script.AppendInt(s, int64(need)), opNumEqual)
}

// expandTaproot fills in the output of tr().
func (n *node) expandTaproot(index uint32, o *Output) error {
	if _, err := n.derive(index, o); err != nil {
		return err
	}
	internal := o.Keys[0].XOnly()
	leaves := make([]script.TapLeaf, len(n.subs))
	for i, s := range n.subs {
		var inner Output
		code, err := s.script(index, &inner)
		if err != nil {
			return err
		}
		leaves[i] = script.TapLeaf{Depth: n.depths[i], Version: script.TapscriptVersion, Script: code}
		hash := script.TapLeafHash(script.TapscriptVersion, code)
		for _, k := range inner.Keys {
			o.addLeafKey(k, hash)
		}
	}
	tree, err := script.NewTapTree(internal, leaves...)
	if err != nil {
		return errorf("tr(): %v", err)
	}
	o.Taproot = tree
	o.Script = script.PayToWitness(1, o.Taproot.Output[:])
	return nil
}

// addLeafKey adds a key of a taproot leaf.
func (o *Output) addLeafKey(k Key, leaf [32]byte) {
	for i := range o.Keys {
		if o.Keys[i].XOnly() == k.XOnly() {
			if !slices.Contains(o.Keys[i].Leaves, leaf) {
				o.Keys[i].Leaves = append(o.Keys[i].Leaves, leaf)
			}
			return
		}
	}
	k.Leaves = [][32]byte{leaf}
	o.Keys = append(o.Keys, k)
}

// typeOfScript returns the type of an output script's address.
func typeOfScript(s []byte, net *params.Network) string {
	a, ok := address.FromScript(s, net)
	if !ok {
		return ""
	}
	switch a.Kind() {
	case address.PubKeyHash, address.ScriptHash:
		return TypeLegacy
	case address.WitnessPubKeyHash, address.WitnessScriptHash:
		return TypeBech32
	default:
		return TypeBech32m
	}
}
