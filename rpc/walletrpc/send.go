package walletrpc

import (
	"context"
	"errors"
	"slices"

	"starling/rpc/jsonrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/rpctypes"
	"starling/wallet"
	"starling/wire"
)

func (a *api) walletSendMethods() []*jsonrpc.Method {
	const category = walletCategory
	const addr = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "sendtoaddress", Category: category,
			Summary:  "Pays an address.",
			Results:  []jsonrpc.Shape{{When: "if verbose is false", Like: wire.Hash{}, Help: "The transaction's id"}, {When: "otherwise", Like: rpctypes.Sent{}}},
			Examples: [][]any{{addr, "0.1"}, {addr, "0.1", "rent", "the landlord", true}}}, a.sendToAddress),
		jsonrpc.Define(jsonrpc.Method{Name: "sendmany", Category: category,
			Summary:  "Pays several addresses in one transaction.",
			Results:  []jsonrpc.Shape{{When: "if verbose is false", Like: wire.Hash{}, Help: "The transaction's id"}, {When: "otherwise", Like: rpctypes.Sent{}}},
			Examples: [][]any{{"", jsonrpc.Object{{Name: addr, Value: "0.1"}}}}}, a.sendMany),
		jsonrpc.Define(jsonrpc.Method{Name: "send", Category: category,
			Summary:  "Pays several addresses in one transaction, with more to choose from than sendmany.",
			Examples: [][]any{{[]any{jsonrpc.Object{{Name: addr, Value: "0.1"}}}}}}, a.send),
		jsonrpc.Define(jsonrpc.Method{Name: "sendall", Category: category,
			Summary:  "Spends all of the wallet's coins, or those named. What is not given to others goes to the\naddresses without an amount, in equal parts.",
			Examples: [][]any{{[]any{addr}}}}, a.sendAll),
		jsonrpc.Define(jsonrpc.Method{Name: "bumpfee", Category: category,
			Summary:  "Replaces an unconfirmed payment of the wallet by one with a higher fee.",
			Examples: [][]any{{exampleID}}}, a.bumpFee),
	}
}

// fundsError turns errors of payments into those of Core's older methods, where
// everything that is wrong with a payment is about funds.
func fundsError(err error) error {
	var p *wallet.PaymentError
	if errors.As(err, &p) {
		return jsonrpc.Errorf(jsonrpc.CodeInsufficientFunds, "%s", p.Reason)
	}
	return walletError(err)
}

// feeReason says where a fee rate came from, by Core's words where it has them.
func feeReason(from wallet.FeeSource) string {
	switch from {
	case wallet.FeeGiven:
		return "PayTxFee set"
	case wallet.FeeEstimated:
		return "Estimate"
	case wallet.FeePool:
		return "Mempool Min Fee"
	case wallet.FeeRelay:
		return "Minimum Required Fee"
	default:
		return "Fallback fee"
	}
}

type sendToParams struct {
	Address     string           `rpc:"address" help:"Whom to pay"`
	Amount      rpcargs.Money    `rpc:"amount" help:"How much, in coins"`
	Comment     string           `rpc:"comment" default:"\"\"" help:"What it is for; only the wallet keeps it"`
	CommentTo   string           `rpc:"comment_to" default:"\"\"" help:"Whom it is for; only the wallet keeps it"`
	Subtract    bool             `rpc:"subtractfeefromamount" default:"false" help:"Take the fee from the amount"`
	Replaceable *bool            `rpc:"replaceable" help:"Whether it may be replaced by one with a higher fee (default true)"`
	Target      *int64           `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode        string           `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	AvoidReuse  *bool            `rpc:"avoid_reuse" help:"Not supported: no wallet has the feature"`
	FeeRate     *rpcargs.FeeRate `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Verbose     bool             `rpc:"verbose" default:"false" help:"Return more than the id"`
}

func (a *api) sendToAddress(ctx context.Context, p sendToParams) (any, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	to, err := a.address(p.Address)
	if err != nil {
		return nil, err
	}
	if err := checkReuse(p.AvoidReuse); err != nil {
		return nil, err
	}
	if p.Amount <= 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeType, "Invalid amount for send")
	}
	o := wallet.SpendOptions{
		Payments: []wallet.Payment{{Script: to.Script(), Amount: int64(p.Amount), SubtractFee: p.Subtract}},
		Comment:  p.Comment, To: p.CommentTo, NoReplace: p.Replaceable != nil && !*p.Replaceable,
	}
	if o.Fee, err = feeOptions(p.Target, p.Mode, p.FeeRate, p.Replaceable); err != nil {
		return nil, err
	}
	return a.sendPayment(ctx, w, o, p.Verbose)
}

// sendPayment makes a payment and returns its id, or more.
func (a *api) sendPayment(ctx context.Context, w *wallet.Wallet, o wallet.SpendOptions, verbose bool) (any, error) {
	if len(o.Comment) > maxComment || len(o.To) > maxComment {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "A comment has at most %d bytes", maxComment)
	}
	e, err := w.Send(ctx, o)
	if err != nil {
		return nil, fundsError(err)
	}
	if verbose {
		return rpctypes.Sent{TxID: e.ID, Reason: feeReason(e.FeeFrom)}, nil
	}
	return e.ID, nil
}

// maxComment bounds what a comment takes in the wallet's file.
const maxComment = 4096

type sendManyParams struct {
	Dummy       string           `rpc:"dummy" default:"\"\"" help:"Empty"`
	Amounts     Amounts          `rpc:"amounts" help:"Each address and how much it is paid"`
	MinConf     int64            `rpc:"minconf" default:"0" help:"Has no effect, as in Core"`
	Comment     string           `rpc:"comment" default:"\"\"" help:"What it is for; only the wallet keeps it"`
	Subtract    []feeBearer      `rpc:"subtractfeefrom" default:"[]" item:"address" help:"These share the fee"`
	Replaceable *bool            `rpc:"replaceable" help:"Whether it may be replaced by one with a higher fee (default true)"`
	Target      *int64           `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode        string           `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	FeeRate     *rpcargs.FeeRate `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Verbose     bool             `rpc:"verbose" default:"false" help:"Return more than the id"`
}

