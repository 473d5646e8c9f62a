package partial

import (
	"bytes"
	"slices"

	"starling/address"
	"starling/script"
	"starling/script/descriptor"
	"starling/wallet/sign"
	"starling/wire"
)

// Role is who has to do something next, by Core's names.
type Role string

// The roles, in order.
const (
	Creator   Role = "creator"
	Updater   Role = "updater"
	Signer    Role = "signer"
	Finalizer Role = "finalizer"
	Extractor Role = "extractor"
)

// roles are in the order in which they work.
var roles = []Role{Creator, Updater, Signer, Finalizer, Extractor}

// Analysis says what a packet lacks.
type Analysis struct {
	Inputs []InputAnalysis
	// VSize is what the transaction will have in virtual bytes, if that can be
	// told.
	VSize *int
	// Fee is in satoshi, if it can be told.
	Fee  *int64
	Next Role
	// Error says why the packet cannot be right; empty if it can.
	Error string
}

// InputAnalysis says what an input lacks.
type InputAnalysis struct {
	HasSpent bool // whether it is known what the input spends
	Final    bool
	Next     Role
	Missing  Missing
}

// Missing are what a signer lacks.
type Missing struct {
	PubKeys [][20]byte // HASH160 of public keys that are not known
	Sigs    [][20]byte // HASH160 of public keys whose signatures are missing
	Redeem  []byte     // HASH160 of the redeem script; nil if it is not missing
	Witness []byte     // SHA-256 of the witness script; nil if it is not missing
}

// maxMoney is the most satoshi that an output may hold.
const maxMoney = 21_000_000 * 100_000_000

// Analyze says what the packet lacks, and who has to provide it.
func (p *Packet) Analyze() Analysis {
	a := Analysis{Inputs: make([]InputAnalysis, len(p.In)), Next: Extractor}
	f := p.newFinalizer()
	total := int64(0)
	for i := range p.In {
		spent, known := p.SpentBy(i)
		if known {
			if spent.Value < 0 || spent.Value > maxMoney || total+spent.Value > maxMoney {
				return invalid("PSBT is not valid. Input %d has invalid value", i)
			}
			if script.IsUnspendable(spent.Script) {
				return invalid("PSBT is not valid. Input %d spends unspendable output", i)
			}
			total += spent.Value
		} else if prev := p.In[i].Previous; prev != nil && int64(p.Tx.In[i].PrevOut.Index) >= int64(len(prev.Out)) {
			return invalid("PSBT is not valid. Input %d specifies invalid prevout", i)
		}
		a.Inputs[i] = p.analyzeInput(f, i, known)
		a.Next = earlier(a.Next, a.Inputs[i].Next)
	}
	fee, ok := p.Fee()
	if !ok {
		return a
	}
	paid := int64(0)
	for i := range p.Tx.Out {
		v := p.Tx.Out[i].Value
		if v < 0 || v > maxMoney || paid+v > maxMoney {
			return invalid("PSBT is not valid. Output amount invalid")
		}
		paid += v
	}
	a.Fee = &fee
	a.VSize = p.estimate()
	return a
}

func invalid(format string, args ...any) Analysis {
	return Analysis{Next: Creator, Error: errorf(format, args...).Error()}
}

func earlier(a, b Role) Role {
	return roles[min(slices.Index(roles, a), slices.Index(roles, b))]
}

func (p *Packet) analyzeInput(f *finalizer, i int, known bool) InputAnalysis {
	in := &p.In[i]
	a := InputAnalysis{HasSpent: known}
	switch {
	case !known:
		a.Next = Updater
		return a
	case in.Final() && f.passes(i):
		a.Final, a.Next = true, Extractor
		return a
	}
	if f.passes(i) {
		a.Next = Finalizer
		return a
	}
	a.Missing = p.missing(i)
	a.Next = Updater
	if m := &a.Missing; len(m.PubKeys) == 0 && m.Redeem == nil && m.Witness == nil && len(m.Sigs) > 0 {
		a.Next = Signer
	}
	return a
}

// missing says what input i lacks.
func (p *Packet) missing(i int) (m Missing) {
	in := &p.In[i]
	o := p.InputOutput(i)
	for _, pub := range in.Sigs.PubKeys() {
		o.Keys = append(o.Keys, descriptor.Key{Pub: pub})
	}
	for _, s := range scriptsOf(&o, &m) {
		class, parts := script.Classify(s)
		switch class {
		case script.PubKey:
			m.needSig(in, parts[0])
		case script.PubKeyHash, script.WitnessV0KeyHash:
			hash := [20]byte(parts[0])
			if k := slices.IndexFunc(o.Keys, func(k descriptor.Key) bool { return address.Hash160(k.Pub) == hash }); k >= 0 {
				m.needSig(in, o.Keys[k].Pub)
			} else {
				m.PubKeys = append(m.PubKeys, hash)
			}
		case script.MultiSig:
			for _, pub := range parts[1 : len(parts)-1] {
				m.needSig(in, pub)
			}
		case script.WitnessV1Taproot:
			m.needTapSigs(&o, parts[0])
		}
	}
	return m
}

// scriptsOf returns the script that must be satisfied in the end, unless one
// on the way to it is missing.
func scriptsOf(o *descriptor.Output, m *Missing) [][]byte {
	s := o.Script
	class, parts := script.Classify(s)
	if class == script.ScriptHash {
		if h := address.Hash160(o.Redeem); o.Redeem == nil || !bytes.Equal(h[:], parts[0]) {
			m.Redeem = parts[0]
			return nil
		}
		s = o.Redeem
		class, parts = script.Classify(s)
	}
	if class == script.WitnessV0ScriptHash {
		if o.Witness == nil {
			m.Witness = parts[0]
			return nil
		}
		s = o.Witness
	}
	return [][]byte{s}
}

func (m *Missing) needSig(in *Input, pub []byte) {
	if in.Sigs.ECDSA[string(pub)] == nil {
		m.Sigs = append(m.Sigs, address.Hash160(pub))
	}
}

// needTapSigs names the keys that could sign a taproot output.
func (m *Missing) needTapSigs(o *descriptor.Output, output []byte) {
	if o.Taproot == nil || o.Taproot.Internal == [32]byte{} {
		m.Sigs = append(m.Sigs, address.Hash160(output))
		return
	}
	m.Sigs = append(m.Sigs, address.Hash160(o.Taproot.Internal[:]))
}

// estimate returns the size of the signed transaction in virtual bytes, or nil
// if the packet does not tell enough.
func (p *Packet) estimate() *int {
	sizes := make([]sign.Size, len(p.In))
	for i := range p.In {
		in := &p.In[i]
		if in.Final() {
			sizes[i].SigScript = len(in.FinalScript)
			if len(in.FinalWitness) > 0 {
				sizes[i].Witness = len(wire.NewWitness(in.FinalWitness...).Append(nil))
			}
			continue
		}
		if m := p.missing(i); len(m.PubKeys) > 0 {
			return nil
		}
		o := p.InputOutput(i)
		z, err := sign.Estimate(&o)
		if err != nil {
			return nil
		}
		sizes[i] = z
	}
	v := sign.VSize(sign.TxWeight(sizes, p.Tx.Out))
	return &v
}
