package sign

import (
	"starling/script"
	"starling/script/descriptor"
)

// Finish puts the signature script and the witness of an input together.
// complete is false if signatures or keys are missing. What there is then of a
// multi-signature script outside taproot is returned with empty items in the
// missing ones' places, the form in which unfinished transactions are handed
// on; of all others nothing is.
func (s *Signer) Finish(o *descriptor.Output, have *Signatures) (sigScript []byte, witness [][]byte, complete bool) {
	t, err := resolve(o)
	if err != nil {
		return nil, nil, false
	}
	if t.class == script.WitnessV1Taproot {
		witness = finishTaproot(o, have)
		return nil, witness, witness != nil
	}
	items, complete := t.items(o, have)
	if items == nil {
		return nil, nil, false
	}
	if t.witness {
		if t.wscript != nil {
			items = append(items, t.wscript)
		}
		witness, items = items, nil
	}
	for _, it := range items {
		sigScript = script.AppendPush(sigScript, it)
	}
	if t.redeem != nil {
		sigScript = script.AppendPush(sigScript, t.redeem)
	}
	return sigScript, witness, complete
}

// items returns what the script takes from the stack, bottom first; nil if
// there is nothing yet.
func (t *target) items(o *descriptor.Output, have *Signatures) (items [][]byte, complete bool) {
	switch t.class {
	case script.PubKey:
		if sig := have.ECDSA[string(t.parts[0])]; sig != nil {
			return [][]byte{sig}, true
		}
		return nil, false
	case script.PubKeyHash:
		pub := t.pub(o)
		if sig := have.ECDSA[string(pub)]; sig != nil {
			return [][]byte{sig, pub}, true
		}
		return nil, false
	}
	need, keys := t.multi()
	items = [][]byte{{}} // CHECKMULTISIG takes one item too many
	for _, pub := range keys {
		if sig := have.ECDSA[string(pub)]; sig != nil && len(items) <= need {
			items = append(items, sig)
		}
	}
	if len(items) == 1 {
		return nil, false
	}
	complete = len(items) == need+1
	for len(items) <= need {
		items = append(items, []byte{})
	}
	return items, complete
}

// finishTaproot returns the smallest witness that the signatures allow, or
// nil.
func finishTaproot(o *descriptor.Output, have *Signatures) [][]byte {
	if have.TapKey != nil {
		return [][]byte{have.TapKey}
	}
	if o.Taproot == nil {
		return nil
	}
	var best [][]byte
	for _, l := range o.Taproot.Leaves {
		if l.Version != script.TapscriptVersion || l.Control == nil {
			continue
		}
		need, xs, _ := descriptor.TapMulti(l.Script)
		if len(xs) == 0 {
			continue
		}
		items := make([][]byte, len(xs), len(xs)+2)
		count := 0
		for k, x := range xs {
			// The first key's signature is the last item.
			at := len(xs) - 1 - k
			items[at] = []byte{}
			if sig := have.TapLeaf[LeafKey{[32]byte(x), l.Hash}]; sig != nil && count < need {
				items[at] = sig
				count++
			}
		}
		if count < need {
			continue
		}
		items = append(items, l.Script, l.Control)
		if best == nil || witnessSize(items) < witnessSize(best) {
			best = items
		}
	}
	return best
}
