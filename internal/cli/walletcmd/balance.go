package walletcmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"starling/address"
	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/node/attach"
	"starling/node/settings"
	"starling/rpc/rpctypes"
)

// NewBalance returns the command balance.
func NewBalance() *cobra.Command {
	c := &cobra.Command{
		Use:   "balance ADDRESS...",
		Short: "Show what any addresses own",
		Long: `Show what addresses own in the blocks that the node has, whosever they are. The
node may run or not. For what a wallet owns, see starling wallet balance.

  starling balance --network demo bcrt1q… bcrt1p…`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmdkit.UsageError{Err: errors.New("balance needs an address")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := cmdkit.LoadConfigWith(c, nil)
			if err != nil {
				return err
			}
			if asJSON, _ := c.Flags().GetBool("json"); asJSON {
				all, err := askBalances(c, cfg, args)
				if err != nil {
					return err
				}
				return cmdkit.WriteJSON(c.OutOrStdout(), all)
			}
			return ShowBalances(c, cfg, args, "%s %s\n")
		},
	}
	settings.AddFlags(c.Flags(), true)
	c.Flags().SortFlags = false
	c.Flags().Bool("json", false, "print JSON")
	return c
}

// addressBalance is what an address owns, in the form of --json.
type addressBalance struct {
	Address string          `json:"address"`
	Balance rpctypes.Amount `json:"balance"` // in coins
}

// ShowBalances prints a line in the given form for each address.
func ShowBalances(c *cobra.Command, cfg *settings.Settings, addrs []string, line string) error {
	all, err := askBalances(c, cfg, addrs)
	for _, b := range all {
		fmt.Fprintf(c.OutOrStdout(), line, b.Address, cmdkit.CoinText(int64(b.Balance)))
	}
	return err
}

// askBalances asks the node what each address owns, and returns what it has said
// until it failed, if it did.
func askBalances(c *cobra.Command, cfg *settings.Settings, addrs []string) ([]addressBalance, error) {
	for _, a := range addrs {
		if _, err := address.Decode(a, cfg.Server.Network); err != nil {
			return nil, cmdkit.UsageError{Err: fmt.Errorf("address: %q: %w", a, err)}
		}
	}
	var all []addressBalance
	err := cmdkit.WithNode(c, cfg, false, func(node attach.Caller) error {
		for _, a := range addrs {
			r, err := cmdkit.Client(node).ScanTxOutSet(c.Context(), client.Descriptor{Desc: "addr(" + a + ")"})
			if err != nil {
				return err
			}
			all = append(all, addressBalance{a, r.TotalAmount})
		}
		return nil
	})
	return all, err
}