func (a *api) sendMany(ctx context.Context, p sendManyParams) (any, error) {
	w, err := a.wallet(ctx)
	if err != nil {
		return nil, err
	}
	if p.Dummy != "" {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, `Dummy value must be set to ""`)
	}
	o := wallet.SpendOptions{Comment: p.Comment, NoReplace: p.Replaceable != nil && !*p.Replaceable}
	seen := map[string]bool{}
	for _, n := range p.Amounts {
		to, err := a.address(n.Name)
		if err != nil {
			return nil, err
		}
		if seen[to.String()] {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, duplicated address: %s", n.Name)
		}
		seen[to.String()] = true
		if n.Amount <= 0 {
			return nil, jsonrpc.Errorf(jsonrpc.CodeType, "Invalid amount for send")
		}
		o.Payments = append(o.Payments, wallet.Payment{
			Script: to.Script(), Amount: int64(n.Amount),
		})
	}
	if err := a.shareFee(o.Payments, p.Subtract); err != nil {
		return nil, err
	}
	if o.Fee, err = feeOptions(p.Target, p.Mode, p.FeeRate, p.Replaceable); err != nil {
		return nil, err
	}
	return a.sendPayment(ctx, w, o, p.Verbose)
}

type sendOptions struct {
	spendArgs
	changeArgs
	sendArgs
}

type sendParams struct {
	Outputs payees           `rpc:"outputs" help:"Whom to pay, and how much; {\"data\":\"hex\"} carries data"`
	Target  *int64           `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode    string           `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	FeeRate *rpcargs.FeeRate `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Options sendOptions      `rpc:"options,named" default:"{}" help:"More options"`
	Version int32            `rpc:"version" default:"2" help:"The transaction's version"`
}

func (a *api) send(ctx context.Context, p sendParams) (rpctypes.SendResult, error) {
	var r rpctypes.SendResult
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	pays, err := a.payments(p.Outputs, false)
	if err != nil {
		return r, err
	}
	f := &p.Options
	if err := f.merge(p.Target, p.Mode, p.FeeRate); err != nil {
		return r, err
	}
	o, err := a.sendable(&f.spendArgs, &f.sendArgs, pays, p.Version)
	if err != nil {
		return r, err
	}
	if err := f.changeArgs.add(a, &o); err != nil {
		return r, err
	}
	if err := f.noWeights(); err != nil {
		return r, err
	}
	return a.finishSend(ctx, w, o, &f.spendArgs, &f.sendArgs)
}

// sendable reads what send and sendall share.
func (a *api) sendable(f *spendArgs, s *sendArgs, pays []wallet.Payment, version int32) (o wallet.SpendOptions, err error) {
	if f.FeeRateBTC != nil {
		return o, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Use fee_rate (sat/vB) instead of feeRate")
	}
	if o, err = f.options(a, pays, version); err != nil {
		return o, err
	}
	return o, s.add(&o)
}

type sendAllOptions struct {
	spendArgs
	sendArgs
	SendMax bool  `rpc:"send_max" default:"false" help:"Leave out coins that cost more than they add"`
	Version int32 `rpc:"version" default:"2" help:"The transaction's version"`
}

type sendAllParams struct {
	Recipients payees           `rpc:"recipients" help:"Addresses that share what is left, as texts, and others with amounts"`
	Target     *int64           `rpc:"conf_target" help:"Within how many blocks it should be confirmed"`
	Mode       string           `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	FeeRate    *rpcargs.FeeRate `rpc:"fee_rate" help:"Fee rate in sat/vB"`
	Options    sendAllOptions   `rpc:"options,named" default:"{}" help:"More options"`
}

