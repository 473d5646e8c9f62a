package rpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"starling/script"
	"starling/wallet"
	"starling/wire"
)

func (a *API) walletSendMethods() []*Method {
	const category = walletCategory
	const addr = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	return []*Method{
		define(Method{Name: "sendtoaddress", Category: category,
			Summary:  "Pays an address.",
			Results:  []Shape{{When: "if verbose is false", Like: wire.Hash{}, Help: "The transaction's id"}, {When: "otherwise", Like: sentResult{}}},
			Examples: [][]any{{addr, "0.1"}, {addr, "0.1", "rent", "the landlord", true}}}, a.sendToAddress),
		define(Method{Name: "sendmany", Category: category,
			Summary:  "Pays several addresses in one transaction.",
			Results:  []Shape{{When: "if verbose is false", Like: wire.Hash{}, Help: "The transaction's id"}, {When: "otherwise", Like: sentResult{}}},
			Examples: [][]any{{"", Object{{addr, "0.1"}}}}}, a.sendMany),
		define(Method{Name: "send", Category: category,
			Summary:  "Pays several addresses in one transaction, with more to choose from than sendmany.",
			Examples: [][]any{{[]any{Object{{addr, "0.1"}}}}}}, a.send),
		define(Method{Name: "sendall", Category: category,
			Summary:  "Spends all of the wallet's coins, or those named. What is not given to others goes to the\naddresses without an amount, in equal parts.",
			Examples: [][]any{{[]any{addr}}}}, a.sendAll),
		define(Method{Name: "bumpfee", Category: category,
			Summary:  "Replaces an unconfirmed payment of the wallet by one with a higher fee.",
			Examples: [][]any{{exampleID}}}, a.bumpFee),
	}
}

// sentResult is what verbose calls return.
type sentResult struct {
	TxID   wire.Hash `json:"txid"`
	Reason string    `json:"fee_reason" help:"where the fee rate comes from"`
}

// fundsError turns errors of payments into those of Core's older methods, where
// everything that is wrong with a payment is about funds.
func fundsError(err error) error {
	var p *wallet.PaymentError
	if errors.As(err, &p) {
		return Errorf(CodeInsufficientFunds, "%s", p.Reason)
	}
	return walletError(err)
}

func feeReason(o wallet.FeeOptions) string {
	if o.Rate != 0 {
		return "PayTxFee set"
	}
	return "Fallback fee"
}

type sendToParams struct {
	Address     string `rpc:"address" help:"Whom to pay"`
	Amount      money  `rpc:"amount" help:"How much, in coins"`
	Comment     string `rpc:"comment" default:"\"\"" help:"What it is for; only the wallet keeps it"`
	CommentTo   string `rpc:"comment_to" default:"\"\"" help:"Whom it is for; only the wallet keeps it"`
	Subtract    bool   `rpc:"subtractfeefromamount" default:"false" help:"Take the fee from the amount"`
	Replaceable *bool  `rpc:"replaceable" help:"Whether it may be replaced by one with a higher fee (default true)"`
	Target      *int64 `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode        string `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	AvoidReuse  bool   `rpc:"avoid_reuse" default:"true" help:"Has no effect"`
	FeeRate     *rate  `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Verbose     bool   `rpc:"verbose" default:"false" help:"Return more than the id"`
}

func (a *API) sendToAddress(ctx context.Context, p sendToParams) (any, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	to, err := a.address(p.Address)
	if err != nil {
		return nil, err
	}
	if p.Amount <= 0 {
		return nil, Errorf(CodeType, "Invalid amount for send")
	}
	o := wallet.SpendOptions{
		Payments: []wallet.Payment{{Script: to.Script(), Amount: int64(p.Amount), SubtractFee: p.Subtract}},
		Comment:  p.Comment, To: p.CommentTo, NoReplace: p.Replaceable != nil && !*p.Replaceable,
	}
	if o.Fee, err = feeOptions(p.Target, p.Mode, p.FeeRate); err != nil {
		return nil, err
	}
	return a.sendPayment(ctx, w, o, p.Verbose)
}

// sendPayment makes a payment and returns its id, or more.
func (a *API) sendPayment(ctx context.Context, w *wallet.Wallet, o wallet.SpendOptions, verbose bool) (any, error) {
	if len(o.Comment) > maxComment || len(o.To) > maxComment {
		return nil, Errorf(CodeInvalidParam, "A comment has at most %d bytes", maxComment)
	}
	e, err := w.Send(ctx, o)
	if err != nil {
		return nil, fundsError(err)
	}
	if verbose {
		return sentResult{e.ID, feeReason(o.Fee)}, nil
	}
	return e.ID, nil
}

// maxComment bounds what a comment takes in the wallet's file.
const maxComment = 4096

type sendManyParams struct {
	Dummy       string   `rpc:"dummy" default:"\"\"" help:"Empty"`
	Amounts     amounts  `rpc:"amounts" help:"Each address and how much it is paid"`
	MinConf     int64    `rpc:"minconf" default:"0" help:"Has no effect"`
	Comment     string   `rpc:"comment" default:"\"\"" help:"What it is for; only the wallet keeps it"`
	Subtract    []string `rpc:"subtractfeefrom" default:"[]" item:"address" help:"These share the fee"`
	Replaceable *bool    `rpc:"replaceable" help:"Whether it may be replaced by one with a higher fee (default true)"`
	Target      *int64   `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode        string   `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	FeeRate     *rate    `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Verbose     bool     `rpc:"verbose" default:"false" help:"Return more than the id"`
}

