package rpcargs

import (
	"encoding/json"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
)

// Money is a parameter that is an amount of coins: a number, or a string.
type Money rpctypes.Amount

// ArgType implements [jsonrpc.Argument].
func (*Money) ArgType() jsonrpc.Type { return "" }

// ArgWord implements [jsonrpc.Argument].
func (*Money) ArgWord() string { return "numeric or string" }

// DecodeArg implements [jsonrpc.Argument].
func (m *Money) DecodeArg(_ string, raw json.RawMessage) error {
	v, err := rpctypes.DecodeAmount(raw)
	*m = Money(v)
	return err
}

// FeeRate is a parameter that is a fee rate in satoshi for a virtual byte, with up
// to three decimals: a number, or a string. It holds satoshi for 1,000.
type FeeRate int64

// ArgType implements [jsonrpc.Argument].
func (*FeeRate) ArgType() jsonrpc.Type { return "" }

// ArgWord implements [jsonrpc.Argument].
func (*FeeRate) ArgWord() string { return "numeric or string" }

// DecodeArg implements [jsonrpc.Argument].
func (r *FeeRate) DecodeArg(_ string, raw json.RawMessage) error {
	s, err := rpctypes.NumberText(raw)
	if err != nil {
		return err
	}
	v, err := rpctypes.ParseFixed(s, 3)
	*r = FeeRate(v)
	return err
}