func (a *api) sendAll(ctx context.Context, p sendAllParams) (rpctypes.SendResult, error) {
	var r rpctypes.SendResult
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	pays, err := a.payments(p.Recipients, true)
	if err != nil {
		return r, err
	}
	f := &p.Options
	switch {
	case !slices.ContainsFunc(pays, func(p wallet.Payment) bool { return p.Rest }):
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Must provide at least one address without a specified amount")
	case len(f.Inputs) > 0 && f.SendMax:
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot combine send_max with specific inputs.")
	case len(f.Inputs) > 0 && (f.MinConf > 0 || f.MaxConf != nil):
		return r, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Cannot combine minconf or maxconf with specific inputs.")
	}
	if err := f.merge(p.Target, p.Mode, p.FeeRate); err != nil {
		return r, err
	}
	o, err := a.sendable(&f.spendArgs, &f.sendArgs, pays, f.Version)
	if err != nil {
		return r, err
	}
	if err := checkFrom(&o); err != nil {
		return r, err
	}
	o.KeepDust = !f.SendMax
	return a.finishSend(ctx, w, o, &f.spendArgs, &f.sendArgs)
}

// finishSend sends a payment, or only returns it if that was asked for or if
// the wallet cannot sign all of it.
func (a *api) finishSend(ctx context.Context, w *wallet.Wallet, o wallet.SpendOptions, f *spendArgs, s *sendArgs) (rpctypes.SendResult, error) {
	var r rpctypes.SendResult
	if err := a.solveInputs(w, &o, f.SolvingData); err != nil {
		return r, err
	}
	psbt := s.PSBT != nil && *s.PSBT
	keep := s.AddToWallet != nil && !*s.AddToWallet
	if !psbt && !keep && !w.Status().NoKeys {
		switch e, err := w.Send(ctx, o); {
		case err == nil:
			fee := rpctypes.Amount(e.Fee)
			return rpctypes.SendResult{Complete: true, TxID: &e.ID, Fee: &fee}, nil
		case !errors.Is(err, wallet.ErrIncomplete):
			return r, walletError(err)
		}
	}
	d, err := w.Fund(ctx, o)
	if err != nil {
		return r, walletError(err)
	}
	return a.returnDraft(ctx, w, d)
}

type bumpOptions struct {
	Target      *int64           `rpc:"conf_target|confTarget" help:"Within how many blocks it should be confirmed"`
	FeeRate     *rpcargs.FeeRate `rpc:"fee_rate" help:"Fee rate in sat/vB (default an estimate, and at least 5 sat/vB more than before)"`
	Replaceable *bool            `rpc:"replaceable" help:"Whether the new one may be replaced too (default true)"`
	Mode        string           `rpc:"estimate_mode" default:"\"unset\"" help:"unset, economical or conservative"`
	Outputs     *payees          `rpc:"outputs" help:"Pay these instead"`
	Change      *int             `rpc:"original_change_index" help:"The output of the old transaction that is change"`
}

type bumpParams struct {
	TxID    wire.Hash   `rpc:"txid" help:"The payment's id"`
	Options bumpOptions `rpc:"options,named" default:"{}" help:"More options"`
}

// bump reads the options of a replacement.
func (a *api) bump(o *bumpOptions) (wallet.BumpOptions, error) {
	b := wallet.BumpOptions{Change: o.Change, NoReplace: o.Replaceable != nil && !*o.Replaceable}
	var err error
	if b.Fee, err = feeOptions(o.Target, o.Mode, o.FeeRate, o.Replaceable); err != nil {
		return b, err
	}
	if o.Outputs != nil {
		if o.Change != nil {
			return b, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "The options 'outputs' and 'original_change_index' are incompatible. You can only either specify a new set of outputs, or designate a change output to be recycled.")
		}
		if b.Payments, err = a.payments(*o.Outputs, false); err != nil {
			return b, err
		}
		if len(b.Payments) == 0 {
			return b, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Invalid parameter, output argument cannot be an empty array")
		}
	}
	return b, nil
}

func (a *api) bumpFee(ctx context.Context, p bumpParams) (rpctypes.BumpResult, error) {
	var r rpctypes.BumpResult
	w, err := a.wallet(ctx)
	if err != nil {
		return r, err
	}
	o, err := a.bump(&p.Options)
	if err != nil {
		return r, err
	}
	if w.Status().NoKeys {
		return r, jsonrpc.Errorf(jsonrpc.CodeWallet, "bumpfee is not available with wallets that have private keys disabled. Use psbtbumpfee instead.")
	}
	e, b, err := w.Bump(ctx, p.TxID, o)
	if err != nil {
		return r, walletError(err)
	}
	return rpctypes.BumpResult{TxID: &e.ID, OldFee: rpctypes.Amount(b.OldFee), Fee: rpctypes.Amount(b.Fee), Errors: []string{}}, nil
}
