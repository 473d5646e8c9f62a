package txrpc

import (
	"context"
	"strings"

	"starling/address"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/script/descriptor"
)

func (a *api) descriptorMethods() []*jsonrpc.Method {
	const category = "Util"
	desc := "wpkh([d34db33f/84h/0h/0h]xpub6DJ2dNUysrn5Vt36jH2KLBT2i1auw1tTSSomg8PhqNiUtx8QX2SvC9nrHu81fT41fvDUnhMjEzQgXnQjKEu3oaqMSzhSrHMxyyoEAmUHQbY/0/*)#cjjspncu"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getdescriptorinfo", Category: category,
			Summary:  "Reads a descriptor, with or without its checksum, and says what it is.",
			Examples: [][]any{{"wpkh([d34db33f/84h/0h/0h]0279be667ef9dcbbac55a06295Ce870b07029Bfcdb2dce28d959f2815b16f81798)"}}}, a.getDescriptorInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "deriveaddresses", Category: category,
			Summary: "Returns the addresses of a descriptor, which must have its checksum. One with a range needs to be\n" +
				"told which part of it: the last index, or the first and the last.",
			Results: []jsonrpc.Shape{
				{When: "for one descriptor", Like: []string{}, Help: "The addresses"},
				{When: "for one with alternatives", Like: [][]string{}, Help: "The addresses of each"},
			},
			Examples: [][]any{{desc, []int{0, 2}}}}, a.deriveAddresses),
	}
}

type descriptorParams struct {
	Descriptor string `rpc:"descriptor" help:"The descriptor"`
}

func (a *api) getDescriptorInfo(_ context.Context, p descriptorParams) (r rpctypes.DescriptorInfo, err error) {
	ds, err := rpcargs.ParseDescriptors(p.Descriptor, a.network())
	if err != nil {
		return r, err
	}
	body, _, _ := strings.Cut(p.Descriptor, "#")
	r = rpctypes.DescriptorInfo{
		Descriptor: ds[0].String(), Checksum: descriptor.Checksum(body),
		IsRange: ds[0].IsRange(), IsSolvable: ds[0].IsSolvable(), HasPrivate: ds[0].HasPrivate(),
	}
	if len(ds) > 1 {
		for _, d := range ds {
			r.Multipath = append(r.Multipath, d.String())
		}
	}
	return r, nil
}

type deriveParams struct {
	Descriptor string              `rpc:"descriptor" help:"The descriptor, with its checksum"`
	Range      *rpcargs.IndexRange `rpc:"range" help:"The last index, or the first and the last, for descriptors with a range"`
}

func (a *api) deriveAddresses(ctx context.Context, p deriveParams) (any, error) {
	ds, err := descriptor.ParseChecked(p.Descriptor, a.network())
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	}
	switch isRange := ds[0].IsRange(); {
	case !isRange && p.Range != nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range should not be specified for an un-ranged descriptor")
	case isRange && p.Range == nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Range must be specified for a ranged descriptor")
	}
	part := rpcargs.IndexRange{}
	if p.Range != nil {
		part = *p.Range
	}
	all := make([][]string, len(ds))
	for i, d := range ds {
		if all[i], err = a.addressesOf(ctx, d, part); err != nil {
			return nil, err
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// addressesOf returns the addresses of a part of a descriptor's range.
func (a *api) addressesOf(ctx context.Context, d *descriptor.Descriptor, part rpcargs.IndexRange) ([]string, error) {
	out := []string{}
	for i := part.First; i <= part.Last; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		outs, err := d.Expand(uint32(i))
		if err != nil {
			return nil, rpcargs.ExpandError(err)
		}
		for _, o := range outs {
			addr, ok := address.FromScript(o.Script, a.network())
			if ok {
				out = append(out, addr.String())
				continue
			}
			// Of combo(), the script that pays to the bare key is passed over.
			if class, _ := script.Classify(o.Script); d.IsSingle() || class != script.PubKey {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Descriptor does not have a corresponding address")
			}
		}
	}
	return out, nil
}
