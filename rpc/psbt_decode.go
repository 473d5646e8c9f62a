package rpc

import (
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/address/v2/base58"

	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/partial"
	"starling/wire"
)

func (a *txAPI) decodePSBT(_ context.Context, p psbtParams) (r decodedPSBT, err error) {
	packet, err := parsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	d := txDescriber{net: a.network()}
	r = decodedPSBT{Tx: d.describe(packet.Tx, false), XPubs: []psbtXPub{}, Inputs: []psbtInput{}, Outputs: []psbtOutput{}}
	for _, x := range packet.XPubs {
		text := base58.CheckEncode(x.Key[1:], x.Key[0])
		r.XPubs = append(r.XPubs, psbtXPub{text, x.Origin.Fingerprint.String(), "m" + descriptor.FormatPath(x.Origin.Path)})
	}
	r.Proprietary, r.Unknown = describePairs(packet.Unknown)
	if r.Proprietary == nil {
		r.Proprietary = []psbtProprietary{}
	}
	if r.Unknown == nil {
		r.Unknown = Object{}
	}
	for i := range packet.In {
		r.Inputs = append(r.Inputs, a.describePSBTInput(&packet.In[i], &d))
	}
	for i := range packet.Out {
		r.Outputs = append(r.Outputs, describePSBTOutput(&packet.Out[i]))
	}
	if fee, ok := packet.Fee(); ok && len(packet.In) > 0 {
		amount := Amount(fee)
		r.Fee = &amount
	}
	return r, nil
}

// proprietaryType is the type of fields that programs have for themselves.
const proprietaryType = 0xfc

// describePairs sorts out fields that nobody here knows.
func describePairs(pairs []partial.Pair) (own []psbtProprietary, unknown Object) {
	for _, u := range pairs {
		c := wire.NewCursor(u.Key, "key")
		if c.CompactSize() == proprietaryType {
			p := psbtProprietary{Identifier: c.VarBytes(len(u.Key)), Subtype: c.CompactSize(), Key: u.Key, Value: u.Value}
			if c.Err() == nil {
				own = append(own, p)
				continue
			}
		}
		unknown = append(unknown, Member{hex.EncodeToString(u.Key), Hex(u.Value)})
	}
	return own, unknown
}

func describePSBTScript(s []byte) *psbtScript {
	if s == nil {
		return nil
	}
	class, _ := script.Classify(s)
	return &psbtScript{script.Asm(s), s, class}
}

func describePSBTKeys(keys []descriptor.Key) (out []psbtKey) {
	for _, k := range keys {
		out = append(out, psbtKey{k.Pub, k.Origin.Fingerprint.String(), "m" + descriptor.FormatPath(k.Origin.Path)})
	}
	return out
}

func describeTapKeys(keys []descriptor.Key) (out []psbtTapKey) {
	for _, k := range keys {
		d := psbtTapKey{psbtKey{k.Pub[1:33], k.Origin.Fingerprint.String(), "m" + descriptor.FormatPath(k.Origin.Path)}, []Hex{}}
		for _, l := range k.Leaves {
			d.Leaves = append(d.Leaves, l[:])
		}
		out = append(out, d)
	}
	return out
}

// xHex returns the digits of an x coordinate or hash, or none.
func xHex(x *[32]byte) Hex {
	if x == nil {
		return nil
	}
	return x[:]
}

func (a *txAPI) describePSBTInput(in *partial.Input, d *txDescriber) psbtInput {
	r := psbtInput{
		Redeem: describePSBTScript(in.Redeem), Witness: describePSBTScript(in.Witness),
		Keys: describePSBTKeys(in.Keys), TapKeys: describeTapKeys(in.TapKeys),
		TapKeySig: in.Sigs.TapKey, TapInternal: xHex(in.TapInternal), TapRoot: xHex(in.TapRoot),
	}
	if in.Previous != nil {
		tx := d.describe(in.Previous, false)
		r.Previous = &tx
	}
	if in.Spent != nil {
		r.Spent = &psbtOutputSpent{Amount(in.Spent.Value), describeScript(in.Spent.Script, a.network())}
	}
	for _, pub := range in.Sigs.PubKeys() {
		r.Sigs = append(r.Sigs, Member{hex.EncodeToString(pub), Hex(in.Sigs.ECDSA[string(pub)])})
	}
	if in.HashType != nil {
		r.HashType = hashTypeName(*in.HashType)
	}
	if in.FinalScript != nil {
		r.FinalScript = &scriptSig{script.AsmSig(in.FinalScript), in.FinalScript}
	}
	for _, it := range in.FinalWitness {
		r.FinalWitness = append(r.FinalWitness, it)
	}
	for _, h := range in.Preimages {
		to := map[partial.HashKind]*Object{partial.RIPEMD160: &r.RIPEMD160, partial.SHA256: &r.SHA256,
			partial.HASH160: &r.HASH160, partial.HASH256: &r.HASH256}[h.Kind]
		*to = append(*to, Member{hex.EncodeToString(h.Hash), Hex(h.Value)})
	}
	for _, name := range in.Sigs.LeafKeys() {
		r.TapSigs = append(r.TapSigs, psbtTapSig{name.X[:], name.Leaf[:], in.Sigs.TapLeaf[name]})
	}
	r.TapScripts = describeTapScripts(in.TapLeaves)
	r.Proprietary, r.Unknown = describePairs(in.Unknown)
	return r
}

// describeTapScripts lists scripts, each with the places that it has in the
// tree.
func describeTapScripts(leaves []partial.TapLeaf) (out []psbtTapScript) {
	for _, l := range leaves {
		at := -1
		for i := range out {
			if string(out[i].Script) == string(l.Script) && out[i].Version == l.Version {
				at = i
			}
		}
		if at < 0 {
			at = len(out)
			out = append(out, psbtTapScript{Script: l.Script, Version: l.Version})
		}
		out[at].Controls = append(out[at].Controls, l.Control)
	}
	return out
}

func describePSBTOutput(o *partial.Output) psbtOutput {
	r := psbtOutput{Redeem: describePSBTScript(o.Redeem), Witness: describePSBTScript(o.Witness),
		Keys: describePSBTKeys(o.Keys), TapKeys: describeTapKeys(o.TapKeys), TapInternal: xHex(o.TapInternal)}
	for _, l := range o.TapTree {
		r.TapTree = append(r.TapTree, psbtTapLeaf{l.Depth, l.Version, l.Script})
	}
	r.Proprietary, r.Unknown = describePairs(o.Unknown)
	return r
}