func (a *API) sendMany(ctx context.Context, p sendManyParams) (any, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	if p.Dummy != "" {
		return nil, Errorf(CodeInvalidParam, `Dummy value must be set to ""`)
	}
	o := wallet.SpendOptions{Comment: p.Comment, NoReplace: p.Replaceable != nil && !*p.Replaceable}
	seen := map[string]bool{}
	for _, n := range p.Amounts {
		to, err := a.address(n.Name)
		if err != nil {
			return nil, err
		}
		if seen[to.String()] {
			return nil, Errorf(CodeInvalidParam, "Invalid parameter, duplicated address: %s", n.Name)
		}
		seen[to.String()] = true
		if n.Amount <= 0 {
			return nil, Errorf(CodeType, "Invalid amount for send")
		}
		o.Payments = append(o.Payments, wallet.Payment{
			Script: to.Script(), Amount: int64(n.Amount), SubtractFee: slices.Contains(p.Subtract, n.Name),
		})
	}
	if o.Fee, err = feeOptions(p.Target, p.Mode, p.FeeRate); err != nil {
		return nil, err
	}
	return a.sendPayment(ctx, w, o, p.Verbose)
}

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
	SigHashes    string     `rpc:"sighash" default:"\"\"" help:"Has no effect"`
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
		Filter: wallet.CoinFilter{Unsafe: f.Unsafe, MinDepth: f.MinConf, MaxDepth: f.MaxConf},
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

type sendParams struct {
	Outputs payees      `rpc:"outputs" help:"Whom to pay, and how much; {\"data\":\"hex\"} carries data"`
	Target  *int64      `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode    string      `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	FeeRate *rate       `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Options fundingArgs `rpc:"options" default:"{}" help:"More options"`
	Version *int32      `rpc:"version" help:"The transaction's version (default 2)"`
}

type sendResult struct {
	Complete bool       `json:"complete" help:"whether it has all signatures"`
	TxID     *wire.Hash `json:"txid,omitempty" help:"if it was sent, or would be complete"`
	Hex      Hex        `json:"hex,omitempty" help:"the transaction, if it was not sent"`
	PSBT     string     `json:"psbt,omitempty" help:"the unfinished transaction"`
	Fee      *Amount    `json:"fee,omitempty" help:"what it pays for itself, in coins"`
}

// merge takes over the fee options that stand beside the options.
func (f *fundingArgs) merge(target *int64, mode string, feeRate *rate, version *int32) error {
	if target != nil || feeRate != nil || mode != "unset" {
		if f.Target != nil || f.FeeRate != nil || f.Mode != "unset" || f.FeeRateBTC != nil {
			return Errorf(CodeInvalidParam, "Pass conf_target, estimate_mode or fee_rate either as an argument or in the options object, but not both")
		}
		f.Target, f.Mode, f.FeeRate = target, mode, feeRate
	}
	if version != nil {
		f.Version = *version
	}
	return nil
}

func (a *API) send(ctx context.Context, p sendParams) (sendResult, error) {
	var r sendResult
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	if err := p.Options.merge(p.Target, p.Mode, p.FeeRate, p.Version); err != nil {
		return r, err
	}
	pays, err := a.payments(p.Outputs, false)
	if err != nil {
		return r, err
	}
	o, err := a.spendOptions(&p.Options, pays, true)
	if err != nil {
		return r, err
	}
	return a.finishSend(ctx, w, o, &p.Options)
}

type sendAllParams struct {
	Recipients payees      `rpc:"recipients" help:"Addresses that share what is left, as texts, and others with amounts"`
	Target     *int64      `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode       string      `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	FeeRate    *rate       `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Options    fundingArgs `rpc:"options" default:"{}" help:"More options"`
}

