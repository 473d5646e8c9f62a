package txrpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"math"

	"starling/address"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/wire"
)

func (a *api) createMethods() []*jsonrpc.Method {
	const category = "Rawtransactions"
	id := "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	to := "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	ins, outs := []any{jsonrpc.Object{{Name: "txid", Value: id}, {Name: "vout", Value: 1}}}, []any{jsonrpc.Object{{Name: to, Value: 0.01}}}
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "createrawtransaction", Category: category,
			Summary: "Makes a transaction that spends the given inputs and creates the given outputs. It is neither\n" +
				"signed nor stored nor sent. Inputs may be left out, to be found later.",
			Returns: "The transaction in hexadecimal digits", Examples: [][]any{{ins, outs}, {ins, []any{jsonrpc.Object{{Name: "data", Value: "00010203"}}}}}}, a.createRawTransaction),
		jsonrpc.Define(jsonrpc.Method{Name: "createpsbt", Category: category,
			Summary: "Makes a partially signed transaction (BIP174) that spends the given inputs and creates the given\noutputs.",
			Returns: "The partially signed transaction in base64", Examples: [][]any{{ins, outs}}}, a.createPSBT),
		jsonrpc.Define(jsonrpc.Method{Name: "converttopsbt", Category: category,
			Summary:  "Turns a transaction into a partially signed one. Signatures that it has are lost.",
			Returns:  "The partially signed transaction in base64",
			Examples: [][]any{{"0200000001…"}}}, a.convertToPSBT),
	}
}

// The sequence numbers that transactions get unless told otherwise.
const (
	sequenceReplaceable = wire.SequenceFinal - 2 // says that it may be replaced (BIP125)
	sequenceNonFinal    = wire.SequenceFinal - 1 // lets the lock time count
)

// txOutputs are the outputs of a transaction to be made: an array of objects
// with one member each, or one object with all of them. A member is an address
// and an amount, or "data" and hexadecimal digits.
type txOutputs []jsonrpc.RawMember

func (*txOutputs) ArgType() jsonrpc.Type { return "" }
func (*txOutputs) ArgWord() string       { return "json array" }

func (o *txOutputs) DecodeArg(_ string, raw json.RawMessage) (err error) {
	*o, err = rpcargs.DecodePairs(raw, false)
	return err
}

// outputs returns what the argument stands for.
func (o txOutputs) outputs(net *params.Network) ([]wire.TxOut, error) {
	outs := make([]wire.TxOut, len(o))
	seen := make(map[string]bool, len(o))
	for i, m := range o {
		if m.Name == "data" {
			if seen["data"] {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicate key: data")
			}
			seen["data"] = true
			data, err := hexMember(m)
			if err != nil {
				return nil, err
			}
			outs[i].Script = script.NullDataScript(data)
			continue
		}
		to, err := address.Decode(m.Name, net)
		if err != nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid Bitcoin address: %s", m.Name)
		}
		if s := to.String(); seen[s] {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicated address: %s", m.Name)
		} else {
			seen[s] = true
		}
		amount, err := rpctypes.DecodeAmount(m.Value)
		if err != nil {
			return nil, err
		}
		outs[i] = wire.TxOut{Value: int64(amount), Script: to.Script()}
	}
	return outs, nil
}

// hexMember reads a member that is a byte string.
func hexMember(m jsonrpc.RawMember) ([]byte, error) {
	var text string
	if jsonrpc.TypeOf(m.Value) == jsonrpc.TypeString {
		if err := json.Unmarshal(m.Value, &text); err != nil {
			return nil, err
		}
	} else {
		text = string(m.Value) // older clients give digits as a number
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%s must be hexadecimal string (not '%s')", m.Name, text)
	}
	return b, nil
}

type createParams struct {
	Inputs      []rpcargs.TxInput `rpc:"inputs" item:"input" help:"Objects with txid, vout and perhaps sequence"`
	Outputs     txOutputs         `rpc:"outputs" help:"Objects of an address with an amount, or of \"data\" with hexadecimal digits"`
	LockTime    int64             `rpc:"locktime" default:"0" help:"The height or time before which no block may hold it"`
	Replaceable *bool             `rpc:"replaceable" help:"Whether it says that it may be replaced (BIP125); true if left out"`
	Version     int64             `rpc:"version" default:"2" help:"The transaction's version, 1 to 3"`
}

// maxInputs bounds the transactions that are made: as many as a block holds.
const maxInputs = 100_000

// build makes the transaction.
func (p *createParams) build(net *params.Network) (*wire.Tx, error) {
	switch {
	case p.LockTime < 0 || p.LockTime > math.MaxUint32:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, locktime out of range")
	case p.Version < 1 || p.Version > 3:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, version out of range(1~3)")
	case len(p.Inputs) > maxInputs:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, more inputs than a block holds")
	}
	sequence := uint32(wire.SequenceFinal)
	switch {
	case p.Replaceable == nil || *p.Replaceable:
		sequence = sequenceReplaceable
	case p.LockTime != 0:
		sequence = sequenceNonFinal
	}
	ins := make([]wire.TxIn, len(p.Inputs))
	replaceable := len(ins) == 0
	for i, in := range p.Inputs {
		ins[i] = wire.TxIn{PrevOut: in.OutPoint, Sequence: sequence}
		if in.Sequence != nil {
			ins[i].Sequence = uint32(*in.Sequence)
		}
		replaceable = replaceable || ins[i].Sequence <= sequenceReplaceable
	}
	if p.Replaceable != nil && *p.Replaceable && !replaceable {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter combination: Sequence number(s) contradict replaceable option")
	}
	outs, err := p.Outputs.outputs(net)
	if err != nil {
		return nil, err
	}
	if err := checkTxSize(ins, outs); err != nil {
		return nil, err
	}
	return wire.NewTx(int32(p.Version), ins, outs, uint32(p.LockTime)), nil
}

// checkTxSize refuses a transaction that no block can hold.
func checkTxSize(ins []wire.TxIn, outs []wire.TxOut) error {
	size := len(ins) * (wire.OutPointSize + 1 + 4)
	for i := range outs {
		size += 8 + 9 + len(outs[i].Script)
	}
	if size > wire.MaxBlockSize/wire.WitnessScale {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Transaction too large")
	}
	return nil
}

func (a *api) createRawTransaction(_ context.Context, p createParams) (jsonrpc.Hex, error) {
	tx, err := p.build(a.network())
	if err != nil {
		return nil, err
	}
	return tx.Bytes(), nil
}
