package partial

import (
	"slices"

	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// SetPrevious tells what input i spends: the transaction prev that holds the
// output. For outputs that only witnesses spend the output itself is added,
// which signers of witnesses ask for. The error is an [*Error] if prev is
// another transaction.
func (p *Packet) SetPrevious(i int, prev *wire.Tx) error {
	in, op := &p.In[i], p.Tx.In[i].PrevOut
	old := in.Previous
	in.Previous = prev
	if err := p.checkPrevious(i); err != nil {
		in.Previous = old
		return err
	}
	if out := &prev.Out[op.Index]; isWitness(out.Script) {
		in.Spent = out
	}
	return nil
}

// SetSpent tells which output input i spends, without the transaction that
// holds it. That is enough where a witness signs the amount.
func (p *Packet) SetSpent(i int, out wire.TxOut) { p.In[i].Spent = &out }

// isWitness reports whether only a witness can spend an output.
func isWitness(s []byte) bool {
	_, _, ok := script.WitnessProgram(s)
	return ok
}

// IsWitness reports whether an output with what is known of it is spent by a
// witness, behind a script hash or not.
func IsWitness(o *descriptor.Output) bool {
	return isWitness(o.Script) || script.IsScriptHash(o.Script) && isWitness(o.Redeem)
}

// DescribeInput adds what is known of the output that input i spends: scripts,
// the taproot tree, and, with origins set, where keys come from.
func (p *Packet) DescribeInput(i int, o *descriptor.Output, origins bool) {
	in := &p.In[i]
	if in.Redeem == nil {
		in.Redeem = o.Redeem
	}
	if in.Witness == nil {
		in.Witness = o.Witness
	}
	t := o.Taproot
	if origins {
		if isTaproot(o.Script) {
			in.TapKeys = addTapKeys(in.TapKeys, o.Keys)
		} else {
			in.Keys = addKeys(in.Keys, o.Keys)
		}
	}
	if t == nil {
		return
	}
	if t.Internal != [32]byte{} && in.TapInternal == nil {
		in.TapInternal = &t.Internal
	}
	if t.Root != nil && in.TapRoot == nil {
		root := [32]byte(t.Root)
		in.TapRoot = &root
	}
	for _, l := range t.Leaves {
		in.addTapLeaf(TapLeaf{l.Control, l.Script, l.Version})
	}
}

func (in *Input) addTapLeaf(l TapLeaf) {
	if !slices.ContainsFunc(in.TapLeaves, func(have TapLeaf) bool { return string(have.Control) == string(l.Control) }) {
		in.TapLeaves = append(in.TapLeaves, l)
	}
}

// isTaproot reports whether a script is that of a taproot output.
func isTaproot(s []byte) bool {
	class, _ := script.Classify(s)
	return class == script.WitnessV1Taproot
}

// addKeys adds the keys with an origin that are not there yet.
func addKeys(have, keys []descriptor.Key) []descriptor.Key {
	for _, k := range keys {
		same := func(h descriptor.Key) bool { return string(h.Pub) == string(k.Pub) }
		if k.Origin != nil && !slices.ContainsFunc(have, same) {
			have = append(have, k)
		}
	}
	return have
}

// addTapKeys is addKeys for keys of which only the x coordinate counts.
func addTapKeys(have, keys []descriptor.Key) []descriptor.Key {
	even := slices.Clone(keys)
	for i := range even {
		x := even[i].XOnly()
		even[i].Pub = append([]byte{2}, x[:]...)
	}
	return addKeys(have, even)
}

// DescribeOutput adds what is known of output i, so that signers can tell
// their own change.
func (p *Packet) DescribeOutput(i int, o *descriptor.Output, origins bool) {
	out := &p.Out[i]
	if out.Redeem == nil {
		out.Redeem = o.Redeem
	}
	if out.Witness == nil {
		out.Witness = o.Witness
	}
	if origins {
		if isTaproot(o.Script) {
			out.TapKeys = addTapKeys(out.TapKeys, o.Keys)
		} else {
			out.Keys = addKeys(out.Keys, o.Keys)
		}
	}
	t := o.Taproot
	if t == nil {
		return
	}
	if t.Internal != [32]byte{} && out.TapInternal == nil {
		out.TapInternal = &t.Internal
	}
	if len(t.Leaves) > 0 && out.TapTree == nil && script.TapDepths(t.Leaves) {
		out.TapTree = t.Leaves
	}
}

// DropPrevious takes out the transactions that inputs spend where all inputs
// are taproot, whose signatures cover all amounts, so that nobody needs them.
func (p *Packet) DropPrevious() {
	for i := range p.In {
		in := &p.In[i]
		spent, ok := p.SpentBy(i)
		if !ok || in.Spent == nil || !isTaproot(spent.Script) ||
			in.HashType != nil && *in.HashType&script.SigHashAnyOneCanPay != 0 {
			return
		}
	}
	for i := range p.In {
		p.In[i].Previous = nil
	}
}
