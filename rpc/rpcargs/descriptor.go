package rpcargs

import (
	"context"
	"encoding/json"

	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/script/descriptor"
)

// ParseDescriptors reads a descriptor, or several by alternatives.
func ParseDescriptors(text string, net *params.Network) ([]*descriptor.Descriptor, error) {
	ds, err := descriptor.Parse(text, net)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	}
	return ds, nil
}

// ExpandError turns an error of expanding a descriptor into Core's.
func ExpandError(err error) error { return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err) }

// DescriptorScripts returns the scripts that a descriptor without range stands
// for; only combo() has more than one.
func DescriptorScripts(text string, net *params.Network) ([][]byte, error) {
	d, err := descriptor.ParseOne(text, net)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	}
	if d.IsRange() {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?")
	}
	outs, err := d.Expand(0)
	if err != nil {
		return nil, ExpandError(err)
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

// ScanObject is a descriptor, alone or in an object with a range.
type ScanObject struct {
	desc  string
	span  IndexRange
	given bool // whether a range was
}

// ArgType implements [jsonrpc.Argument].
func (*ScanObject) ArgType() jsonrpc.Type { return "" }

// ArgWord implements [jsonrpc.Argument].
func (*ScanObject) ArgWord() string { return "string" }

// DecodeArg implements [jsonrpc.Argument].
func (o *ScanObject) DecodeArg(name string, raw json.RawMessage) error {
	o.span.Last = defaultRange
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeString:
		return json.Unmarshal(raw, &o.desc)
	case jsonrpc.TypeObject:
	default:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Scan object needs to be either a string or an object")
	}
	ms, err := jsonrpc.DecodeObject(raw)
	if err != nil {
		return err
	}
	desc := jsonrpc.Get(ms, "desc")
	if jsonrpc.TypeOf(desc) != jsonrpc.TypeString {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Descriptor needs to be provided in scan object")
	}
	if err := json.Unmarshal(desc, &o.desc); err != nil {
		return err
	}
	if r := jsonrpc.Get(ms, "range"); r != nil && jsonrpc.TypeOf(r) != jsonrpc.TypeNull {
		o.given, o.span = true, IndexRange{}
		return o.span.DecodeArg(name, r)
	}
	return nil
}

// Each expands the descriptors of the object over their ranges.
func (o *ScanObject) Each(ctx context.Context, net *params.Network, f func(*descriptor.Descriptor, uint32, []descriptor.Output)) error {
	ds, err := ParseDescriptors(o.desc, net)
	if err != nil {
		return err
	}
	for _, d := range ds {
		span := o.span
		if !d.IsRange() {
			span = IndexRange{}
		}
		for i := span.First; i <= span.Last; i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			outs, err := d.Expand(uint32(i))
			if err != nil {
				return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Cannot derive script without private keys: '%s'", o.desc)
			}
			f(d, uint32(i), outs)
		}
	}
	return nil
}

// IndexRange is the range of a descriptor: its end, or its first and last.
type IndexRange struct{ First, Last int64 }

// ArgType implements [jsonrpc.Argument].
func (*IndexRange) ArgType() jsonrpc.Type { return "" }

// ArgWord implements [jsonrpc.Argument].
func (*IndexRange) ArgWord() string { return "numeric or array" }

// DecodeArg implements [jsonrpc.Argument].
func (r *IndexRange) DecodeArg(_ string, raw json.RawMessage) error {
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeNumber:
		if err := json.Unmarshal(raw, &r.Last); err != nil {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range end is not a number of indexes")
		}
	case jsonrpc.TypeArray:
		var pair []int64
		if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range must have exactly two elements")
		}
		r.First, r.Last = pair[0], pair[1]
	default:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range must be specified as end or as [begin,end]")
	}
	switch {
	case r.First > r.Last:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range specified as [begin,end] must not have begin after end")
	case r.First < 0:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range should be greater or equal than 0")
	case r.Last > descriptor.MaxIndex:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "End of range is too high")
	case r.Last >= r.First+1_000_000:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range is too large")
	}
	return nil
}
