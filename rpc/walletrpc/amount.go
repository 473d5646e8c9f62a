package walletrpc

import (
	"encoding/json"
	"strings"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/wallet"
)

// maxTarget is the longest that a payment may be meant to wait, in blocks.
const maxTarget = 1008

// feeOptions reads the ways in which a caller may say what to pay.
func feeOptions(target *int64, mode string, feeRate *rpcargs.FeeRate, replaceable *bool) (o wallet.FeeOptions, err error) {
	mode = strings.ToLower(mode)
	switch mode {
	case "", "unset":
		mode = "unset"
		// A fee that can be raised later may begin low.
		o.Economical = replaceable == nil || *replaceable
	case "conservative":
	case "economical":
		o.Economical = true
	default:
		return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, `Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"`)
	}
	if target != nil {
		if *target < 1 || *target > maxTarget {
			return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid conf_target, must be between 1 and %d", maxTarget)
		}
		o.Target = int(*target)
	}
	if feeRate != nil {
		if target != nil {
			return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot specify both conf_target and fee_rate. Please provide either a confirmation target in blocks for automatic fee estimation, or an explicit fee rate.")
		}
		if mode != "unset" {
			return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot specify both estimate_mode and fee_rate")
		}
		o.Rate = int64(*feeRate)
		if o.Rate == 0 {
			return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Fee rate 0.000 sat/vB is lower than what any node takes")
		}
	}
	return o, nil
}

// namedAmount is one member of an object of amounts.
type namedAmount struct {
	Name   string
	Raw    json.RawMessage
	Amount rpctypes.Amount
}

// Amounts is a parameter that is an object of names, mostly addresses, with
// amounts of coins. It keeps order and repeated names.
type Amounts []namedAmount

// ArgType implements [jsonrpc.Argument].
func (*Amounts) ArgType() jsonrpc.Type { return jsonrpc.TypeObject }

// ArgWord implements [jsonrpc.Argument].
func (*Amounts) ArgWord() string { return "json object" }

// DecodeArg implements [jsonrpc.Argument].
func (o *Amounts) DecodeArg(_ string, raw json.RawMessage) error {
	ms, err := jsonrpc.DecodeObject(raw)
	if err != nil {
		return err
	}
	for _, m := range ms {
		v, err := rpctypes.DecodeAmount(m.Value)
		if err != nil {
			return err
		}
		*o = append(*o, namedAmount{Name: m.Name, Raw: m.Value, Amount: v})
	}
	return nil
}

// checkReuse refuses to keep coins of addresses back that were used before:
// that is a feature of wallets, and none has it.
func checkReuse(avoid *bool) error {
	if avoid != nil && *avoid {
		return jsonrpc.Errorf(jsonrpc.CodeWallet, `wallet does not have the "avoid reuse" feature enabled`)
	}
	return nil
}
