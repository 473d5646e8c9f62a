package walkthrough

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/node/attach"
	"starling/node/netmake"
	"starling/node/settings"
	"starling/params"
	"starling/wallet"
)

func newCreateWalletAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "createwallet",
		Short: "Print a new address of this node's wallet, which is made if there is none (starling wallet)",
		Long: `Make this node's wallet if there is none, and print its seed phrase. Then, each
time, print a new address of it. This works before there is a blockchain, too.

  NODE_ID=8000 starling createwallet` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			fixed, err := aliasSettings(c)
			if err != nil {
				return err
			}
			to, mnemonic, err := walletAddress(c, fixed)
			w := c.OutOrStdout()
			if mnemonic != "" { // whatever went wrong after it was made
				fmt.Fprintf(w, "Your seed phrase; write it down, it restores the wallet: %s\n", mnemonic)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(w, "Your new address: %s\n", to)
			return err
		},
	}
	aliasFlags(c)
	return cmdkit.MakesData(c)
}

// walletAddress takes a new address of the node's wallet, and returns the seed
// phrase too if that had to be made.
func walletAddress(c *cobra.Command, fixed map[string]string) (to, mnemonic string, err error) {
	ctx := c.Context()
	if fixed["network"] == walkNetwork {
		early, err := beforeTheChain(c)
		if err != nil {
			return "", "", err
		}
		if early != nil {
			a, mnemonic, err := netmake.NewAddress(ctx, early, params.Own(walkNetwork), wallet.DefaultName)
			return a.String(), mnemonic, err
		}
	}
	cfg, err := cmdkit.LoadConfigWith(c, fixed)
	if err != nil {
		return "", "", err
	}
	notes := c.ErrOrStderr()
	err = cmdkit.WithNode(c, cfg, false, func(node attach.Caller) error {
		c := cmdkit.Client(node)
		if mnemonic, err = ensureWallet(ctx, c, wallet.DefaultName, notes); err != nil {
			return err
		}
		to, err = c.WithWallet(wallet.DefaultName).GetNewAddress(ctx, "", "")
		return err
	})
	return to, mnemonic, err
}

// beforeTheChain returns the settings of a node of the walk-through whose
// network has not been made yet; nil if it has.
func beforeTheChain(c *cobra.Command) (*settings.Settings, error) {
	cfg, err := cmdkit.LoadConfigWith(c, map[string]string{"network": "main"}) // the only one that can be counted on
	if err != nil {
		return nil, err
	}
	_, err = os.Lstat(settings.NetworkFile(cfg.DataDir(), walkNetwork))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cfg, nil
	default:
		return nil, err
	}
}

// ensureWallet makes a wallet if there is none of its name, and returns the
// seed phrase if it did. What the node warns of is written to notes.
func ensureWallet(ctx context.Context, node *client.Client, name string, notes io.Writer) (mnemonic string, err error) {
	loaded, err := node.ListWallets(ctx)
	if err != nil || slices.Contains(loaded, name) {
		return "", err
	}
	r, err := node.CreateWallet(ctx, name, &client.CreateWalletOptions{LoadOnStartup: new(true), Show: true})
	for _, text := range r.Warnings {
		fmt.Fprintln(notes, text)
	}
	return r.Mnemonic, err
}

func newListAddressesAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "listaddresses",
		Short: "List the addresses of this node's wallet (starling rpc listreceivedbyaddress)",
		Long:  `List the addresses that this node's wallet has given out.` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			return cmdkit.WithNode(c, cfg, false, func(node attach.Caller) error {
				const withUnused, unconfirmed = true, int32(0)
				all, err := ownWallet(node).ListReceivedByAddress(c.Context(), withUnused, "", &client.ReceivedOptions{MinConf: new(unconfirmed)})
				if err != nil {
					return err
				}
				for _, a := range all {
					fmt.Fprintln(c.OutOrStdout(), a.Address)
				}
				return nil
			})
		},
	}
	aliasFlags(c)
	return c
}
