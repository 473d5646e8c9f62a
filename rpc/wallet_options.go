package rpc

import (
	"encoding/hex"
	"encoding/json"

	"starling/script"
	"starling/wallet"
	"starling/wire"
)

// payees is a parameter that is an array of objects, or one object, of
// addresses with amounts; the name "data" stands for data in hexadecimal
// digits. With bare set, which [sendall] needs, addresses without an amount
// are allowed as plain texts.
type payees struct {
	raw []rawMember
}

func (*payees) argType() jsonType { return "" }
func (*payees) argWord() string   { return "json array or object" }

func (o *payees) decodeArg(name string, raw json.RawMessage) error {
	switch typeOf(raw) {
	case typeObject:
		var err error
		o.raw, err = decodeObject(raw)
		return err
	case typeArray:
	default:
		return Errorf(CodeType, "JSON value of type %s is not of expected type array", typeOf(raw))
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	for _, it := range items {
		switch typeOf(it) {
		case typeString:
			var s string
			if err := json.Unmarshal(it, &s); err != nil {
				return err
			}
			o.raw = append(o.raw, rawMember{name: s})
		case typeObject:
			ms, err := decodeObject(it)
			if err != nil {
				return err
			}
			if len(ms) != 1 {
				return Errorf(CodeInvalidParam, "Invalid parameter, key-value pair must contain exactly one key")
			}
			o.raw = append(o.raw, ms[0])
		default:
			return Errorf(CodeInvalidParam, "Invalid parameter, key-value pair not an object as expected")
		}
	}
	return nil
}

// payments reads payees. rest says what addresses without an amount mean: the
// rest, or a mistake.
func (a *API) payments(o payees, rest bool) ([]wallet.Payment, error) {
	var all []wallet.Payment
	seen := map[string]bool{}
	data := false
	for _, m := range o.raw {
		if m.name == "data" && m.value != nil {
			var s string
			if err := json.Unmarshal(m.value, &s); err != nil {
				return nil, Errorf(CodeInvalidParam, "Data must be hexadecimal string")
			}
			b, err := hex.DecodeString(s)
			if err != nil || len(b) == 0 {
				return nil, Errorf(CodeInvalidParam, "Data must be hexadecimal string (not '%s')", s)
			}
			if data {
				return nil, Errorf(CodeInvalidParam, "Invalid parameter, duplicate key: data")
			}
			data = true
			all = append(all, wallet.Payment{Script: script.NullDataScript(b)})
			continue
		}
		to, err := a.address(m.name)
		if err != nil {
			return nil, err
		}
		if seen[to.String()] {
			return nil, Errorf(CodeInvalidParam, "Invalid parameter, duplicated address: %s", m.name)
		}
		seen[to.String()] = true
		if m.value == nil {
			if !rest {
				return nil, Errorf(CodeInvalidParam, "Invalid parameter, key-value pair not an object as expected")
			}
			all = append(all, wallet.Payment{Script: to.Script(), Rest: true})
			continue
		}
		v, err := parseMoney(m.value)
		if err != nil {
			return nil, err
		}
		all = append(all, wallet.Payment{Script: to.Script(), Amount: int64(v)})
	}
	return all, nil
}

// inputArg is a coin to spend.
type inputArg struct {
	TxID     wire.Hash `rpc:"txid" help:"The transaction's id"`
	Vout     int64     `rpc:"vout" help:"The output's place"`
	Sequence *uint32   `rpc:"sequence" help:"The sequence number"`
	Weight   *int64    `rpc:"weight" help:"What the signed input weighs at most, if nobody can know"`
}

func (i *inputArg) input() (wallet.Input, error) {
	op, err := (&outPointArg{i.TxID, i.Vout}).point()
	in := wallet.Input{OutPoint: op, Sequence: i.Sequence}
	if i.Weight != nil {
		const least, most = 165, 400_000
		if *i.Weight < least || *i.Weight > most {
			return in, Errorf(CodeInvalidParam, "Invalid parameter, weight cannot be less than 165 (41 bytes (size of outpoint + sequence + empty scriptSig) * 4 (witness scaling factor)) + 1 (empty witness)")
		}
		in.Weight = *i.Weight
	}
	return in, err
}

// fundingArgs are the options that all newer methods share.
type fundingArgs struct {
	AddInputs    *bool      `rpc:"add_inputs" help:"Add coins if those named are not enough (default true if none are named)"`
	Unsafe       bool       `rpc:"include_unsafe" default:"false" help:"Also unconfirmed coins from others"`
	MinConf      int32      `rpc:"minconf" default:"0" help:"Only coins at least so deep"`
	MaxConf      int32      `rpc:"maxconf" default:"0" help:"Only coins at most so deep; 0 for no limit"`
	AddToWallet  *bool      `rpc:"add_to_wallet" help:"Send it; otherwise it is only returned (default true)"`
	ChangeTo     string     `rpc:"change_address|changeAddress" default:"\"\"" help:"Where change goes (default a new address)"`
	ChangeAt     *int       `rpc:"change_position|changePosition" help:"The place of the change (default random)"`
	ChangeKind   string     `rpc:"change_type" default:"\"\"" help:"Kind of address for change"`
	FeeRate      *rate      `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	FeeRateBTC   *money     `rpc:"feeRate" help:"Fee rate in coins for 1,000 virtual bytes"`
	Target       *int64     `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode         string     `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	Replaceable  *bool      `rpc:"replaceable" help:"Whether it may be replaced by one with a higher fee (default true)"`
	Subtract     []int      `rpc:"subtract_fee_from_outputs|subtractFeeFromOutputs" default:"[]" item:"vout" help:"The outputs that share the fee"`
	Lock         bool       `rpc:"lock_unspents|lockUnspents" default:"false" help:"Do not spend its coins otherwise"`
	LockTime     *uint32    `rpc:"locktime" help:"The lock time"`
	PSBT         *bool      `rpc:"psbt" help:"Return a PSBT, also if it is complete"`
	Inputs       []inputArg `rpc:"inputs" default:"[]" item:"input" help:"Coins to spend"`
	From         []string   `rpc:"from_addresses" default:"[]" item:"address" help:"Only coins of these addresses"`
	Version      int32      `rpc:"version" default:"2" help:"The transaction's version"`
	Watch        bool       `rpc:"includeWatching|include_watching" default:"false" help:"Has no effect"`
	MaxTxWeight  *int64     `rpc:"max_tx_weight" help:"Has no effect but that it must be sane"`
	SolvingData  *solving   `rpc:"solving_data" help:"What is known of coins that are not the wallet's"`
	SendMax      bool       `rpc:"send_max" default:"false" help:"For sendall: leave out coins that cost more than they add"`
	Comment      string     `rpc:"comment" default:"\"\"" help:"What it is for; only the wallet keeps it"`
	LockUnspent2 bool       `rpc:"lock_unspent" default:"false" help:"The same as lock_unspents"`
}

// solving is what is known of coins that are not the wallet's.
type solving struct {
	PubKeys     []HexArg `rpc:"pubkeys" default:"[]" item:"pubkey" help:"Public keys"`
	Scripts     []HexArg `rpc:"scripts" default:"[]" item:"script" help:"Redeem and witness scripts"`
	Descriptors []string `rpc:"descriptors" default:"[]" item:"descriptor" help:"Descriptors"`
}

// spendOptions reads options.
func (a *API) spendOptions(f *fundingArgs, pays []wallet.Payment, onlyInputs bool) (wallet.SpendOptions, error) {
	o := wallet.SpendOptions{
		Payments: pays, Freeze: f.Lock || f.LockUnspent2, LockTime: f.LockTime, Version: f.Version, ChangeAt: f.ChangeAt,
		NoReplace: f.Replaceable != nil && !*f.Replaceable, KeepDust: !f.SendMax,
		Filter:  wallet.CoinFilter{Unsafe: f.Unsafe, MinDepth: f.MinConf, MaxDepth: f.MaxConf},
		Comment: f.Comment,
	}
	if len(f.Comment) > maxComment {
		return o, Errorf(CodeInvalidParam, "A comment has at most %d bytes", maxComment)
	}
	var err error
	if f.FeeRateBTC != nil {
		if f.FeeRate != nil {
			return o, Errorf(CodeInvalidParam, "Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)")
		}
		r := rate(*f.FeeRateBTC)
		f.FeeRate = &r
	}
	if o.Fee, err = feeOptions(f.Target, f.Mode, f.FeeRate); err != nil {
		return o, err
	}
	for _, in := range f.Inputs {
		more, err := in.input()
		if err != nil {
			return o, err
		}
		o.Inputs = append(o.Inputs, more)
	}
	o.OnlyInputs = onlyInputs && len(o.Inputs) > 0
	if f.AddInputs != nil {
		o.OnlyInputs = !*f.AddInputs
	}
	if f.ChangeTo != "" {
		to, err := a.address(f.ChangeTo)
		if err != nil {
			return o, Errorf(CodeInvalidAddress, "Change address must be a valid bitcoin address")
		}
		if f.ChangeKind != "" {
			return o, Errorf(CodeInvalidParam, "Cannot specify both change address and address type options")
		}
		o.Change = to.Script()
	}
	if o.ChangeKind, err = addressKind(f.ChangeKind); err != nil {
		return o, Errorf(CodeInvalidAddress, "Unknown change type '%s'", f.ChangeKind)
	}
	if f.ChangeAt != nil && (*f.ChangeAt < 0 || *f.ChangeAt > len(pays)) {
		return o, Errorf(CodeInvalidParam, "changePosition out of bounds")
	}
	seen := map[int]bool{}
	for _, i := range f.Subtract {
		switch {
		case seen[i]:
			return o, Errorf(CodeInvalidParam, "Invalid parameter, duplicated position: %d", i)
		case i < 0:
			return o, Errorf(CodeInvalidParam, "Invalid parameter, negative position: %d", i)
		case i >= len(pays):
			return o, Errorf(CodeInvalidParam, "Invalid parameter, position too large: %d", i)
		}
		seen[i] = true
		o.Payments[i].SubtractFee = true
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
