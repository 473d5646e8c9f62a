package walletcmd

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"starling/address"
	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/node/attach"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func newWalletBalanceCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "balance",
		Short: "Show what there is",
		Long: `Show what can be spent; and, if there is any, what still waits for its first
block, and what fresh blocks paid, which can not be spent before others follow.`,
		Args: cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			b, err := p.client.GetBalances(p.ctx)
			if done, err := p.printed(err); done || err != nil {
				return err
			}
			p.tellUnknown()
			fmt.Fprintln(p.out(), b.Mine.Trusted)
			if b.Mine.Pending != 0 {
				fmt.Fprintf(p.out(), "%s unconfirmed, from others\n", b.Mine.Pending)
			}
			if b.Mine.Immature != 0 {
				fmt.Fprintf(p.out(), "%s from fresh blocks, not to be spent yet\n", b.Mine.Immature)
			}
			return nil
		}),
	})
}

// stateOf says how many blocks confirm a payment, or what keeps it from them.
func stateOf(l *rpctypes.HistoryEntry) string {
	switch {
	case l.Confirmations > 0:
		return fmt.Sprint(l.Confirmations)
	case l.Abandoned:
		return "abandoned"
	case l.ReplacedBy != nil || len(l.PoolConflicts) > 0:
		return "replaced"
	case l.Confirmations < 0:
		return "impossible"
	default:
		return "waiting"
	}
}

func newWalletHistoryCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "history",
		Short: "List what came and went",
		Long: `List what came and went, the newest last. BLOCKS is how many blocks confirm it;
a payment in none of them is waiting, replaced by another, abandoned, or
impossible because a block holds another that spends the same.

  starling wallet history --count 100
  starling wallet history --json`,
		Args: cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			count, _ := p.cmd.Flags().GetInt("count")
			skip, _ := p.cmd.Flags().GetInt("skip")
			// The typed call takes a count of 0 for the usual one.
			var lines []rpctypes.HistoryEntry
			err := p.client.CallNamed(p.ctx, "listtransactions", &lines, struct {
				Count int `json:"count"`
				Skip  int `json:"skip"`
			}{count, skip})
			if done, err := p.printed(err); done || err != nil {
				return err
			}
			p.tellUnknown()
			t := cmdkit.NewTable(p.out(), "TIME", "WHAT", "AMOUNT", "FEE", "BLOCKS", "ADDRESS", "LABEL", "TRANSACTION")
			for _, l := range lines {
				at := time.Unix(l.Time, 0).UTC().Format("2006-01-02 15:04")
				label := cmp.Or(orNothing(l.Label), l.Comment)
				t.Row(at, l.Category, l.Amount, orNothing(l.Fee), stateOf(&l), l.Address, label, l.TxID)
			}
			return t.End()
		}),
	})
	c.Flags().Int("count", 20, "how many")
	c.Flags().Int("skip", 0, "how many of the newest to leave out")
	return c
}

func newWalletShowCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "show TXID",
		Short: "Show all about one transaction",
		Args:  txidArg("show TXID"),
		RunE: withWallet(func(p *purse, args []string) error {
			id, err := wire.HashFromString(args[0])
			if err != nil {
				return err
			}
			if _, err := p.client.GetTransaction(p.ctx, id, true); err != nil {
				return err
			}
			return cmdkit.PrintResult(p.out(), p.calls.last)
		}),
	})
}

// checkAddress refuses what is no address of the network.
func (p *purse) checkAddress(what string, addrs ...string) error {
	for _, a := range addrs {
		if _, err := address.Decode(a, p.cfg.Server.Network); err != nil {
			return fmt.Errorf("%s: %q: %w", what, a, err)
		}
	}
	return nil
}

// checkFeeRate refuses what is no rate.
func (p *purse) checkFeeRate() error {
	if s := p.text("fee-rate"); s != "" {
		if _, err := rpctypes.ParseAmount(s); err != nil {
			return fmt.Errorf("fee-rate: %q is no number of satoshi for a virtual byte, such as 2.5", s)
		}
	}
	return nil
}

