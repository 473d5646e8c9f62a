package partial

import (
	"slices"

	"starling/wire"
)

// Combine puts packets of the same transaction together: each field is taken
// from the first that has it. The packets are not changed. The error is an
// [*Error] if the transactions differ.
func Combine(packets ...*Packet) (*Packet, error) {
	if len(packets) == 0 {
		return nil, errorf("Parameter 'txs' cannot be empty")
	}
	all := packets[0].clone()
	for _, p := range packets[1:] {
		if p.Tx.TxID() != all.Tx.TxID() {
			return nil, errorf("PSBTs not compatible (different transactions)")
		}
		for i := range p.In {
			all.In[i].merge(&p.In[i])
		}
		for i := range p.Out {
			all.Out[i].merge(&p.Out[i])
		}
		all.mergeXPubs(p.XPubs)
		all.Unknown = mergePairs(all.Unknown, p.Unknown)
		all.Versioned = all.Versioned || p.Versioned
	}
	return all, nil
}

// clone returns a packet that can be changed without the other.
func (p *Packet) clone() *Packet {
	c := *p
	c.XPubs, c.Unknown = slices.Clip(p.XPubs), slices.Clip(p.Unknown)
	c.In, c.Out = make([]Input, len(p.In)), make([]Output, len(p.Out))
	for i := range c.In {
		c.In[i].merge(&p.In[i])
	}
	for i := range c.Out {
		c.Out[i].merge(&p.Out[i])
	}
	return &c
}

func (p *Packet) mergeXPubs(more []XPub) {
	for _, x := range more {
		if !slices.ContainsFunc(p.XPubs, func(y XPub) bool { return x.Key == y.Key }) {
			p.XPubs = append(p.XPubs, x)
		}
	}
}

func mergePairs(have, more []Pair) []Pair {
	for _, p := range more {
		if !slices.ContainsFunc(have, func(h Pair) bool { return string(h.Key) == string(p.Key) }) {
			have = append(have, p)
		}
	}
	return have
}

// first sets to if it is nil.
func first[T any](to **T, from *T) {
	if *to == nil {
		*to = from
	}
}

func firstBytes[T any](to *[]T, from []T) {
	if *to == nil {
		*to = from
	}
}

func (in *Input) merge(m *Input) {
	first(&in.Previous, m.Previous)
	first(&in.Spent, m.Spent)
	first(&in.HashType, m.HashType)
	firstBytes(&in.Redeem, m.Redeem)
	firstBytes(&in.Witness, m.Witness)
	firstBytes(&in.FinalScript, m.FinalScript)
	firstBytes(&in.FinalWitness, m.FinalWitness)
	first(&in.TapInternal, m.TapInternal)
	first(&in.TapRoot, m.TapRoot)
	in.Keys, in.TapKeys = addKeys(in.Keys, m.Keys), addKeys(in.TapKeys, m.TapKeys)
	in.Sigs.Merge(&m.Sigs)
	for _, h := range m.Preimages {
		same := func(o Preimage) bool { return o.Kind == h.Kind && string(o.Hash) == string(h.Hash) }
		if !slices.ContainsFunc(in.Preimages, same) {
			in.Preimages = append(in.Preimages, h)
		}
	}
	for _, l := range m.TapLeaves {
		in.addTapLeaf(l)
	}
	in.Unknown = mergePairs(in.Unknown, m.Unknown)
}

func (o *Output) merge(m *Output) {
	firstBytes(&o.Redeem, m.Redeem)
	firstBytes(&o.Witness, m.Witness)
	first(&o.TapInternal, m.TapInternal)
	firstBytes(&o.TapTree, m.TapTree)
	o.Keys, o.TapKeys = addKeys(o.Keys, m.Keys), addKeys(o.TapKeys, m.TapKeys)
	o.Unknown = mergePairs(o.Unknown, m.Unknown)
}

// Join makes one packet of several with different transactions: all their
// inputs and outputs, in an order that shuffle gives, as rand.Shuffle does, so
// that nobody can tell whose they were. Signatures are dropped, as they are
// worth nothing in another transaction. The version is the highest, the lock
// time the lowest. The error is an [*Error] if two packets have the same input.
func Join(shuffle func(n int, swap func(i, j int)), packets ...*Packet) (*Packet, error) {
	if len(packets) < 2 {
		return nil, errorf("At least two PSBTs are required to join PSBTs.")
	}
	type input struct {
		tx wire.TxIn
		in Input
	}
	type output struct {
		tx  wire.TxOut
		out Output
	}
	var ins []input
	var outs []output
	version, lockTime := int32(1), uint32(0xffffffff)
	all := new(Packet)
	seen := make(map[wire.OutPoint]bool)
	for _, p := range packets {
		c := p.clone()
		if uint32(p.Tx.Version) > uint32(version) {
			version = p.Tx.Version
		}
		lockTime = min(lockTime, p.Tx.LockTime)
		for i, in := range c.In {
			op := p.Tx.In[i].PrevOut
			if seen[op] {
				return nil, errorf("Input %s:%d exists in multiple PSBTs", op.Hash, op.Index)
			}
			seen[op] = true
			in.Sigs.Clear()
			in.FinalScript, in.FinalWitness = nil, nil
			ins = append(ins, input{p.Tx.In[i], in})
		}
		for i, out := range c.Out {
			outs = append(outs, output{p.Tx.Out[i], out})
		}
		all.mergeXPubs(c.XPubs)
		all.Unknown = mergePairs(all.Unknown, c.Unknown)
	}
	shuffle(len(ins), func(i, j int) { ins[i], ins[j] = ins[j], ins[i] })
	shuffle(len(outs), func(i, j int) { outs[i], outs[j] = outs[j], outs[i] })
	txIns, txOuts := make([]wire.TxIn, len(ins)), make([]wire.TxOut, len(outs))
	all.In, all.Out = make([]Input, len(ins)), make([]Output, len(outs))
	for i := range ins {
		txIns[i], all.In[i] = ins[i].tx, ins[i].in
	}
	for i := range outs {
		txOuts[i], all.Out[i] = outs[i].tx, outs[i].out
	}
	size := 0
	for _, p := range packets {
		size += p.Tx.Size()
	}
	if size > wire.MaxBlockSize {
		return nil, errorf("together the transactions are larger than a block")
	}
	all.Tx = wire.NewTx(version, txIns, txOuts, lockTime)
	return all, nil
}
