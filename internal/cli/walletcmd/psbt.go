package walletcmd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/rpc/rpctypes"
)

// psbtHelp says how the commands are given a PSBT.
const psbtHelp = `

A PSBT is given as its text, as the name of a file that holds it, or as - for
the standard input.`

func newWalletPSBTCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "psbt",
		Short: "Make payments that several programs or people sign (PSBT)",
		Long: `Make payments that several programs or people sign, as partially signed
transactions (PSBT, BIP174). Each command prints the next one's argument.

  starling wallet psbt create bc1q… 0.1 > pay.psbt      who prepares it
  starling wallet psbt sign pay.psbt > alice.psbt       each who signs
  starling wallet psbt combine alice.psbt bob.psbt > both.psbt
  starling wallet psbt send both.psbt                   anybody` + psbtHelp,
		Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPSBTCreateCmd(), newPSBTSignCmd(), newPSBTCombineCmd(), newPSBTFinalizeCmd(), newPSBTSendCmd())
	return c
}

func newPSBTCreateCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "create ADDRESS AMOUNT [ADDRESS AMOUNT]...",
		Short: "Prepare a payment from the wallet's coins, without signing it",
		Long: `Prepare a payment from the wallet's coins, without signing it. The wallet may
hold no keys, only watch them. The PSBT is printed.

  starling wallet psbt create bc1q… 0.1 --fee-rate 5`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 || len(args)%2 != 0 {
				return cmdkit.UsageError{Err: errors.New("usage: starling wallet psbt create ADDRESS AMOUNT [ADDRESS AMOUNT ...]")}
			}
			return nil
		},
		RunE: checked(checkSend, withWallet(func(p *purse, args []string) error {
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
			params := struct {
				Inputs   []client.Input  `json:"inputs,omitempty"`
				Outputs  []client.Output `json:"outputs"`
				LockTime *uint32         `json:"locktime,omitempty"`
				Version  *int32          `json:"version,omitempty"`
				Options  *payOptions     `json:"options"`
			}{o.Inputs, outs, o.LockTime, typed(p, "tx-version", p.cmd.Flags().GetInt32), o}
			// What is an option of payments that are sent is an argument here.
			o.Inputs, o.LockTime = nil, nil
			var r rpctypes.FundedPSBT
			err = p.client.CallNamed(p.ctx, "walletcreatefundedpsbt", &r, params)
			if done, err := p.printed(err); done || err != nil {
				return err
			}
			fmt.Fprintln(p.out(), r.PSBT)
			p.note("Not signed yet. Fee: %s", r.Fee)
			return nil
		})),
	})
	addCoinFlags(c)
	c.Flags().String("change", "", "the `ADDRESS` where change goes (default a new one)")
	c.Flags().Bool("subtract-fee", false, "take the fee from the amounts")
	return c
}

func newPSBTSignCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "sign PSBT",
		Short: "Sign with the wallet's keys",
		Long: `Sign with the wallet's keys what they can sign, and add what the wallet knows.
The PSBT with the signatures is printed.` + psbtHelp,
		Args: args(1, 1, "psbt sign PSBT"),
		RunE: withWallet(func(p *purse, args []string) error {
			psbt, err := p.psbt(args[0])
			if err != nil {
				return err
			}
			var r rpctypes.ProcessedPSBT
			done := false
			err = p.unlocked(func() (err error) {
				r, err = p.client.WalletProcessPSBT(p.ctx, psbt, nil)
				done, err = p.printed(err)
				return err
			})
			if done || err != nil {
				return err
			}
			fmt.Fprintln(p.out(), r.PSBT)
			if r.Complete {
				p.note("All signatures are there: \"starling wallet psbt send\" sends it.")
			} else {
				p.note("Signatures are still missing.")
			}
			return nil
		}),
	})
	return addUnlockFlag(c)
}

func newPSBTCombineCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "combine PSBT PSBT...",
		Short: "Put the signatures of several copies into one",
		Long:  `Put the signatures of several copies of a payment into one, which is printed.` + psbtHelp,
		Args:  args(2, 1000, "psbt combine PSBT PSBT ..."),
		RunE: withWallets(func(p *purse, args []string) error {
			var all []string
			for _, a := range args {
				psbt, err := p.psbt(a)
				if err != nil {
					return err
				}
				all = append(all, psbt)
			}
			r, err := p.client.CombinePSBT(p.ctx, all...)
			if done, err := p.printed(err); done || err != nil {
				return err
			}
			_, err = fmt.Fprintln(p.out(), r)
			return err
		}),
	})
}

func newPSBTFinalizeCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "finalize PSBT",
		Short: "Make a transaction of a payment with all signatures",
		Long: `Make a transaction of a payment that has all its signatures, and print it in
hexadecimal digits. It is not sent.` + psbtHelp,
		Args: args(1, 1, "psbt finalize PSBT"),
		RunE: withWallets(func(p *purse, args []string) error {
			r, done, err := p.finalize(args[0])
			if done || err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out(), "%x\n", []byte(r.Hex))
			return err
		}),
	})
}

func newPSBTSendCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "send PSBT",
		Short: "Send a payment with all signatures",
		Long: `Send a payment that has all its signatures. The transaction's id is printed. No
wallet is needed for it.` + psbtHelp,
		Args: args(1, 1, "psbt send PSBT"),
		RunE: withWallets(func(p *purse, args []string) error {
			psbt, err := p.psbt(args[0])
			if err != nil {
				return err
			}
			r, err := p.client.FinalizePSBT(p.ctx, psbt, true)
			if err != nil {
				return err
			}
			if err := checkComplete(r); err != nil {
				return err
			}
			txid, err := p.client.SendRawTransaction(p.ctx, r.Hex, nil)
			if done, err := p.printed(err); done || err != nil {
				return err
			}
			fmt.Fprintln(p.out(), txid)
			return p.passOn(&txid)
		}),
	})
}

// finalize prints the node's answer with --json and returns done, or returns the
// finished transaction.
func (p *purse) finalize(arg string) (r rpctypes.FinalizedPSBT, done bool, err error) {
	psbt, err := p.psbt(arg)
	if err != nil {
		return r, false, err
	}
	r, err = p.client.FinalizePSBT(p.ctx, psbt, true)
	if done, err = p.printed(err); done || err != nil {
		return r, done, err
	}
	return r, false, checkComplete(r)
}

// checkComplete refuses what is no finished transaction yet.
func checkComplete(r rpctypes.FinalizedPSBT) error {
	if !r.Complete {
		return errors.New("signatures are still missing; \"starling rpc analyzepsbt\" tells whose")
	}
	return nil
}

// maxPSBT bounds a file with a PSBT, in bytes: a transaction of a whole block,
// with the transactions that it spends, in base64.
const maxPSBT = 64 << 20

// psbt returns the PSBT that an argument stands for, in base64.
func (p *purse) psbt(arg string) (string, error) {
	const begin, magic = "cHNidP", "psbt\xff" // the same, as text and as bytes
	if strings.HasPrefix(arg, begin) {
		return arg, nil
	}
	in := p.cmd.InOrStdin()
	if arg != "-" {
		f, err := os.Open(arg)
		if errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%q is neither a PSBT, which begins with %s, nor a file", arg, begin)
		}
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxPSBT+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > maxPSBT:
		return "", fmt.Errorf("%s is larger than any PSBT", arg)
	case strings.HasPrefix(string(b), magic):
		return base64.StdEncoding.EncodeToString(b), nil
	}
	text := strings.TrimSpace(string(b))
	if !strings.HasPrefix(text, begin) {
		return "", fmt.Errorf("%s holds no PSBT: that begins with %s", arg, begin)
	}
	return text, nil
}

// payees turns pairs of addresses and amounts into outputs, and returns their
// places too.
func payees(args []string) (outs []client.Output, positions []int, err error) {
	for i := 0; i < len(args); i += 2 {
		amount, err := rpctypes.ParseAmount(args[i+1])
		if err != nil {
			return nil, nil, err
		}
		positions = append(positions, len(outs))
		outs = append(outs, client.Output{Address: args[i], Amount: amount})
	}
	return outs, positions, nil
}
