package rpc

import (
	"context"
	"encoding/json"
	"errors"

	"starling/params"
	"starling/script/descriptor"
	"starling/wallet/partial"
	"starling/wallet/sign"
	"starling/wire"
)

// defaultRange is how many indexes of a descriptor are looked at unless told
// otherwise.
const defaultRange = 1000

// scanObject is a descriptor, alone or in an object with a range.
type scanObject struct {
	desc  string
	span  indexRange
	given bool // whether a range was
}

func (*scanObject) argType() jsonType { return "" }
func (*scanObject) argWord() string   { return "string" }

func (o *scanObject) decodeArg(name string, raw json.RawMessage) error {
	o.span.last = defaultRange
	switch typeOf(raw) {
	case typeString:
		return json.Unmarshal(raw, &o.desc)
	case typeObject:
	default:
		return Errorf(CodeInvalidParam, "Scan object needs to be either a string or an object")
	}
	ms, err := decodeObject(raw)
	if err != nil {
		return err
	}
	desc := member(ms, "desc")
	if typeOf(desc) != typeString {
		return Errorf(CodeInvalidParam, "Descriptor needs to be provided in scan object")
	}
	if err := json.Unmarshal(desc, &o.desc); err != nil {
		return err
	}
	if r := member(ms, "range"); r != nil && typeOf(r) != typeNull {
		o.given, o.span = true, indexRange{}
		return o.span.decodeArg(name, r)
	}
	return nil
}

// each expands the descriptors of the object over their ranges.
func (o *scanObject) each(ctx context.Context, net *params.Network, f func(*descriptor.Descriptor, uint32, []descriptor.Output)) error {
	ds, err := parseDescriptors(o.desc, net)
	if err != nil {
		return err
	}
	for _, d := range ds {
		span := o.span
		if !d.IsRange() {
			span = indexRange{}
		}
		for i := span.first; i <= span.last; i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			outs, err := d.Expand(uint32(i))
			if err != nil {
				return Errorf(CodeInvalidAddress, "Cannot derive script without private keys: '%s'", o.desc)
			}
			f(d, uint32(i), outs)
		}
	}
	return nil
}

// knowledge collects what descriptors tell, and their private keys.
func (a *txAPI) knowledge(ctx context.Context, objects []scanObject) (*descriptor.Known, *sign.Ring, error) {
	known, ring := new(descriptor.Known), new(sign.Ring)
	for i := range objects {
		err := objects[i].each(ctx, a.network(), func(d *descriptor.Descriptor, index uint32, outs []descriptor.Output) {
			for _, o := range outs {
				known.AddOutput(o)
			}
			for _, k := range d.PrivateKeys(index) {
				ring.Add(k)
			}
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return known, ring, nil
}

// updatePSBT adds what the node and a collection of knowledge tell.
func updatePSBT(ctx context.Context, f *Finder, p *partial.Packet, known *descriptor.Known, origins bool) error {
	err := fillPSBT(ctx, f, p, func(out wire.TxOut) bool {
		o := known.Solve(out.Script)
		return partial.IsWitness(&o)
	})
	if err != nil {
		return err
	}
	for i := range p.In {
		if out, ok := p.SpentBy(i); ok && !p.In[i].Final() {
			o := known.Solve(out.Script)
			p.DescribeInput(i, &o, origins)
			if p.In[i].Spent == nil && partial.IsWitness(&o) {
				p.SetSpent(i, out)
			}
		}
	}
	for i := range p.Out {
		o := known.Solve(p.Tx.Out[i].Script)
		p.DescribeOutput(i, &o, origins)
	}
	return nil
}

type updateParams struct {
	PSBT        string       `rpc:"psbt" help:"The partially signed transaction in base64"`
	Descriptors []scanObject `rpc:"descriptors,optional" item:"descriptor" help:"Descriptors, alone or as objects with desc and range"`
}

func (a *txAPI) utxoUpdatePSBT(ctx context.Context, p updateParams) (string, error) {
	packet, err := parsePSBT(p.PSBT)
	if err != nil {
		return "", err
	}
	known, _, err := a.knowledge(ctx, p.Descriptors)
	if err != nil {
		return "", err
	}
	if err := updatePSBT(ctx, a.Txs, packet, known, true); err != nil {
		return "", err
	}
	packet.DropPrevious()
	return packet.Base64(), nil
}

type processParams struct {
	PSBT        string       `rpc:"psbt" help:"The partially signed transaction in base64"`
	Descriptors []scanObject `rpc:"descriptors" item:"descriptor" help:"Descriptors, alone or as objects with desc and range"`
	HashType    *string      `rpc:"sighashtype" help:"What signatures cover: DEFAULT, ALL, NONE or SINGLE, perhaps with |ANYONECANPAY"`
	Origins     bool         `rpc:"bip32derivs" default:"true" help:"Whether it is added where keys come from"`
	Finalize    bool         `rpc:"finalize" default:"true" help:"Whether inputs with enough signatures are made final"`
}

type processed struct {
	PSBT     string `json:"psbt" help:"the partially signed transaction in base64"`
	Complete bool   `json:"complete" help:"whether all inputs are signed"`
	Hex      Hex    `json:"hex,omitempty" help:"the signed transaction, if it is complete"`
}

func (a *txAPI) descriptorProcessPSBT(ctx context.Context, p processParams) (r processed, err error) {
	packet, err := parsePSBT(p.PSBT)
	if err != nil {
		return r, err
	}
	hashType, err := parseHashType(p.HashType)
	if err != nil {
		return r, err
	}
	known, ring, err := a.knowledge(ctx, p.Descriptors)
	if err != nil {
		return r, err
	}
	if err := updatePSBT(ctx, a.Txs, packet, known, p.Origins); err != nil {
		return r, err
	}
	return signPSBT(packet, ring, known, hashType, p.Finalize)
}

// signPSBT signs a partially signed transaction and describes the result.
func signPSBT(p *partial.Packet, keys sign.Keys, known *descriptor.Known, hashType *uint32, finalize bool) (r processed, err error) {
	solve := func(outScript []byte) *descriptor.Output {
		o := known.Solve(outScript)
		return &o
	}
	if _, err := p.SignAll(keys, solve, hashType, sign.Options{}); err != nil {
		return r, psbtError(err)
	}
	if finalize {
		p.Finalize()
	}
	p.DropPrevious()
	r.Complete = p.Complete()
	r.PSBT = p.Base64()
	if r.Complete {
		tx, err := p.Extract()
		if err != nil {
			return r, err
		}
		r.Hex = tx.Bytes()
	}
	return r, nil
}

// psbtError turns an error of signing into Core's.
func psbtError(err error) error {
	if errors.Is(err, partial.ErrHashType) {
		return Errorf(CodeDeserialization, "%v", partial.ErrHashType)
	}
	return Errorf(CodeVerify, "%v", err)
}
