package walletrpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/script"
	"starling/wallet"
	"starling/wire"
)

// payees is a parameter that is an array of objects, or one object, of
// addresses with amounts; the name "data" stands for data in hexadecimal
// digits. An address may also stand there as a text, without an amount; only
// sendall knows what that means.
type payees []jsonrpc.RawMember

func (*payees) ArgType() jsonrpc.Type { return "" }
func (*payees) ArgWord() string       { return "json array or object" }

func (o *payees) DecodeArg(_ string, raw json.RawMessage) (err error) {
	*o, err = rpcargs.DecodePairs(raw, true)
	return err
}

// payments reads payees. rest says what addresses without an amount mean: the
// rest, or a mistake.
func (a *api) payments(o payees, rest bool) ([]wallet.Payment, error) {
	var all []wallet.Payment
	seen := map[string]bool{}
	data := false
	for _, m := range o {
		if m.Name == "data" && m.Value != nil {
			var s string
			if err := json.Unmarshal(m.Value, &s); err != nil {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Data must be hexadecimal string")
			}
			b, err := hex.DecodeString(s)
			if err != nil || len(b) == 0 {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Data must be hexadecimal string (not '%s')", s)
			}
			if data {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicate key: data")
			}
			data = true
			all = append(all, wallet.Payment{Script: script.NullDataScript(b)})
			continue
		}
		to, err := a.address(m.Name)
		if err != nil {
			return nil, err
		}
		if seen[to.String()] {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicated address: %s", m.Name)
		}
		seen[to.String()] = true
		if m.Value == nil {
			if !rest {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, key-value pair not an object as expected")
			}
			all = append(all, wallet.Payment{Script: to.Script(), Rest: true})
			continue
		}
		v, err := rpctypes.DecodeAmount(m.Value)
		if err != nil {
			return nil, err
		}
		all = append(all, wallet.Payment{Script: to.Script(), Amount: int64(v)})
	}
	return all, nil
}

