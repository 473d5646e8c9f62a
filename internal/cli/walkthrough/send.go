package walkthrough

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"starling/address"
	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/node/attach"
	"starling/node/settings"
	"starling/params/netfile"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wallet"
	"starling/wire"
)

func newSendAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "send -from ADDRESS -to ADDRESS -amount COINS [-mine]",
		Short: "Pay from one address of the wallet (starling wallet send)",
		Long: `Pay somebody from one address of this node's wallet. The fee is paid by that
address, and what is left over goes back to it.

Lists of the same length make one payment for each place in them, in order: the
first address pays the first amount to the first of the others, and so on. Later
payments can spend what earlier ones left over. With one address that pays, all
are paid in one transaction.

With -mine this node makes one block with all payments at once; what the block
brings goes to the first address that pays. Without, the payments are handed to
other nodes: by this node if it runs, otherwise over a short session with the
network's seeds.

  NODE_ID=8000 starling send -from bcrt1q… -to bcrt1q… -amount 22 -mine
  NODE_ID=8000 starling send -from A,B -to X,Y -amount 1,2.5 -mine
  NODE_ID=8000 starling send -from '["A","B"]' -to '["X","Y"]' -amount '[1,2.5]'
  NODE_ID=8000 starling send -from bcrt1q… -to bcrt1q…,bcrt1q… -amount 1,2.5` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			o, err := readPayments(c, cfg)
			if err != nil {
				return cmdkit.UsageError{Err: err}
			}
			err = cmdkit.WithNode(c, cfg, !o.mine, func(node attach.Caller) error {
				return o.send(c.Context(), node, c.OutOrStdout())
			})
			var nothing *attach.NoDataError
			if errors.As(err, &nothing) {
				return errNoWalletHere
			}
			return err
		},
	}
	c.Flags().StringArray("from", nil, "the address that pays")
	c.Flags().StringArray("to", nil, "whom to pay; may be a list")
	c.Flags().StringArray("amount", nil, "how much in coins; a list if there are several to pay")
	c.Flags().Bool("mine", false, "make a block with the payment at once")
	aliasFlags(c)
	return c
}

// payments are what send is to do.
type payments struct {
	list []payment
	mine bool
}

// payment is one transaction.
type payment struct {
	from string
	outs []payOut
}

// payOut is one address that is paid.
type payOut struct {
	to, coins string
	amount    int64
}

// readPayments reads the flags of send.
func readPayments(c *cobra.Command, cfg *settings.Settings) (*payments, error) {
	list := func(name string) []string {
		words, _ := c.Flags().GetStringArray(name)
		return splitList(words)
	}
	from, to, amounts := list("from"), list("to"), list("amount")
	switch {
	case len(from) == 0:
		return nil, errors.New("-from is needed: the address that pays")
	case len(to) == 0:
		return nil, errors.New("-to is needed: whom to pay")
	case len(to) != len(amounts):
		return nil, fmt.Errorf("%s to pay but %s", cmdkit.Plural(len(to), "address"), cmdkit.Plural(len(amounts), "amount"))
	case len(from) > 1 && len(from) != len(to):
		return nil, fmt.Errorf("%s that pay but %s to pay", cmdkit.Plural(len(from), "address"), cmdkit.Plural(len(to), "address"))
	}
	for i, a := range slices.Concat(from, to) {
		if _, err := address.Decode(a, cfg.Server.Network); err != nil {
			name := "from"
			if i >= len(from) {
				name = "to"
			}
			return nil, fmt.Errorf("%s: %q: %w", name, a, err)
		}
	}
	o := new(payments)
	o.mine, _ = c.Flags().GetBool("mine")
	for i, a := range to {
		n, err := netfile.ParseCoins(amounts[i])
		if err != nil {
			return nil, fmt.Errorf("amount: %w", err)
		}
		if n == 0 {
			return nil, errors.New("amount: nothing is paid")
		}
		if i == 0 || len(from) > 1 {
			o.list = append(o.list, payment{from: from[i]})
		}
		p := &o.list[len(o.list)-1]
		p.outs = append(p.outs, payOut{a, amounts[i], n})
	}
	return o, nil
}