// txidArg wants the id of a transaction as the only argument.
func txidArg(usage string) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		if err := args(1, 1, usage)(c, words); err != nil {
			return err
		}
		if _, err := wire.HashFromString(words[0]); err != nil {
			return cmdkit.UsageError{Err: fmt.Errorf("%q is no id of a transaction: %w", words[0], err)}
		}
		return nil
	}
}

// addPayFlags adds the flags of commands that pay.
func addPayFlags(c *cobra.Command) {
	addCoinFlags(c)
	c.Flags().Bool("mine", false, "make a block with it at once, on networks where blocks are made on demand")
	c.Flags().Bool("psbt", false, "do not send it, but print it as a PSBT for others to sign")
	addUnlockFlag(c)
}

// addCoinFlags adds the flags that say which coins pay, and how much for it.
func addCoinFlags(c *cobra.Command) {
	c.Flags().String("fee-rate", "", "what to pay for a virtual byte, in `SATOSHI` (default an estimate)")
	c.Flags().Int("target", 0, "within how many `BLOCKS` it should be confirmed")
	c.Flags().StringArray("from", nil, "spend only coins of this `ADDRESS`; may be repeated")
	c.Flags().StringArray("coin", nil, "spend this coin, `TXID:N`; may be repeated")
	c.Flags().Int32("min-blocks", 0, "spend only coins that so many `BLOCKS` confirm")
	c.Flags().Uint32("lock-time", 0, "the height or time before which no block may hold it, a `NUMBER` (default about the present height)")
	c.Flags().Int32("tx-version", 2, "its `VERSION`: 2, or 3 for one whose fee can always be raised (BIP431)")
	c.Flags().Bool("no-replace", false, "do not say that its fee may be raised (BIP125): bump refuses it then")
}

// payOptions are options of methods that pay. Unlike those of package client they
// tell zeros that were typed, which the node refuses, from what was left out;
// and a fee rate stays as it was typed.
type payOptions struct {
	FeeRate     string         `json:"fee_rate,omitempty"`
	Target      *int           `json:"conf_target,omitempty"`
	Replaceable *bool          `json:"replaceable,omitempty"`
	MinConf     *int32         `json:"minconf,omitempty"`
	From        []string       `json:"from_addresses,omitempty"`
	Inputs      []client.Input `json:"inputs,omitempty"`
	ChangeTo    string         `json:"change_address,omitempty"`
	SubtractFee []int          `json:"subtract_fee_from_outputs,omitempty"`
	MaxWeight   *int64         `json:"max_tx_weight,omitempty"`
	LockTime    *uint32        `json:"locktime,omitempty"`
	Comment     string         `json:"comment,omitempty"`
	PSBT        bool           `json:"psbt,omitempty"`
	SendMax     bool           `json:"send_max,omitempty"`
	Version     *int32         `json:"version,omitempty"`
}

// payOptions reads the flags of commands that pay.
func (p *purse) payOptions() (*payOptions, error) {
	if err := p.checkFeeRate(); err != nil {
		return nil, err
	}
	o := &payOptions{FeeRate: p.text("fee-rate"), PSBT: p.on("psbt")}
	if o.PSBT {
		if err := p.refuse("with --psbt, which does not send", "mine", "comment"); err != nil {
			return nil, err
		}
	}
	flags := p.cmd.Flags()
	o.Target = typed(p, "target", flags.GetInt)
	o.MinConf = typed(p, "min-blocks", flags.GetInt32)
	o.LockTime = typed(p, "lock-time", flags.GetUint32)
	o.From, _ = flags.GetStringArray("from")
	if err := p.checkAddress("from", o.From...); err != nil {
		return nil, err
	}
	coins, _ := flags.GetStringArray("coin")
	for _, s := range coins {
		op, err := parseCoin(s)
		if err != nil {
			return nil, fmt.Errorf("coin: %w", err)
		}
		o.Inputs = append(o.Inputs, client.Places(op)...)
	}
	if o.Inputs != nil {
		if err := p.refuse("with --coin, which names them", "from", "min-blocks"); err != nil {
			return nil, err
		}
	}
	if o.ChangeTo = p.text("change"); o.ChangeTo != "" {
		if err := p.checkAddress("change", o.ChangeTo); err != nil {
			return nil, err
		}
	}
	if p.on("no-replace") {
		o.Replaceable = new(false)
	}
	return o, nil
}

