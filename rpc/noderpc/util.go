package noderpc

import (
	"context"
	"math"
	"time"

	"starling/address"
	"starling/rpc/describe"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

func (a *api) utilMethods() []*jsonrpc.Method {
	const category = "Util"
	addr := "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "validateaddress", Category: category,
			Summary:  "Tells whether a text is an address of this network, and what it pays to.",
			Results:  []jsonrpc.Shape{{When: "if it is an address", Like: rpctypes.ValidAddress{}}, {When: "otherwise", Like: rpctypes.InvalidAddress{}}},
			Examples: [][]any{{addr}}}, a.validateAddress),
		jsonrpc.Define(jsonrpc.Method{Name: "getindexinfo", Category: category,
			Summary:  "Tells how far the indexes are.",
			Results:  []jsonrpc.Shape{{Like: jsonrpc.Map[rpctypes.IndexInfo]{}, Key: "name", Help: "Each index by name; empty if there is none"}},
			Examples: [][]any{{}, {"txindex"}}}, a.getIndexInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "setmocktime", Category: category,
			Summary:  "Stops the node's clock at a time, for tests; 0 lets it run again. Only where blocks are made on\ndemand.",
			Examples: [][]any{{1700000000}, {0}}}, a.setMockTime),
	}
}

type addressParams struct {
	Address string `rpc:"address" help:"The text"`
}

func (a *api) validateAddress(_ context.Context, p addressParams) (any, error) {
	addr, err := address.Decode(p.Address, a.network())
	if err != nil {
		return rpctypes.InvalidAddress{Locations: []int{}, Error: describe.AddressError(err)}, nil
	}
	r := rpctypes.ValidAddress{IsValid: true, Address: addr.String(), Script: addr.Script()}
	if kind := addr.Kind(); kind != address.WitnessUnknown {
		is := kind != address.PubKeyHash && kind != address.WitnessPubKeyHash
		r.IsScript = &is
	}
	if version, program, ok := addr.Witness(); ok {
		r.IsWitness, r.WitnessVersion, r.WitnessProgram = true, &version, program
	}
	return r, nil
}

type indexParams struct {
	Name string `rpc:"index_name,optional" help:"The index; all if left out"`
}

func (a *api) getIndexInfo(_ context.Context, p indexParams) (jsonrpc.Map[rpctypes.IndexInfo], error) {
	r := jsonrpc.Map[rpctypes.IndexInfo]{}
	for _, x := range []struct {
		name  string
		index Index
	}{{"txindex", a.TxIndex}, {"basic block filter index", a.Filters}} {
		if x.index != nil && (p.Name == "" || p.Name == x.name) {
			height, synced := x.index.Height()
			r = append(r, jsonrpc.Entry[rpctypes.IndexInfo]{Name: x.name, Value: rpctypes.IndexInfo{Synced: synced, Height: height}})
		}
	}
	return r, nil
}

type mockTimeParams struct {
	Timestamp int64 `rpc:"timestamp" help:"Seconds since 1970, or 0"`
}

func (a *api) setMockTime(_ context.Context, p mockTimeParams) (jsonrpc.Null, error) {
	if !a.network().MineOnDemand {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "setmocktime is for regression testing (-regtest mode) only")
	}
	// What headers can hold, and far from what overflows a duration.
	if p.Timestamp < 0 || p.Timestamp > math.MaxUint32 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Mocktime must be in the range [0, %d], not %d.", uint32(math.MaxUint32), p.Timestamp)
	}
	if p.Timestamp == 0 {
		a.Clock.Set(time.Time{})
	} else {
		a.Clock.Set(time.Unix(p.Timestamp, 0))
	}
	return nil, nil
}