func (a *API) sendAll(ctx context.Context, p sendAllParams) (sendResult, error) {
	var r sendResult
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	if err := p.Options.merge(p.Target, p.Mode, p.FeeRate, nil); err != nil {
		return r, err
	}
	pays, err := a.payments(p.Recipients, true)
	if err != nil {
		return r, err
	}
	if !slices.ContainsFunc(pays, func(p wallet.Payment) bool { return p.Rest }) {
		return r, Errorf(CodeInvalidParam, "Must provide at least one address without a specified amount")
	}
	if len(p.Options.Inputs) > 0 && p.Options.SendMax {
		return r, Errorf(CodeInvalidParam, "Cannot combine send_max with specific inputs.")
	}
	o, err := a.spendOptions(&p.Options, pays, true)
	if err != nil {
		return r, err
	}
	return a.finishSend(ctx, w, o, &p.Options)
}

// finishSend sends a payment, or only returns it if that was asked for or if
// the wallet cannot sign.
func (a *API) finishSend(ctx context.Context, w *wallet.Wallet, o wallet.SpendOptions, f *fundingArgs) (sendResult, error) {
	var r sendResult
	psbt := f.PSBT != nil && *f.PSBT
	keep := f.AddToWallet != nil && !*f.AddToWallet
	if !psbt && !keep && !w.Status().NoKeys {
		e, err := w.Send(ctx, o)
		if err != nil {
			return r, walletError(err)
		}
		fee := Amount(e.Fee)
		return sendResult{Complete: true, TxID: &e.ID, Fee: &fee}, nil
	}
	d, err := w.Fund(ctx, o)
	if err != nil {
		return r, walletError(err)
	}
	return a.returnDraft(ctx, w, d, psbt)
}

type bumpOptions struct {
	Target      *int64  `rpc:"conf_target|confTarget" help:"Within how many blocks it should be confirmed"`
	FeeRate     *rate   `rpc:"fee_rate" help:"Fee rate in sat/vB (default an estimate, and at least 5 sat/vB more than before)"`
	Replaceable *bool   `rpc:"replaceable" help:"Whether the new one may be replaced too (default true)"`
	Mode        string  `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	Outputs     *payees `rpc:"outputs" help:"Pay these instead"`
	Change      *int    `rpc:"original_change_index" help:"The output of the old transaction that is change"`
}

type bumpParams struct {
	TxID    wire.Hash   `rpc:"txid" help:"The payment's id"`
	Options bumpOptions `rpc:"options" default:"{}" help:"More options"`
}

type bumpResult struct {
	TxID   *wire.Hash `json:"txid,omitempty" help:"of the new transaction"`
	PSBT   string     `json:"psbt,omitempty" help:"the new transaction, unsigned"`
	OldFee Amount     `json:"origfee"`
	Fee    Amount     `json:"fee"`
	Errors []string   `json:"errors"`
}

// bump reads the options of a replacement.
func (a *API) bump(o *bumpOptions) (wallet.BumpOptions, error) {
	b := wallet.BumpOptions{Change: o.Change, NoReplace: o.Replaceable != nil && !*o.Replaceable}
	var err error
	if b.Fee, err = feeOptions(o.Target, o.Mode, o.FeeRate); err != nil {
		return b, err
	}
	if o.Outputs != nil {
		if o.Change != nil {
			return b, Errorf(CodeInvalidParam, "The options 'outputs' and 'original_change_index' are incompatible. You can only either specify a new set of outputs, or designate a change output to be recycled.")
		}
		if b.Payments, err = a.payments(*o.Outputs, false); err != nil {
			return b, err
		}
		if len(b.Payments) == 0 {
			return b, Errorf(CodeInvalidParam, "Invalid parameter, output argument cannot be an empty array")
		}
	}
	return b, nil
}

func (a *API) bumpFee(ctx context.Context, p bumpParams) (bumpResult, error) {
	var r bumpResult
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	o, err := a.bump(&p.Options)
	if err != nil {
		return r, err
	}
	if w.Status().NoKeys {
		return r, Errorf(CodeWallet, "bumpfee is not available with wallets that have private keys disabled. Use psbtbumpfee instead.")
	}
	e, b, err := w.Bump(ctx, p.TxID, o)
	if err != nil {
		return r, walletError(err)
	}
	return bumpResult{TxID: &e.ID, OldFee: Amount(b.OldFee), Fee: Amount(b.Fee), Errors: []string{}}, nil
}
