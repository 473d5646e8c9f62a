package sign

import (
	"starling/script"
	"starling/script/descriptor"
	"starling/wire"
)

// Lengths in bytes of signatures, at most.
const (
	ecdsaSize   = 71 // DER with low R and low S, and the hash type
	schnorrSize = 64 // without hash type, which is the default
)

// inputBase is the length of an outpoint and a sequence number.
const inputBase = wire.OutPointSize + 4

// Size is what an input will take in a transaction.
type Size struct {
	SigScript int // bytes of the signature script
	Witness   int // bytes of the witness, its number of items included; 0 without one
}

// Weight returns the weight of the input. An input without witness counts one
// more if another input of the transaction has one; see [TxWeight].
func (z Size) Weight() int {
	n := inputBase + wire.CompactSizeLen(uint64(z.SigScript)) + z.SigScript
	return n*wire.WitnessScale + z.Witness
}

// TxWeight returns the weight of a transaction with inputs and outputs.
func TxWeight(ins []Size, outs []wire.TxOut) int {
	base := 4 + 4 + wire.CompactSizeLen(uint64(len(ins))) + wire.CompactSizeLen(uint64(len(outs)))
	for i := range outs {
		base += OutputSize(outs[i].Script)
	}
	weight, segwit := base*wire.WitnessScale, false
	for _, z := range ins {
		weight += z.Weight()
		segwit = segwit || z.Witness > 0
	}
	if segwit {
		weight += 2 // marker and flag
		for _, z := range ins {
			if z.Witness == 0 {
				weight++
			}
		}
	}
	return weight
}

// OutputSize returns the length of an output in bytes.
func OutputSize(outScript []byte) int {
	return 8 + wire.CompactSizeLen(uint64(len(outScript))) + len(outScript)
}

// VSize rounds a weight up to virtual bytes.
func VSize(weight int) int { return (weight + wire.WitnessScale - 1) / wire.WitnessScale }

// Estimate returns what an input that spends an output will take at most, when
// it is signed by this package with the default hash type. Taproot outputs are
// taken to be spent by key unless it is known that nobody has it. The error is
// [ErrUnknownScript], [ErrNoRedeem] or [ErrNoWitness].
func Estimate(o *descriptor.Output) (Size, error) {
	t, err := resolve(o)
	if err != nil {
		return Size{}, err
	}
	var items []int
	switch t.class {
	case script.PubKey:
		items = []int{ecdsaSize}
	case script.PubKeyHash:
		pub := 33
		if known := t.pub(o); known != nil {
			pub = len(known)
		}
		items = []int{ecdsaSize, pub}
	case script.MultiSig:
		need, _ := t.multi()
		items = make([]int, need+1)
		for i := range need {
			items[i+1] = ecdsaSize
		}
	default:
		return Size{Witness: taprootSize(o)}, nil
	}
	var z Size
	if t.witness {
		if t.wscript != nil {
			items = append(items, len(t.wscript))
		}
		z.Witness = itemsSize(items)
	} else {
		for _, n := range items {
			z.SigScript += len(script.AppendData(nil, make([]byte, n)))
		}
	}
	if t.redeem != nil {
		z.SigScript += len(script.AppendData(nil, t.redeem))
	}
	return z, nil
}

// unspendable is the x coordinate of the point that BIP341 names for internal
// keys nobody shall have.
var unspendable = [32]byte{
	0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e,
	0x07, 0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
}

// taprootSize returns the length of a taproot witness.
func taprootSize(o *descriptor.Output) int {
	byKey := itemsSize([]int{schnorrSize})
	if o.Taproot == nil || o.Taproot.Internal != unspendable {
		return byKey
	}
	most := 0
	for _, l := range o.Taproot.Leaves {
		need, xs, _ := descriptor.TapMulti(l.Script)
		if len(xs) == 0 {
			continue
		}
		items := make([]int, len(xs), len(xs)+2)
		for i := range need {
			items[i] = schnorrSize
		}
		most = max(most, itemsSize(append(items, len(l.Script), len(l.Control))))
	}
	return max(most, byKey)
}

// itemsSize returns the length of a witness with items of these lengths.
func itemsSize(items []int) int {
	n := wire.CompactSizeLen(uint64(len(items)))
	for _, it := range items {
		n += wire.CompactSizeLen(uint64(it)) + it
	}
	return n
}

// witnessSize returns the length of a witness.
func witnessSize(items [][]byte) int {
	sizes := make([]int, len(items))
	for i, it := range items {
		sizes[i] = len(it)
	}
	return itemsSize(sizes)
}