// typed returns the value of a flag if it stands on the command line.
func typed[T any](p *purse, flag string, get func(string) (T, error)) *T {
	if !p.cmd.Flags().Changed(flag) {
		return nil
	}
	v, _ := get(flag)
	return &v
}

func newWalletSendCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "send ADDRESS AMOUNT [ADDRESS AMOUNT]...",
		Short: "Pay",
		Long: `Pay one or several addresses in one transaction. Amounts are in coins, with up to
eight decimals. The fee comes on top, unless --subtract-fee takes it from the
amounts. The transaction's id is printed.

  starling wallet send bc1q… 0.1
  starling wallet send bc1q… 0.1 bc1p… 0.25 --comment rent
  starling wallet send bc1q… 0.1 --fee-rate 5

The payment is kept on disk before it leaves, and announced until a block holds
it, also after a crash.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 || len(args)%2 != 0 {
				return cmdkit.UsageError{Err: errors.New("usage: starling wallet send ADDRESS AMOUNT [ADDRESS AMOUNT ...]")}
			}
			return nil
		},
		RunE: checked(checkSend, withWallet(walletSend)),
	})
	addPayFlags(c)
	c.Flags().String("change", "", "the `ADDRESS` where change goes (default a new one)")
	c.Flags().Int64("max-weight", 0, "what it may weigh at most, in weight `UNITS` (default as much as nodes pass on)")
	c.Flags().Bool("subtract-fee", false, "take the fee from the amounts")
	c.Flags().String("comment", "", "what it is for, a `TEXT` that only the wallet keeps")
	return c
}

// checkSend checks whom to pay and how much.
func checkSend(p *purse, args []string) error {
	for i := 0; i < len(args); i += 2 {
		if err := p.checkAddress("address", args[i]); err != nil {
			return err
		}
		if _, err := rpctypes.ParseAmount(args[i+1]); err != nil {
			return fmt.Errorf("%q: %w", args[i+1], errNoAmount)
		}
	}
	_, err := p.payOptions()
	return err
}

func walletSend(p *purse, args []string) error {
	outs, positions, err := payees(args)
	if err != nil {
		return err
	}
	o, err := p.payOptions()
	if err != nil {
		return err
	}
	if p.on("subtract-fee") {
		o.SubtractFee = positions
	}
	o.Comment = p.text("comment")
	o.MaxWeight = typed(p, "max-weight", p.cmd.Flags().GetInt64)
	version, _ := p.cmd.Flags().GetInt32("tx-version")
	return p.pay("send", struct {
		Outputs []client.Output `json:"outputs"`
		Options *payOptions     `json:"options"`
		Version int32           `json:"version"`
	}{outs, o, version})
}

func checkSweep(p *purse, args []string) error {
	_, err := p.payOptions()
	return errors.Join(p.checkAddress("address", args[0]), err)
}

func newWalletSweepCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "sweep ADDRESS",
		Short: "Pay all that there is",
		Long: `Pay all that there is to one address; the fee is taken from it. Coins that cost
