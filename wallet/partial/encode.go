package partial

import (
	"bytes"
	"encoding/binary"
	"slices"

	"starling/address"
	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// writer writes maps of fields.
type writer struct{ b []byte }

// field adds a field.
func (w *writer) field(kind byte, data, value []byte) {
	w.b = wire.AppendCompactSize(w.b, uint64(1+len(data)))
	w.b = append(append(w.b, kind), data...)
	w.b = wire.AppendVarBytes(w.b, value)
}

// some adds a field unless its value is nil.
func (w *writer) some(kind byte, value []byte) {
	if value != nil {
		w.field(kind, nil, value)
	}
}

// end adds the fields that nobody here knows, and the separator.
func (w *writer) end(unknown []Pair) {
	for _, u := range unknown {
		w.b = wire.AppendVarBytes(wire.AppendVarBytes(w.b, u.Key), u.Value)
	}
	w.b = append(w.b, 0)
}

// keys adds keys with their origins, ordered.
func (w *writer) keys(kind byte, keys []descriptor.Key) {
	for _, k := range sorted(keys, 0) {
		w.field(kind, k.Pub, k.Origin.Append(nil))
	}
}

// tapKeys adds x coordinates with the leaves that hold them and their origins.
func (w *writer) tapKeys(kind byte, keys []descriptor.Key) {
	for _, k := range sorted(keys, 1) {
		value := wire.AppendCompactSize(nil, uint64(len(k.Leaves)))
		leaves := slices.Clone(k.Leaves)
		slices.SortFunc(leaves, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
		for _, l := range leaves {
			value = append(value, l[:]...)
		}
		w.field(kind, k.Pub[1:33], k.Origin.Append(value))
	}
}

// sorted returns the keys with an origin, ordered by their bytes from one on.
func sorted(keys []descriptor.Key, from int) []descriptor.Key {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k descriptor.Key) bool { return k.Origin == nil })
	slices.SortFunc(keys, func(a, b descriptor.Key) int { return bytes.Compare(a.Pub[from:], b.Pub[from:]) })
	return keys
}

// Bytes encodes the packet.
func (p *Packet) Bytes() []byte {
	w := &writer{[]byte(magic)}
	w.field(globalTx, nil, p.Tx.AppendBase(nil))
	for _, x := range p.XPubs {
		w.field(globalXPub, x.Key[:], x.Origin.Append(nil))
	}
	if p.Versioned {
		w.field(globalVersion, nil, make([]byte, 4))
	}
	w.end(p.Unknown)
	for i := range p.In {
		p.In[i].encode(w)
	}
	for i := range p.Out {
		p.Out[i].encode(w)
	}
	return w.b
}

// encode adds the input's map. What a signer needs is left out once the input
// is final, as Core does.
func (in *Input) encode(w *writer) {
	if in.Previous != nil {
		w.field(inPrevious, nil, in.Previous.Bytes())
	}
	if in.Spent != nil {
		w.field(inSpent, nil, in.Spent.Append(nil))
	}
	if !in.Final() {
		in.encodeOpen(w)
	}
	w.some(inFinalScript, in.FinalScript)
	if in.FinalWitness != nil {
		w.field(inFinalWitness, nil, wire.NewWitness(in.FinalWitness...).Append(nil))
	}
	w.end(in.Unknown)
}

func (in *Input) encodeOpen(w *writer) {
	// Core orders these by the hash of the key, and so do BIP174's vectors.
	pubs := in.Sigs.PubKeys()
	slices.SortFunc(pubs, func(a, b []byte) int {
		x, y := address.Hash160(a), address.Hash160(b)
		return bytes.Compare(x[:], y[:])
	})
	for _, pub := range pubs {
		w.field(inSig, pub, in.Sigs.ECDSA[string(pub)])
	}
	if in.HashType != nil {
		w.field(inHashType, nil, binary.LittleEndian.AppendUint32(nil, *in.HashType))
	}
	w.some(inRedeem, in.Redeem)
	w.some(inWitness, in.Witness)
	w.keys(inKey, in.Keys)
	preimages := slices.Clone(in.Preimages)
	slices.SortFunc(preimages, func(a, b Preimage) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return bytes.Compare(a.Hash, b.Hash)
	})
	for _, h := range preimages {
		w.field(byte(h.Kind), h.Hash, h.Value)
	}
	w.some(inTapKeySig, in.Sigs.TapKey)
	for _, name := range in.Sigs.LeafKeys() {
		w.field(inTapLeafSig, slices.Concat(name.X[:], name.Leaf[:]), in.Sigs.TapLeaf[name])
	}
	leaves := slices.Clone(in.TapLeaves)
	slices.SortFunc(leaves, func(a, b TapLeaf) int { return bytes.Compare(a.Control, b.Control) })
	for _, l := range leaves {
		w.field(inTapLeaf, l.Control, append(slices.Clone(l.Script), l.Version))
	}
	w.tapKeys(inTapKey, in.TapKeys)
	if in.TapInternal != nil {
		w.field(inTapInternal, nil, in.TapInternal[:])
	}
	if in.TapRoot != nil {
		w.field(inTapRoot, nil, in.TapRoot[:])
	}
}

func (o *Output) encode(w *writer) {
	w.some(outRedeem, o.Redeem)
	w.some(outWitness, o.Witness)
	w.keys(outKey, o.Keys)
	if o.TapInternal != nil {
		w.field(outTapInternal, nil, o.TapInternal[:])
	}
	if len(o.TapTree) > 0 {
		w.field(outTapTree, nil, encodeTree(o.TapTree))
	}
	w.tapKeys(outTapKey, o.TapKeys)
	w.end(o.Unknown)
}

func encodeTree(leaves []script.TapLeaf) []byte {
	var b []byte
	for _, l := range leaves {
		b = wire.AppendVarBytes(append(b, byte(l.Depth), l.Version), l.Script)
	}
	return b
}