// spendArgs are the options of all methods that choose coins.
type spendArgs struct {
	MinConf     int32            `rpc:"minconf" default:"0" help:"Only coins at least so deep"`
	MaxConf     *int32           `rpc:"maxconf" help:"Only coins at most so deep"`
	From        []string         `rpc:"from_addresses" default:"[]" item:"address" help:"Only coins of these addresses"`
	FeeRate     *rpcargs.FeeRate `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	FeeRateBTC  *rpcargs.Money   `rpc:"feeRate" help:"Fee rate in coins for 1,000 virtual bytes; send and sendall refuse it"`
	Target      *int64           `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode        string           `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	Replaceable *bool            `rpc:"replaceable" help:"Whether it says that it may be replaced by one with a higher fee, BIP125 (default true)"`
	Lock        bool             `rpc:"lock_unspents|lockUnspents" default:"false" help:"Do not spend its coins otherwise"`
	Watch       bool             `rpc:"include_watching|includeWatching" default:"false" help:"Has no effect, as in Core: all coins of a wallet can be spent, or none"`
	SolvingData *solving         `rpc:"solving_data" help:"What is known of coins that are not the wallet's"`
}

// changeArgs are the further options of methods that add coins and change.
type changeArgs struct {
	AddInputs   *bool       `rpc:"add_inputs" help:"Add coins if those named are not enough (default true if none are named)"`
	Unsafe      bool        `rpc:"include_unsafe" default:"false" help:"Also unconfirmed coins from others"`
	ChangeTo    string      `rpc:"change_address|changeAddress" default:"\"\"" help:"Where change goes (default a new address)"`
	ChangeAt    *int        `rpc:"change_position|changePosition" help:"The place of the change (default random)"`
	ChangeKind  string      `rpc:"change_type" default:"\"\"" help:"Kind of address for change"`
	Subtract    []feeBearer `rpc:"subtract_fee_from_outputs|subtractFeeFromOutputs" default:"[]" item:"vout" help:"The outputs that share the fee"`
	MaxTxWeight *int64      `rpc:"max_tx_weight" help:"What the transaction may weigh at most (default 400000; 40000 for version 3)"`
	Weights     []weightArg `rpc:"input_weights" default:"[]" item:"input" help:"For fundrawtransaction: objects of txid, vout and weight, what the signed input weighs at most"`
}

// sendArgs are the further options of methods that send.
type sendArgs struct {
	AddToWallet *bool             `rpc:"add_to_wallet" help:"Send it; otherwise it is only returned (default true)"`
	PSBT        *bool             `rpc:"psbt" help:"Return a PSBT, also if it is complete, and do not send it"`
	Inputs      []rpcargs.TxInput `rpc:"inputs" default:"[]" item:"input" help:"Coins to spend: objects with txid, vout and perhaps sequence and weight"`
	LockTime    *uint32           `rpc:"locktime" help:"The lock time (default about the present height, so that nobody gains by mining the last block again)"`
	Comment     string            `rpc:"comment" default:"\"\"" help:"What it is for; only the wallet keeps it"`
}

// solving is what is known of coins that are not the wallet's.
type solving struct {
	PubKeys     []jsonrpc.HexArg `rpc:"pubkeys" default:"[]" item:"pubkey" help:"Public keys"`
	Scripts     []jsonrpc.HexArg `rpc:"scripts" default:"[]" item:"script" help:"Redeem and witness scripts"`
	Descriptors []string         `rpc:"descriptors" default:"[]" item:"descriptor" help:"Descriptors"`
}

// merge takes over the fee options that stand beside the options.
func (f *spendArgs) merge(target *int64, mode string, feeRate *rpcargs.FeeRate) error {
	if target == nil && feeRate == nil && mode == "unset" {
		return nil
	}
	if f.Target != nil || f.FeeRate != nil || f.Mode != "unset" || f.FeeRateBTC != nil {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Pass conf_target, estimate_mode or fee_rate either as an argument or in the options object, but not both")
	}
	f.Target, f.Mode, f.FeeRate = target, mode, feeRate
	return nil
}

// options reads what all methods share.
func (f *spendArgs) options(a *api, pays []wallet.Payment, version int32) (wallet.SpendOptions, error) {
	o := wallet.SpendOptions{
		Payments: pays, Version: version, Freeze: f.Lock, NoReplace: f.Replaceable != nil && !*f.Replaceable,
		Filter: wallet.CoinFilter{MinDepth: f.MinConf, MaxDepth: f.MaxConf},
	}
	switch {
	case version < 1 || version > 3:
		return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, version out of range(1~3)")
	case f.MinConf < 0:
		return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Negative minconf")
	case f.MaxConf != nil && *f.MaxConf < f.MinConf:
		return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "maxconf can't be lower than minconf: %d < %d", *f.MaxConf, f.MinConf)
	case f.FeeRate != nil && f.FeeRateBTC != nil:
		return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)")
	}
	feeRate := f.FeeRate
	if f.FeeRateBTC != nil {
		r := rpcargs.FeeRate(*f.FeeRateBTC)
		feeRate = &r
	}
	var err error
	if o.Fee, err = feeOptions(f.Target, f.Mode, feeRate, f.Replaceable); err != nil {
		return o, err
	}
	if len(f.From) > 0 {
		o.From = map[string]bool{}
	}
	for _, s := range f.From {
		to, err := a.address(s)
		if err != nil {
			return o, err
		}
		o.From[to.String()] = true
	}
	return o, nil
}

// add reads the options of methods that add coins and change.
func (c *changeArgs) add(a *api, o *wallet.SpendOptions) error {
	o.Filter.Unsafe, o.ChangeAt = c.Unsafe, c.ChangeAt
	if c.AddInputs != nil {
		o.OnlyInputs = !*c.AddInputs
	}
	if c.ChangeTo != "" {
		to, err := a.address(c.ChangeTo)
		if err != nil {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Change address must be a valid bitcoin address")
		}
		if c.ChangeKind != "" {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot specify both change address and address type options")
		}
		o.Change = to.Script()
	}
	var err error
	if o.ChangeKind, err = addressKind(c.ChangeKind); err != nil {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Unknown change type '%s'", c.ChangeKind)
	}
	if c.ChangeAt != nil && (*c.ChangeAt < 0 || *c.ChangeAt > len(o.Payments)) {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "changePosition out of bounds")
	}
	if c.MaxTxWeight != nil {
		const least, most = 260, wallet.MaxTxWeight
		if *c.MaxTxWeight < least || *c.MaxTxWeight > most {
			return jsonrpc.Errorf(jsonrpc.CodeWallet, "Maximum transaction weight must be between %d and %d", least, most)
		}
		o.MaxWeight = *c.MaxTxWeight
	}
	if err := checkFrom(o); err != nil {
		return err
	}
	return a.shareFee(o.Payments, c.Subtract)
}

// noWeights refuses weights where inputs have them.
func (c *changeArgs) noWeights() error {
	if len(c.Weights) > 0 {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Input weights should be specified in inputs rather than in options.")
	}
	return nil
}

// add reads the options of methods that send. If there are inputs, no others
// are added unless that is asked for.
func (s *sendArgs) add(o *wallet.SpendOptions) (err error) {
	if len(s.Comment) > maxComment {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "A comment has at most %d bytes", maxComment)
	}
	o.Comment, o.LockTime, o.OnlyInputs = s.Comment, s.LockTime, len(s.Inputs) > 0
	o.Inputs, err = walletInputs(s.Inputs)
	return err
}

// checkFrom refuses to look for coins of some addresses where none are looked
// for.
func checkFrom(o *wallet.SpendOptions) error {
	if o.OnlyInputs && o.From != nil {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot combine from_addresses with specific inputs, unless add_inputs is set.")
	}
	return nil
}

// walletInputs reads inputs for a wallet.
func walletInputs(list []rpcargs.TxInput) ([]wallet.Input, error) {
	var all []wallet.Input
	for _, in := range list {
		w := wallet.Input{OutPoint: in.OutPoint}
		if in.Sequence != nil {
			n := uint32(*in.Sequence)
			w.Sequence = &n
		}
		if in.Weighed {
			if err := checkInputWeight(in.Weight); err != nil {
				return nil, err
			}
			w.Weight = *in.Weight
		}
		all = append(all, w)
	}
	return all, nil
}

// checkInputWeight refuses what no input can weigh.
func checkInputWeight(weight *int64) error {
	const least = 165
	switch {
	case weight == nil:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, missing weight key")
	case *weight < least:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, weight cannot be less than 165 (41 bytes (size of outpoint + sequence + empty scriptSig) * 4 (witness scaling factor)) + 1 (empty witness)")
	case *weight > wallet.MaxTxWeight:
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, weight cannot be greater than the maximum standard tx weight of %d", wallet.MaxTxWeight)
	}
	return nil
}

// weightArg is what an input of a transaction weighs when it is signed.
type weightArg struct {
	op     wire.OutPoint
	weight int64
}

func (*weightArg) ArgType() jsonrpc.Type { return jsonrpc.TypeObject }
func (*weightArg) ArgWord() string       { return "json object" }

func (w *weightArg) DecodeArg(_ string, raw json.RawMessage) error {
	ms, err := jsonrpc.DecodeObject(raw)
	if err != nil {
		return err
	}
	if w.op, err = rpcargs.OutPointOf(ms); err != nil {
		return err
	}
	weight, err := rpcargs.OptionalInt(ms, "weight")
	if err != nil {
		return err
	}
	if err := checkInputWeight(weight); err != nil {
		return err
	}
	w.weight = *weight
	return nil
}

// feeBearer names an output that shares the fee: its place, or its address.
type feeBearer struct {
	address *string // nil if it is named by its place
	place   int64
}

func (*feeBearer) ArgType() jsonrpc.Type { return "" }
func (*feeBearer) ArgWord() string       { return "numeric or string" }

func (f *feeBearer) DecodeArg(_ string, raw json.RawMessage) error {
	switch jsonrpc.TypeOf(raw) {
	case jsonrpc.TypeString:
		s, err := jsonrpc.DecodeString(raw)
		f.address = &s
		return err
	case jsonrpc.TypeNumber:
		if json.Unmarshal(raw, &f.place) != nil {
			return jsonrpc.Errorf(jsonrpc.CodeMisc, "JSON integer out of range")
		}
		return nil
	}
	return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter 'subtract fee from output', invalid value type: %s", jsonrpc.TypeOf(raw))
}

// shareFee has payments share the fee. Addresses are compared by what they
// stand for, as one can be written in several ways.
func (a *api) shareFee(pays []wallet.Payment, list []feeBearer) error {
	const what = "Invalid parameter 'subtract fee from output'"
	for _, f := range list {
		i := f.place
		if f.address != nil {
			i = -1
			if to, err := a.address(*f.address); err == nil {
				i = int64(slices.IndexFunc(pays, func(p wallet.Payment) bool { return bytes.Equal(p.Script, to.Script()) }))
			}
			if i < 0 {
				return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%s, destination %s not found in tx outputs", what, *f.address)
			}
		}
		switch {
		case i < 0:
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%s, negative position: %d", what, i)
		case i >= int64(len(pays)):
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%s, position too large: %d", what, i)
		case pays[i].SubtractFee:
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "%s, duplicated position: %d", what, i)
		}
		pays[i].SubtractFee = true
	}
	return nil
}
