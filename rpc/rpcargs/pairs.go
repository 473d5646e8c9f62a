package rpcargs

import (
	"encoding/json"

	"starling/rpc/jsonrpc"
)

// DecodePairs reads the outputs of a transaction to be made: one object, or an
// array of objects with one member each. With bare an entry of the array may
// be a text alone, a member without a value.
func DecodePairs(raw json.RawMessage, bare bool) ([]jsonrpc.RawMember, error) {
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeObject:
		return jsonrpc.DecodeObject(raw)
	case jsonrpc.TypeArray:
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeType, "JSON value of type %s is not of expected type array", jsonrpc.TypeOf(raw))
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, err
	}
	var all []jsonrpc.RawMember
	for _, it := range items {
		switch t := jsonrpc.TypeOf(it); {
		case t == jsonrpc.TypeString && bare:
			var s string
			if err := json.Unmarshal(it, &s); err != nil {
				return nil, err
			}
			all = append(all, jsonrpc.RawMember{Name: s})
		case t == jsonrpc.TypeObject:
			ms, err := jsonrpc.DecodeObject(it)
			if err != nil {
				return nil, err
			}
			if len(ms) != 1 {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, key-value pair must contain exactly one key")
			}
			all = append(all, ms[0])
		default:
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, key-value pair not an object as expected")
		}
	}
	return all, nil
}
