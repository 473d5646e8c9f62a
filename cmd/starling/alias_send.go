package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"starling/address"
	"starling/internal/config"
	"starling/params/netfile"
	"starling/rpc"
	"starling/wallet"
	"starling/wire"
)

func newSendAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "send -from ADDRESS -to ADDRESS -amount COINS [-mine]",
		Short: "Pay from one address of the wallet (starling wallet send)",
		Long: `Pay somebody from one address of this node's wallet. The fee is paid by that
address, and what is left over goes back to it. Several can be paid at once.

With -mine this node makes a block with the payment at once; what the block brings
goes to the address that pays. Without, the payment is handed to other nodes: by
this node if it runs, otherwise over a short session with the network's seeds.

  NODE_ID=8000 starling send -from bcrt1q… -to bcrt1q… -amount 22 -mine
  NODE_ID=8000 starling send -from bcrt1q… -to bcrt1q…,bcrt1q… -amount 1,2.5` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			o, err := readPayment(c, cfg)
			if err != nil {
				return usageError{err}
			}
			return withNode(c, cfg, clientOptions{Connect: !o.mine}, func(node caller) error {
				return o.send(c.Context(), node, c.OutOrStdout())
			})
		},
	}
	c.Flags().StringArray("from", nil, "the address that pays")
	c.Flags().StringArray("to", nil, "whom to pay; may be a list")
	c.Flags().StringArray("amount", nil, "how much in coins; a list if there are several to pay")
	c.Flags().Bool("mine", false, "make a block with the payment at once")
	aliasFlags(c)
	return c
}

// payment is what send is to do.
type payment struct {
	from string
	outs []map[string]string // each an address and an amount
	mine bool
}

// readPayment reads the flags of send.
func readPayment(c *cobra.Command, cfg *config.Config) (*payment, error) {
	list := func(name string) []string {
		words, _ := c.Flags().GetStringArray(name)
		return splitList(words)
	}
	from, to, amounts := list("from"), list("to"), list("amount")
	switch {
	case len(from) != 1:
		return nil, fmt.Errorf("-from is needed: the one address that pays")
	case len(to) == 0:
		return nil, errors.New("-to is needed: whom to pay")
	case len(to) != len(amounts):
		return nil, fmt.Errorf("%d addresses to pay but %s", len(to), plural(len(amounts), "amount"))
	}
	o := &payment{from: from[0]}
	o.mine, _ = c.Flags().GetBool("mine")
	for _, a := range append(from, to...) {
		name := "to"
		if a == o.from {
			name = "from"
		}
		if _, err := address.Decode(a, cfg.Network); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, a, err)
		}
	}
	for i, a := range to {
		if n, err := netfile.ParseCoins(amounts[i]); err != nil {
			return nil, fmt.Errorf("amount: %w", err)
		} else if n == 0 {
			return nil, errors.New("amount: nothing is paid")
		}
		o.outs = append(o.outs, map[string]string{a: amounts[i]})
	}
	return o, nil
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// send pays, and says what became of it.
func (o *payment) send(ctx context.Context, node caller, w io.Writer) error {
	ctx = rpc.WithWallet(ctx, wallet.DefaultName)
	if err := o.checkPayer(ctx, node); err != nil {
		return err
	}

	var sent struct {
		TxID wire.Hash `json:"txid"`
	}
	options := map[string]any{"from_addresses": []string{o.from}, "change_address": o.from}
	if err := askNamed(ctx, node, &sent, "send", map[string]any{"outputs": o.outs, "options": options}); err != nil {
		return err
	}
	var tx struct {
		Fee json.Number `json:"fee"` // negative, as it leaves the wallet
	}
	if err := ask(ctx, node, &tx, "gettransaction", sent.TxID.String()); err != nil {
		return err
	}
	fee, err := rpc.ParseAmount(strings.TrimPrefix(tx.Fee.String(), "-"))
	if err != nil {
		return err
	}
	for _, out := range o.outs {
		for to, amount := range out {
			fmt.Fprintf(w, "Sent: %s to %s\n", amount, to)
		}
	}
	fmt.Fprintf(w, "Fee: %s, paid by %s\nTransaction: %s\n", coinText(int64(fee)), o.from, sent.TxID)
	if o.mine {
		return mineNow(ctx, node, o.from, w)
	}
	return passOn(ctx, node, sent.TxID, w)
}

// checkPayer makes sure that the wallet has the key of the address that pays.
func (o *payment) checkPayer(ctx context.Context, node caller) error {
	const method = "getaddressinfo"
	raw, err := node.Call(ctx, method, []any{o.from})
	if errors.Is(err, &rpc.Error{Code: rpc.CodeWalletNotFound}) {
		return errors.New("this node has no wallet yet; createwallet makes one")
	}
	if err != nil {
		return explain(method, err)
	}
	var info struct {
		Mine bool `json:"ismine"`
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return err
	}
	if !info.Mine {
		return fmt.Errorf("from: %s does not belong to this node's wallet", o.from)
	}
	return nil
}
