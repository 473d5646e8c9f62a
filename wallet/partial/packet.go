package partial

import (
	"encoding/base64"
	"fmt"

	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// Error says why something is no partially signed transaction, or cannot be
// done with one. The reasons are Core's where it has one.
type Error struct{ Reason string }

// Error implements the error interface.
func (e *Error) Error() string { return e.Reason }

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Packet is a partially signed transaction.
type Packet struct {
	// Tx is the transaction without signature scripts and witnesses. Use a
	// packet of its own for another.
	Tx *wire.Tx
	// XPubs are the extended public keys that keys of inputs and outputs come
	// from.
	XPubs []XPub
	// Versioned is set if the packet says that its version is 0.
	Versioned bool
	In        []Input
	Out       []Output
	Unknown   []Pair // in the order in which they came
}

// XPub is an extended public key and where it comes from.
type XPub struct {
	Key    [78]byte // as BIP32 encodes it, without checksum
	Origin descriptor.Origin
}

// Pair is a field that nobody here knows.
type Pair struct{ Key, Value []byte }

// Input is what is known of one input.
type Input struct {
	Previous *wire.Tx    // the transaction whose output is spent
	Spent    *wire.TxOut // that output, enough for witnesses
	HashType *uint32     // what signatures must be made with
	Redeem   []byte
	Witness  []byte // the witness script
	Keys     []descriptor.Key
	Sigs     sign.Signatures

	Preimages []Preimage // of hashes in the script

	TapInternal *[32]byte
	TapRoot     *[32]byte // of the tree
	TapLeaves   []TapLeaf
	TapKeys     []descriptor.Key

	FinalScript  []byte   // nil if there is none
	FinalWitness [][]byte // nil if there is none

	Unknown []Pair
}

// Final reports whether the input has its final script or witness.
func (in *Input) Final() bool { return len(in.FinalScript) > 0 || len(in.FinalWitness) > 0 }

// HashKind is the function that makes a hash of a preimage.
type HashKind uint8

// The hash functions, by the types of their fields.
const (
	RIPEMD160 HashKind = 0x0a
	SHA256    HashKind = 0x0b
	HASH160   HashKind = 0x0c
	HASH256   HashKind = 0x0d
)

// Preimage is what a hash was made of.
type Preimage struct {
	Kind        HashKind
	Hash, Value []byte
}

// TapLeaf is a script of a taproot output.
type TapLeaf struct {
	Control []byte
	Script  []byte
	Version byte
}

// Output is what is known of one output.
type Output struct {
	Redeem  []byte
	Witness []byte
	Keys    []descriptor.Key

	TapInternal *[32]byte
	TapTree     []script.TapLeaf // depth, version and script
	TapKeys     []descriptor.Key

	Unknown []Pair
}

// New returns a packet for a transaction that has no signatures. The error is
// an [*Error].
func New(tx *wire.Tx) (*Packet, error) {
	for i := range tx.In {
		if len(tx.In[i].Script) > 0 || tx.In[i].Witness.Len() > 0 {
			return nil, errorf("Unsigned tx does not have empty scriptSigs and scriptWitnesses.")
		}
	}
	return &Packet{Tx: tx, In: make([]Input, len(tx.In)), Out: make([]Output, len(tx.Out))}, nil
}

// Unsigned returns a transaction without its signatures.
func Unsigned(tx *wire.Tx) *wire.Tx {
	ins := make([]wire.TxIn, len(tx.In))
	for i := range ins {
		ins[i] = wire.TxIn{PrevOut: tx.In[i].PrevOut, Sequence: tx.In[i].Sequence}
	}
	return wire.NewTx(tx.Version, ins, tx.Out, tx.LockTime)
}

// ParseBase64 reads a packet as people pass it on. The error is an [*Error].
func ParseBase64(s string) (*Packet, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, errorf("invalid base64")
	}
	return Parse(raw)
}

// Base64 returns the packet as people pass it on.
func (p *Packet) Base64() string { return base64.StdEncoding.EncodeToString(p.Bytes()) }

// SpentBy returns the output that input i spends; ok is false if the packet
// does not tell, or contradicts itself.
func (p *Packet) SpentBy(i int) (out wire.TxOut, ok bool) {
	in, op := &p.In[i], p.Tx.In[i].PrevOut
	if in.Previous != nil {
		if int64(op.Index) >= int64(len(in.Previous.Out)) || in.Previous.TxID() != op.Hash {
			return out, false
		}
		out = in.Previous.Out[op.Index]
		if s := in.Spent; s != nil && (s.Value != out.Value || string(s.Script) != string(out.Script)) {
			return wire.TxOut{}, false
		}
		return out, true
	}
	if in.Spent != nil {
		return *in.Spent, true
	}
	return out, false
}

// allSpent returns the outputs that the inputs spend, those that are not known
// without script.
func (p *Packet) allSpent() []wire.TxOut {
	spent := make([]wire.TxOut, len(p.In))
	for i := range spent {
		if out, ok := p.SpentBy(i); ok {
			spent[i] = out
		}
	}
	return spent
}

// Fee returns the fee of the transaction in satoshi; ok is false if the packet
// does not tell what all inputs spend.
func (p *Packet) Fee() (fee int64, ok bool) {
	for i := range p.In {
		out, known := p.SpentBy(i)
		if !known {
			return 0, false
		}
		fee += out.Value
	}
	for i := range p.Tx.Out {
		fee -= p.Tx.Out[i].Value
	}
	return fee, true
}

// InputOutput returns what is known of the output that input i spends.
func (p *Packet) InputOutput(i int) descriptor.Output {
	in := &p.In[i]
	spent, _ := p.SpentBy(i)
	o := descriptor.Output{Script: spent.Script, Redeem: in.Redeem, Witness: in.Witness}
	o.Keys = append(append(o.Keys, in.Keys...), in.TapKeys...)
	_, program, ok := script.WitnessProgram(spent.Script)
	if class, _ := script.Classify(spent.Script); !ok || class != script.WitnessV1Taproot {
		return o
	}
	t := &script.TapTree{Output: [32]byte(program)}
	if in.TapInternal != nil {
		t.Internal = *in.TapInternal
	}
	if in.TapRoot != nil {
		t.Root = in.TapRoot[:]
	}
	for _, l := range in.TapLeaves {
		if leaf, ok := script.ControlLeaf(t.Output, l.Control, l.Script); ok && leaf.Version == l.Version {
			t.Leaves = append(t.Leaves, leaf)
		}
	}
	if in.TapInternal != nil || len(t.Leaves) > 0 {
		// An internal key that does not lead to the output is worth nothing.
		if output, _, err := script.TapOutput(t.Internal, t.Root); in.TapInternal != nil && (err != nil || output != t.Output) {
			t.Internal = [32]byte{}
		}
		o.Taproot = t
	}
	return o
}
