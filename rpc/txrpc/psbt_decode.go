package txrpc

import (
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/address/v2/base58"

	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/rpc/signing"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/partial"
	"starling/wire"
)

func (a *api) decodePSBT(_ context.Context, p psbtParams) (r rpctypes.PSBT, err error) {
	packet, err := rpcargs.ParsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	d := describe.TxDescriber{Net: a.network()}
	r = rpctypes.PSBT{Tx: d.Describe(packet.Tx, false), XPubs: []rpctypes.PSBTXPub{}, Inputs: []rpctypes.PSBTInput{}, Outputs: []rpctypes.PSBTOutput{}}
	for _, x := range packet.XPubs {
		text := base58.CheckEncode(x.Key[1:], x.Key[0])
		r.XPubs = append(r.XPubs, rpctypes.PSBTXPub{XPub: text, Fingerprint: x.Origin.Fingerprint.String(), Path: "m" + descriptor.FormatPath(x.Origin.Path)})
	}
	r.Proprietary, r.Unknown = describePairs(packet.Unknown)
	if r.Proprietary == nil {
		r.Proprietary = []rpctypes.PSBTProprietary{}
	}
	if r.Unknown == nil {
		r.Unknown = jsonrpc.Map[jsonrpc.Hex]{}
	}
	for i := range packet.In {
		r.Inputs = append(r.Inputs, a.describePSBTInput(&packet.In[i], &d))
	}
	for i := range packet.Out {
		r.Outputs = append(r.Outputs, describePSBTOutput(&packet.Out[i]))
	}
	if fee, ok := packet.Fee(); ok && len(packet.In) > 0 {
		amount := rpctypes.Amount(fee)
		r.Fee = &amount
	}
	return r, nil
}

// proprietaryType is the type of fields that programs have for themselves.
const proprietaryType = 0xfc

// describePairs sorts out fields that nobody here knows.
func describePairs(pairs []partial.Pair) (own []rpctypes.PSBTProprietary, unknown jsonrpc.Map[jsonrpc.Hex]) {
	for _, u := range pairs {
		c := wire.NewCursor(u.Key, "key")
		if c.CompactSize() == proprietaryType {
			p := rpctypes.PSBTProprietary{Identifier: c.VarBytes(len(u.Key)), Subtype: c.CompactSize(), Key: u.Key, Value: u.Value}
			if c.Err() == nil {
				own = append(own, p)
				continue
			}
		}
		unknown = append(unknown, jsonrpc.Entry[jsonrpc.Hex]{Name: hex.EncodeToString(u.Key), Value: u.Value})
	}
	return own, unknown
}

func describePSBTScript(s []byte) *rpctypes.PSBTScript {
	if s == nil {
		return nil
	}
	class, _ := script.Classify(s)
	return &rpctypes.PSBTScript{Asm: script.Asm(s), Hex: s, Type: string(class)}
}

func describePSBTKeys(keys []descriptor.Key) (out []rpctypes.PSBTKey) {
	for _, k := range keys {
		out = append(out, rpctypes.PSBTKey{PubKey: k.Pub, Fingerprint: k.Origin.Fingerprint.String(), Path: "m" + descriptor.FormatPath(k.Origin.Path)})
	}
	return out
}

func describeTapKeys(keys []descriptor.Key) (out []rpctypes.PSBTTapKey) {
	for _, k := range keys {
		d := rpctypes.PSBTTapKey{PSBTKey: rpctypes.PSBTKey{PubKey: k.Pub[1:33], Fingerprint: k.Origin.Fingerprint.String(), Path: "m" + descriptor.FormatPath(k.Origin.Path)}, Leaves: []jsonrpc.Hex{}}
		for _, l := range k.Leaves {
			d.Leaves = append(d.Leaves, l[:])
		}
		out = append(out, d)
	}
	return out
}

// xHex returns the digits of an x coordinate or hash, or none.
func xHex(x *[32]byte) jsonrpc.Hex {
	if x == nil {
		return nil
	}
	return x[:]
}

func (a *api) describePSBTInput(in *partial.Input, d *describe.TxDescriber) rpctypes.PSBTInput {
	r := rpctypes.PSBTInput{
		Redeem: describePSBTScript(in.Redeem), Witness: describePSBTScript(in.Witness),
		Keys: describePSBTKeys(in.Keys), TapKeys: describeTapKeys(in.TapKeys),
		TapKeySig: in.Sigs.TapKey, TapInternal: xHex(in.TapInternal), TapRoot: xHex(in.TapRoot),
	}
	if in.Previous != nil {
		tx := d.Describe(in.Previous, false)
		r.Previous = &tx
	}
	if in.Spent != nil {
		r.Spent = &rpctypes.PSBTSpentOutput{Amount: rpctypes.Amount(in.Spent.Value), Script: describe.Script(in.Spent.Script, a.network())}
	}
	for _, pub := range in.Sigs.PubKeys() {
		r.Sigs = append(r.Sigs, jsonrpc.Entry[jsonrpc.Hex]{Name: hex.EncodeToString(pub), Value: in.Sigs.ECDSA[string(pub)]})
	}
	if in.HashType != nil {
		r.HashType = signing.HashTypeName(*in.HashType)
	}
	if in.FinalScript != nil {
		r.FinalScript = &rpctypes.ScriptSig{Asm: script.AsmSig(in.FinalScript), Hex: in.FinalScript}
	}
	for _, it := range in.FinalWitness {
		r.FinalWitness = append(r.FinalWitness, it)
	}
	for _, h := range in.Preimages {
		to := map[partial.HashKind]*jsonrpc.Map[jsonrpc.Hex]{partial.RIPEMD160: &r.RIPEMD160, partial.SHA256: &r.SHA256,
			partial.HASH160: &r.HASH160, partial.HASH256: &r.HASH256}[h.Kind]
		*to = append(*to, jsonrpc.Entry[jsonrpc.Hex]{Name: hex.EncodeToString(h.Hash), Value: h.Value})
	}
	for _, name := range in.Sigs.LeafKeys() {
		r.TapSigs = append(r.TapSigs, rpctypes.PSBTTapSig{PubKey: name.X[:], Leaf: name.Leaf[:], Sig: in.Sigs.TapLeaf[name]})
	}
	r.TapScripts = describeTapScripts(in.TapLeaves)
	r.Proprietary, r.Unknown = describePairs(in.Unknown)
	return r
}

// describeTapScripts lists scripts, each with the places that it has in the
// tree.
func describeTapScripts(leaves []partial.TapLeaf) (out []rpctypes.PSBTTapScript) {
	for _, l := range leaves {
		at := -1
		for i := range out {
			if string(out[i].Script) == string(l.Script) && out[i].Version == l.Version {
				at = i
			}
		}
		if at < 0 {
			at = len(out)
			out = append(out, rpctypes.PSBTTapScript{Script: l.Script, Version: l.Version})
		}
		out[at].Controls = append(out[at].Controls, l.Control)
	}
	return out
}

func describePSBTOutput(o *partial.Output) rpctypes.PSBTOutput {
	r := rpctypes.PSBTOutput{Redeem: describePSBTScript(o.Redeem), Witness: describePSBTScript(o.Witness),
		Keys: describePSBTKeys(o.Keys), TapKeys: describeTapKeys(o.TapKeys), TapInternal: xHex(o.TapInternal)}
	for _, l := range o.TapTree {
		r.TapTree = append(r.TapTree, rpctypes.PSBTTapLeaf{Depth: l.Depth, Version: l.Version, Script: l.Script})
	}
	r.Proprietary, r.Unknown = describePairs(o.Unknown)
	return r
}
