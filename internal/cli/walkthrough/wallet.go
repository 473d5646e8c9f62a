package walkthrough

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
	"starling/node/attach"
	"starling/node/settings"
	"starling/params"
	"starling/rpc/walletrpc"
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
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			if mnemonic != "" {
				fmt.Fprintf(w, "Your seed phrase; write it down, it restores the wallet: %s\n", mnemonic)
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
			a, mnemonic, err := attach.NewAddress(ctx, early, params.Own(walkNetwork), wallet.DefaultName)
			return a.String(), mnemonic, err
		}
	}
	cfg, err := cmdkit.LoadConfigWith(c, fixed)
	if err != nil {
		return "", "", err
	}
	err = cmdkit.WithNode(c, cfg, false, func(node attach.Caller) error {
		if mnemonic, err = ensureWallet(ctx, node, wallet.DefaultName); err != nil {
			return err
		}
		return cmdkit.Ask(walletrpc.WithWallet(ctx, wallet.DefaultName), node, &to, "getnewaddress")
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
// seed phrase if it did.
func ensureWallet(ctx context.Context, node attach.Caller, name string) (mnemonic string, err error) {
	var loaded []string
	if err := cmdkit.Ask(ctx, node, &loaded, "listwallets"); err != nil || slices.Contains(loaded, name) {
		return "", err
	}
	var r struct {
		Mnemonic string `json:"mnemonic"`
	}
	raw := map[string]any{"wallet_name": name, "load_on_startup": true, "show_mnemonic": true}
	if err := cmdkit.AskNamed(ctx, node, &r, "createwallet", raw); err != nil {
		return "", err
	}
	return r.Mnemonic, nil
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
				var all []struct {
					Address string `json:"address"`
				}
				const unconfirmed, empty = 0, true
				ctx := walletrpc.WithWallet(c.Context(), wallet.DefaultName)
				if err := cmdkit.Ask(ctx, node, &all, "listreceivedbyaddress", unconfirmed, empty); err != nil {
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
