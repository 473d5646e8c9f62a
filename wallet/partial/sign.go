package partial

import (
	"errors"
	"slices"

	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// Errors about signing. [Packet.Sign] wraps them in an [*InputError].
var (
	// ErrNoSpent says that the packet does not tell what the input spends.
	ErrNoSpent = errors.New("the output that the input spends is not known")
	// ErrHashType says that the packet asks for another hash type, or has
	// signatures of another.
	//lint:ignore ST1005 the words are Core's
	ErrHashType = errors.New("Specified sighash value does not match value stored in PSBT")
)

// InputError says what is wrong with an input.
type InputError = sign.InputError

// Sign adds the signatures of input i that keys can make. What the packet
// tells of the output is enriched by more, if that is not nil. hashType is nil
// for what the packet asks for, or the default. It returns the number of
// signatures that it added.
func (p *Packet) Sign(s *sign.Signer, i int, keys sign.Keys, more *descriptor.Output, hashType *uint32) (added int, err error) {
	in := &p.In[i]
	if in.Final() {
		return 0, nil
	}
	spent, ok := p.SpentBy(i)
	if !ok {
		return 0, &InputError{Input: i, Err: ErrNoSpent}
	}
	if more != nil {
		p.DescribeInput(i, more, false)
	}
	o := p.InputOutput(i)
	if more != nil {
		for _, k := range more.Keys {
			if _, have := o.Key(k.Pub); !have {
				o.Keys = append(o.Keys, k)
			}
		}
	}
	use, err := in.hashType(spent.Script, hashType)
	if err != nil {
		return 0, &InputError{Input: i, Err: err}
	}
	if in.Previous == nil && !IsWitness(&o) {
		// Without the whole transaction nobody knows what a legacy signature
		// pays in fees.
		return 0, &InputError{Input: i, Err: ErrNoSpent}
	}
	added, err = s.Sign(i, &o, keys, use, &in.Sigs)
	if err != nil {
		return added, &InputError{Input: i, Err: err}
	}
	if added > 0 {
		if use != script.SigHashDefault && use != script.SigHashAll {
			in.HashType = &use
		}
		if in.Spent == nil && IsWitness(&o) {
			in.Spent = &spent
		}
	}
	return added, nil
}

// hashType returns the hash type to sign with. The one that is asked for, the
// packet's, and those of the signatures that there are must agree.
func (in *Input) hashType(outScript []byte, asked *uint32) (uint32, error) {
	use := sign.DefaultHashType(outScript)
	if in.HashType != nil {
		use = *in.HashType
	}
	if asked != nil {
		if in.HashType != nil && *asked != use {
			return 0, ErrHashType
		}
		use = *asked
	}
	if use == script.SigHashDefault && sign.DefaultHashType(outScript) != use {
		use = script.SigHashAll
	}
	return use, in.checkHashTypes(use)
}

// checkHashTypes reports, as an error, signatures of another hash type.
func (in *Input) checkHashTypes(use uint32) error {
	for _, sig := range in.Sigs.ECDSA {
		if uint32(sig[len(sig)-1]) != use {
			return ErrHashType
		}
	}
	schnorr := func(sig []byte) bool {
		t := uint32(script.SigHashDefault)
		if len(sig) == 65 {
			t = uint32(sig[64])
		}
		return t == use
	}
	if in.Sigs.TapKey != nil && !schnorr(in.Sigs.TapKey) {
		return ErrHashType
	}
	for _, sig := range in.Sigs.TapLeaf {
		if !schnorr(sig) {
			return ErrHashType
		}
	}
	return nil
}

// Signer returns a signer for the packet's transaction, with what the packet
// tells of the outputs that it spends.
func (p *Packet) Signer(o sign.Options) *sign.Signer { return sign.New(p.Tx, p.allSpent(), o) }

// SignAll adds all signatures that keys can make, with what known tells of
// outputs beyond the packet; it may be nil. The error is of the first input
// that asks for something that cannot be done; inputs that tell too little are
// passed over.
func (p *Packet) SignAll(keys sign.Keys, known func(outScript []byte) *descriptor.Output, hashType *uint32, o sign.Options) (added int, err error) {
	s := p.Signer(o)
	for i := range p.In {
		var more *descriptor.Output
		if spent, ok := p.SpentBy(i); ok && known != nil {
			more = known(spent.Script)
		}
		n, err := p.Sign(s, i, keys, more, hashType)
		added += n
		if errors.Is(err, ErrHashType) || errors.Is(err, sign.ErrHashType) || errors.Is(err, sign.ErrNoOutput) {
			return added, err
		}
	}
	return added, nil
}

// Finalize puts the final scripts and witnesses together where there are
// enough signatures, and reports whether all inputs are final.
func (p *Packet) Finalize() bool {
	f := p.newFinalizer()
	complete := true
	for i := range p.In {
		complete = f.finalize(i) && complete
	}
	return complete
}

// Complete reports whether all inputs are final and pass their scripts.
func (p *Packet) Complete() bool {
	f := p.newFinalizer()
	for i := range p.In {
		if !p.In[i].Final() || !f.passes(i) {
			return false
		}
	}
	return true
}

// finalizer holds the transaction as it would be if all inputs with enough
// signatures were final. It stays right while they become so.
type finalizer struct {
	p     *Packet
	spent []wire.TxOut
	all   bool // whether all spent outputs are known
	ready []bool
	ins   []wire.TxIn
	check *script.TxCheck // nil if the transaction would be too large
}

func (p *Packet) newFinalizer() *finalizer {
	f := &finalizer{p: p, spent: p.allSpent(), all: true, ready: make([]bool, len(p.In)), ins: slices.Clone(p.Tx.In)}
	for i := range f.spent {
		f.all = f.all && f.spent[i].Script != nil
	}
	signer := p.Signer(sign.Options{})
	for i := range p.In {
		f.ready[i] = f.assemble(i, signer)
	}
	if tx, ok := p.with(f.ins); ok {
		f.check = script.NewVerifier(script.Options{}).Tx(tx, f.spent, script.StandardFlags)
	}
	return f
}

// assemble fills in what input i gets, without looking whether it is right.
func (f *finalizer) assemble(i int, signer *sign.Signer) bool {
	in, to := &f.p.In[i], &f.ins[i]
	if in.Final() {
		to.Script, to.Witness = in.FinalScript, wire.NewWitness(in.FinalWitness...)
		return true
	}
	if f.spent[i].Script == nil || in.HashType != nil && in.checkHashTypes(*in.HashType) != nil {
		return false
	}
	o := f.p.InputOutput(i)
	// A public key that signed tells itself.
	for _, pub := range in.Sigs.PubKeys() {
		if _, have := o.Key(pub); !have {
			o.Keys = append(o.Keys, descriptor.Key{Pub: pub})
		}
	}
	sigScript, witness, complete := signer.Finish(&o, &in.Sigs)
	if complete {
		to.Script, to.Witness = sigScript, wire.NewWitness(witness...)
	}
	return complete
}

// passes reports whether an input has what it needs and passes its script.
func (f *finalizer) passes(i int) bool {
	return f.ready[i] && f.spent[i].Script != nil && (f.all || !isTaproot(f.spent[i].Script)) &&
		f.check != nil && f.check.Input(i) == nil
}

func (f *finalizer) finalize(i int) bool {
	in := &f.p.In[i]
	if !f.passes(i) {
		return false
	}
	if in.Final() {
		return true
	}
	in.FinalScript, in.FinalWitness = f.ins[i].Script, f.ins[i].Witness.Stack()
	// All that a signer needed has done its work.
	in.Sigs, in.HashType, in.Redeem, in.Witness, in.Keys, in.Preimages = sign.Signatures{}, nil, nil, nil, nil, nil
	in.TapInternal, in.TapRoot, in.TapLeaves, in.TapKeys = nil, nil, nil, nil
	return true
}

// with returns the packet's transaction with other inputs; ok is false if it
// would be larger than a block.
func (p *Packet) with(ins []wire.TxIn) (tx *wire.Tx, ok bool) {
	size := p.Tx.Size()
	for i := range ins {
		size += len(ins[i].Script) + 9
		for it := range ins[i].Witness.Items() {
			size += len(it) + 9
		}
	}
	if size > wire.MaxBlockSize {
		return nil, false
	}
	return wire.NewTx(p.Tx.Version, ins, p.Tx.Out, p.Tx.LockTime), true
}

// Extract returns the signed transaction of a packet whose inputs are all
// final. The error is an [*Error].
func (p *Packet) Extract() (*wire.Tx, error) {
	if len(p.In) == 0 {
		return nil, errorf("a transaction without inputs is not complete")
	}
	ins := slices.Clone(p.Tx.In)
	for i := range ins {
		in := &p.In[i]
		if !in.Final() {
			return nil, errorf("input %d is not final", i)
		}
		ins[i].Script, ins[i].Witness = in.FinalScript, wire.NewWitness(in.FinalWitness...)
	}
	tx, ok := p.with(ins)
	if !ok {
		return nil, errorf("the transaction is larger than a block")
	}
	return tx, nil
}
