package partial

import (
	"starling/script"
	"starling/wire"
)

// Types of an output's fields.
const (
	outRedeem      = 0x00
	outWitness     = 0x01
	outKey         = 0x02
	outTapInternal = 0x05
	outTapTree     = 0x06
	outTapKey      = 0x07
)

// outNames are how error messages name the fields whose key is only a type.
var outNames = map[uint64]string{
	outRedeem:      "Output redeemScript",
	outWitness:     "Output witnessScript",
	outTapInternal: "Output Taproot internal key",
	outTapTree:     "Output Taproot tree",
}

// decode reads one field.
func (o *Output) decode(f field) (err error) {
	if name := outNames[f.kind]; name != "" {
		if err := f.bare(name); err != nil {
			return err
		}
	}
	switch f.kind {
	case outRedeem:
		o.Redeem = present(f.value)
	case outWitness:
		o.Witness = present(f.value)
	case outKey:
		k, err := decodeKey(&f)
		if err != nil {
			return err
		}
		o.Keys = append(o.Keys, k)
	case outTapInternal:
		o.TapInternal, err = decodeX(f.value, "Output Taproot internal key")
	case outTapTree:
		o.TapTree, err = decodeTree(f.value)
	case outTapKey:
		k, err := decodeTapKey(&f, "Output")
		if err != nil {
			return err
		}
		o.TapKeys = append(o.TapKeys, k)
	default:
		o.Unknown = append(o.Unknown, Pair{f.key, f.value})
	}
	return err
}

// decodeTree reads the leaves of a tree, depth first, and checks that they
// make one.
func decodeTree(b []byte) ([]script.TapLeaf, error) {
	if len(b) == 0 {
		return nil, errorf("Output Taproot tree must not be empty")
	}
	var leaves []script.TapLeaf
	c := wire.NewCursor(b, "taproot tree")
	for c.Err() == nil && c.Left() > 0 {
		l := script.TapLeaf{Depth: int(c.Uint8()), Version: c.Uint8(), Script: c.VarBytes(len(b))}
		switch {
		case c.Err() != nil:
			return nil, errorf("%v", c.Err())
		case l.Depth > script.MaxTapDepth:
			return nil, errorf("Output Taproot tree has as leaf greater than Taproot maximum depth")
		case l.Version&1 != 0:
			return nil, errorf("Output Taproot tree has a leaf with an invalid leaf version")
		}
		leaves = append(leaves, l)
	}
	if !script.TapDepths(leaves) {
		return nil, errorf("Output Taproot tree is malformed")
	}
	return leaves, nil
}