// send makes all payments, one after the other, and says what became of them.
// If one can not be made, those before it stand, and are mined or handed on.
func (o *payments) send(ctx context.Context, node attach.Caller, w io.Writer) error {
	if err := o.check(ctx, node); err != nil {
		return err
	}
	var made []wire.Hash
	var failed error
	for i, p := range o.list {
		txid, err := p.send(ctx, node)
		if err != nil {
			failed = o.explain(i, err)
			break
		}
		// Whatever fails from here on, this payment stands.
		made = append(made, txid)
		if err := p.tell(ctx, node, txid, w); err != nil {
			failed = fmt.Errorf("payment %s was made, but: %w", txid, err)
			break
		}
	}
	if len(made) == 0 {
		return failed
	}
	if o.mine {
		return errors.Join(failed, cmdkit.MineNow(ctx, node, o.list[0].from, w))
	}
	for _, txid := range made {
		if err := cmdkit.PassOn(ctx, node, txid, w); err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// explain says which of several payments was not made.
func (o *payments) explain(i int, err error) error {
	switch {
	case len(o.list) == 1:
		return err
	case i == 0:
		return fmt.Errorf("payment 1 of %d: %w; none was made", len(o.list), err)
	default:
		return fmt.Errorf("payment %d of %d: %w; those before it were made", i+1, len(o.list), err)
	}
}

// check makes sure that the wallet has the keys of all addresses that pay, and
// that each owns what it is to pay, but for the fees, when its turn comes. So
// most mistakes are found before the first payment is made.
func (o *payments) check(ctx context.Context, node attach.Caller) error {
	owns := map[string]int64{}
	for _, p := range o.list {
		if _, known := owns[p.from]; known {
			continue
		}
		if err := checkPayer(ctx, node, p.from); err != nil {
			return err
		}
		const unconfirmed = int32(0)
		coins, err := ownWallet(node).ListUnspent(ctx, &client.UnspentOptions{MinConf: new(unconfirmed), Addresses: []string{p.from}})
		if err != nil {
			return err
		}
		owns[p.from] = 0
		for _, c := range coins {
			owns[p.from] += int64(c.Amount)
		}
	}
	for i, p := range o.list {
		had := owns[p.from]
		for _, out := range p.outs {
			owns[p.from] -= out.amount
		}
		if owns[p.from] < 0 && len(o.list) > 1 {
			return fmt.Errorf("payment %d of %d: %s owns only %s then; no payment was made", i+1, len(o.list), p.from, cmdkit.CoinText(had))
		}
		for _, out := range p.outs {
			if _, pays := owns[out.to]; pays {
				owns[out.to] += out.amount
			}
		}
	}
	return nil
}

// ownWallet returns a client for this node's wallet.
func ownWallet(node attach.Caller) *client.Client {
	return cmdkit.Client(node).WithWallet(wallet.DefaultName)
}

// send makes one payment.
func (p *payment) send(ctx context.Context, node attach.Caller) (txid wire.Hash, err error) {
	var outs []client.Output
	for _, out := range p.outs {
		outs = append(outs, client.Output{Address: out.to, Amount: rpctypes.Amount(out.amount)})
	}
	sent, err := ownWallet(node).Send(ctx, outs, &client.SendOptions{
		CoinOptions:   client.CoinOptions{From: []string{p.from}},
		ChangeOptions: client.ChangeOptions{ChangeTo: p.from},
	})
	if err != nil {
		return txid, err
	}
	if sent.TxID == nil {
		return txid, errors.New("the wallet could not sign the payment; it was not sent")
	}
	return *sent.TxID, nil
}

// tell says what was paid by a payment that was made.
func (p *payment) tell(ctx context.Context, node attach.Caller, txid wire.Hash, w io.Writer) error {
	tx, err := ownWallet(node).GetTransaction(ctx, txid, false)
	if err != nil {
		return err
	}
	var fee rpctypes.Amount
	if tx.Fee != nil {
		fee = -*tx.Fee // below zero, as it leaves the wallet
	}
	for _, out := range p.outs {
		fmt.Fprintf(w, "Sent: %s to %s\n", out.coins, out.to)
	}
	_, err = fmt.Fprintf(w, "Fee: %s, paid by %s\nTransaction: %s\n", cmdkit.CoinText(int64(fee)), p.from, txid)
	return err
}

var errNoWalletHere = errors.New("this node has no wallet yet; createwallet makes one")

// checkPayer makes sure that the wallet has the key of an address that pays.
func checkPayer(ctx context.Context, node attach.Caller, from string) error {
	info, err := client.Over(node).WithWallet(wallet.DefaultName).GetAddressInfo(ctx, from)
	if errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeWalletNotFound}) {
		return errNoWalletHere
	}
	if err != nil {
		return cmdkit.Explain("getaddressinfo", err)
	}
	if !info.Mine {
		return fmt.Errorf("from: %s does not belong to this node's wallet", from)
	}
	return nil
}
