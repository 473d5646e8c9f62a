package rpc

import (
	"context"
	"encoding/json"

	"starling/params"
	"starling/script/descriptor"
)

// parseDescriptors reads a descriptor, or several by alternatives.
func parseDescriptors(text string, net *params.Network) ([]*descriptor.Descriptor, error) {
	ds, err := descriptor.Parse(text, net)
	if err != nil {
		return nil, Errorf(CodeInvalidAddress, "%v", err)
	}
	return ds, nil
}

// expandError turns an error of expanding a descriptor into Core's.
func expandError(err error) error { return Errorf(CodeInvalidAddress, "%v", err) }

// descriptorScripts returns the scripts that a descriptor without range stands
// for; only combo() has more than one.
func descriptorScripts(text string, net *params.Network) ([][]byte, error) {
	d, err := descriptor.ParseOne(text, net)
	if err != nil {
		return nil, Errorf(CodeInvalidAddress, "%v", err)
	}
	if d.IsRange() {
		return nil, Errorf(CodeInvalidParam, "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?")
	}
	outs, err := d.Expand(0)
	if err != nil {
		return nil, expandError(err)
	}
	scripts := make([][]byte, len(outs))
	for i := range outs {
		scripts[i] = outs[i].Script
	}
	return scripts, nil
}

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

func (*scanObject) argWord() string { return "string" }

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

// indexRange is the range of a descriptor: its end, or its first and last.
type indexRange struct{ first, last int64 }

func (*indexRange) argType() jsonType { return "" }

func (*indexRange) argWord() string { return "numeric or array" }

func (r *indexRange) decodeArg(_ string, raw json.RawMessage) error {
	switch typeOf(raw) {
	case typeNumber:
		if err := json.Unmarshal(raw, &r.last); err != nil {
			return Errorf(CodeInvalidParam, "Range end is not a number of indexes")
		}
	case typeArray:
		var pair []int64
		if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
			return Errorf(CodeInvalidParam, "Range must have exactly two elements")
		}
		r.first, r.last = pair[0], pair[1]
	default:
		return Errorf(CodeInvalidParam, "Range must be specified as end or as [begin,end]")
	}
	switch {
	case r.first > r.last:
		return Errorf(CodeInvalidParam, "Range specified as [begin,end] must not have begin after end")
	case r.first < 0:
		return Errorf(CodeInvalidParam, "Range should be greater or equal than 0")
	case r.last > descriptor.MaxIndex:
		return Errorf(CodeInvalidParam, "End of range is too high")
	case r.last >= r.first+1_000_000:
		return Errorf(CodeInvalidParam, "Range is too large")
	}
	return nil
}