more to spend than they are worth are left behind.

  starling wallet sweep bc1q…`,
		Args: args(1, 1, "sweep ADDRESS"),
		RunE: checked(checkSweep, withWallet(func(p *purse, args []string) error {
			o, err := p.payOptions()
			if err != nil {
				return err
			}
			o.SendMax = o.Inputs == nil
			version, _ := p.cmd.Flags().GetInt32("tx-version")
			o.Version = &version
			return p.pay("sendall", struct {
				Recipients []string    `json:"recipients"`
				Options    *payOptions `json:"options"`
			}{args[:1], o})
		})),
	})
	addPayFlags(c)
	return c
}

// pay calls a method that pays and prints what came of it.
func (p *purse) pay(method string, params any) error {
	var r rpctypes.SendResult
	done := false
	err := p.unlocked(func() (err error) {
		done, err = p.printed(p.client.CallNamed(p.ctx, method, &r, params))
		return err
	})
	if r.TxID == nil && r.PSBT == "" {
		return err
	}
	// Whatever failed afterwards, it is made.
	return errors.Join(err, p.paid(&r, done))
}

// paid tells of a payment that was made, unless that is done, and has it mined or
// handed on.
func (p *purse) paid(r *rpctypes.SendResult, done bool) error {
	switch {
	case r.PSBT != "":
		if !done {
			fmt.Fprintln(p.out(), r.PSBT)
			p.note("Not sent: a PSBT for others to sign, with a fee of %s.", orNothing(r.Fee))
		}
		return nil
	case !done:
		fmt.Fprintln(p.out(), orNothing(r.TxID))
		p.note("Fee: %s", orNothing(r.Fee))
	}
	if !p.on("mine") {
		return p.passOn(r.TxID)
	}
	to, err := p.client.GetNewAddress(p.ctx, "mined", "")
	if err != nil {
		return fmt.Errorf("the payment was made but not mined: %w", err)
	}
	return cmdkit.MineNow(p.cmd.Context(), p.node, to, p.cmd.ErrOrStderr())
}

// passOn hands a payment to others if the node does not run.
func (p *purse) passOn(txid *wire.Hash) error {
	if _, ok := p.node.(*attach.Local); !ok || txid == nil {
		return nil
	}
	return cmdkit.PassOn(p.cmd.Context(), p.node, *txid, p.cmd.ErrOrStderr())
}

func newWalletBumpCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "bump TXID",
		Short: "Raise the fee of a payment that waits",
		Long: `Replace a payment that no block holds yet by one with a higher fee. The new
transaction's id is printed.

  starling wallet bump TXID
  starling wallet bump TXID --fee-rate 20`,
		Args: txidArg("bump TXID"),
		RunE: checked(func(p *purse, _ []string) error { return p.checkFeeRate() }, withWallet(func(p *purse, args []string) error {
			id, err := wire.HashFromString(args[0])
			if err != nil {
				return err
			}
			if err := p.checkReplaceable(id); err != nil {
				return err
			}
			params := struct {
				TxID    wire.Hash  `json:"txid"`
				Options payOptions `json:"options"`
			}{id, payOptions{FeeRate: p.text("fee-rate")}}
			var r rpctypes.BumpResult
			done := false
			err = p.unlocked(func() (err error) {
				done, err = p.printed(p.client.CallNamed(p.ctx, "bumpfee", &r, params))
				return err
			})
			if r.TxID == nil {
				return err
			}
			if !done {
				fmt.Fprintln(p.out(), orNothing(r.TxID))
				p.note("Fee: %s instead of %s", r.Fee, r.OldFee)
			}
			return errors.Join(err, p.passOn(r.TxID))
		})),
	})
	c.Flags().String("fee-rate", "", "what to pay for a virtual byte, in `SATOSHI` (default 5 more than before, or an estimate)")
	return addUnlockFlag(c)
}

// checkReplaceable refuses to replace a payment that was made with --no-replace:
// whoever was paid may rely upon it.
func (p *purse) checkReplaceable(txid wire.Hash) error {
	tx, err := p.client.GetTransaction(p.ctx, txid, false)
	if err != nil {
		return err
	}
	if tx.Confirmations == 0 && tx.Replaceable == "no" {
		return errors.New("the payment was made with --no-replace; \"starling rpc bumpfee\" raises its fee all the same")
	}
	return nil
}

func newWalletAbandonCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "abandon TXID",
		Short: "Give up a payment that the node does not have",
		Args:  txidArg("abandon TXID"),
		RunE: withWallet(func(p *purse, args []string) error {
			id, err := wire.HashFromString(args[0])
			if err != nil {
				return err
			}
			return p.client.AbandonTransaction(p.ctx, id)
		}),
	})
}
