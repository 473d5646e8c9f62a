package walkthrough

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/internal/cli/networkcmd"
	"starling/internal/cli/nodecmd"
	"starling/internal/cli/walletcmd"
	"starling/node/attach"
	"starling/node/netmake"
	"starling/node/settings"
	"starling/rpc/rpctypes"
	"starling/wire"
)

func newCreateBlockchainAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "createblockchain -address ADDRESS",
		Short: "Make the network, whose first block pays ADDRESS (starling network create)",
		Long: `Make the network of the walk-through. Its first block pays a block's subsidy to
ADDRESS, which can be spent at once, and this node is the seed of the others.

  NODE_ID=8000 starling createblockchain -address bcrt1q…` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := word(c, "address", "whom the first block pays")
			if err != nil {
				return err
			}
			return createBlockchain(c, to)
		},
	}
	c.Flags().String("address", "", "whom the first block pays")
	aliasFlags(c)
	return cmdkit.MakesData(c)
}

func createBlockchain(c *cobra.Command, to string) error {
	fixed, err := aliasSettings(c)
	if err != nil {
		return err
	}
	name := fixed["network"]
	if name == "" {
		return cmdkit.UsageError{Err: errors.New("createblockchain makes the network " + walkNetwork + "; for another use starling network create")}
	}
	fixed["network"] = "main" // the only one that can be counted on so far
	cfg, err := cmdkit.LoadConfigWith(c, fixed)
	if err != nil {
		return err
	}
	r := netmake.Defaults()
	r.Settings, r.Name, r.Seeds = cfg, name, cfg.Listen
	r.Addresses = []string{to + "=" + r.Subsidy} // an amount is no part of this command's words
	r.Progress = networkcmd.Progress(c.ErrOrStderr())
	made, err := netmake.Create(c.Context(), r)
	var exists *netmake.ExistsError
	switch {
	case errors.As(err, &exists):
		return fmt.Errorf("there is a blockchain already: %s", exists.Path)
	case err != nil:
		return networkcmd.Usage(err)
	}
	fixed["network"] = name
	if cfg, err = cmdkit.LoadConfigWith(c, fixed); err != nil {
		return err
	}
	// The data directory is made now, so that it can be copied for others.
	_, closeNode, err := cmdkit.OpenClient(c, cfg, false)
	if err != nil {
		// There is nothing of it yet but the file, in the way of the next attempt.
		return errors.Join(err, os.Remove(made.Path))
	}
	networkcmd.Describe(c.OutOrStdout(), cfg, made.Network, made.Path)
	return closeNode()
}

func newStartNodeAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "startnode [-miner ADDRESS]",
		Short: "Run a node (starling node)",
		Long: `Run a node until it is interrupted. With -miner it makes blocks as soon as there
are transactions to put into them, and pays what they bring to ADDRESS.

  NODE_ID=8000 starling startnode
  NODE_ID=8002 starling startnode -miner bcrt1q…` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			if err := nodecmd.ConfirmReindex(c, cfg); err != nil {
				return err
			}
			return nodecmd.Run(c.Context(), cfg, c.ErrOrStderr())
		},
	}
	settings.AddFlags(c.Flags(), false)
	c.Flag("network").DefValue = walkNetwork
	return cmdkit.MakesData(nodecmd.AddYesFlag(c))
}

func newGetPeerInfoAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "getpeerinfo [-address HOST[:PORT]]",
		Short: "Show the peers of the running node (starling rpc getpeerinfo)",
		Long: `Show the peers of the running node, or those at an address.

  NODE_ID=8001 starling getpeerinfo
  NODE_ID=8001 starling getpeerinfo -address 127.0.0.1:8000` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			params := []any{}
			if at := c.Flag("address").Value.String(); at != "" {
				params = append(params, at)
			}
			result, err := attach.Client(cfg).Call(c.Context(), "getpeerinfo", params)
			if err != nil {
				return cmdkit.Explain("getpeerinfo", attach.Explain(cfg, err))
			}
			return cmdkit.PrintResult(c.OutOrStdout(), result)
		},
	}
	c.Flags().String("address", "", "only peers at this address, with or without a port")
	aliasFlags(c)
	return c
}

func newGetBalanceAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "getbalance -address ADDRESS",
		Short: "Show what any address owns (starling balance)",
		Long: `Show what an address owns in the blocks that this node has. It may be anybody's,
and the node may run or not.

  NODE_ID=8001 starling getbalance -address bcrt1q…` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			a, err := word(c, "address", "whose balance to show")
			if err != nil {
				return err
			}
			return walletcmd.ShowBalances(c, cfg, []string{a}, "Balance of %s: %s\n")
		},
	}
	c.Flags().String("address", "", "whose balance to show")
	aliasFlags(c)
	return c
}

func newPrintChainAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "printchain",
		Short: "Print all blocks, the last one first (starling rpc getblock)",
		Long: `Print all blocks of the best chain with their transactions, the last one first.
The node may run or not.` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			return cmdkit.WithNode(c, cfg, false, func(node attach.Caller) error {
				return printChain(c.Context(), cmdkit.Client(node), c.OutOrStdout())
			})
		},
	}
	aliasFlags(c)
	return c
}

func printChain(ctx context.Context, node *client.Client, w io.Writer) error {
	hash, err := node.GetBestBlockHash(ctx)
	if err != nil {
		return err
	}
	for {
		b, err := node.GetBlockTxs(ctx, hash, false)
		if err != nil {
			return err
		}
		if err := printBlock(w, &b); err != nil || b.Previous == nil {
			return err
		}
		if hash, err = wire.HashFromString(*b.Previous); err != nil {
			return err
		}
	}
}

func printBlock(w io.Writer, b *rpctypes.BlockWithTxs) error {
	fmt.Fprintf(w, "Block %d %s\n", b.Height, b.Hash)
	if b.Previous != nil {
		fmt.Fprintf(w, "  after  %s\n", *b.Previous)
	}
	fmt.Fprintf(w, "  made   %s, target %s\n", time.Unix(b.Time, 0).UTC().Format(time.DateTime), b.Bits)
	for _, tx := range b.Tx {
		fmt.Fprintf(w, "  transaction %s\n", tx.TxID)
		for _, in := range tx.Vin {
			if in.TxID == nil || in.Vout == nil {
				fmt.Fprintln(w, "    creates coins")
			} else {
				fmt.Fprintf(w, "    spends  %s:%d\n", in.TxID, *in.Vout)
			}
		}
		for i, out := range tx.Vout {
			to := out.Script.Address
			if to == "" {
				to = out.Script.Asm
			}
			fmt.Fprintf(w, "    pays %d  %s to %s\n", i, cmdkit.CoinText(int64(out.Value)), to)
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func newReindexAlias() *cobra.Command {
	c := &cobra.Command{
		Use:   "reindexutxo",
		Short: "Rebuild the set of unspent outputs (starling node --reindex)",
		Long:  `Rebuild the set of unspent outputs, and all else, from the blocks. The node must not run.` + aliasHelp,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := aliasConfig(c)
			if err != nil {
				return err
			}
			if client, err := attach.Running(c.Context(), cfg); client != nil || err != nil {
				return errors.Join(err, errors.New("the node is running; stop it first"))
			}
			cfg.Server.Reindex = true
			if err := nodecmd.ConfirmReindex(c, cfg); err != nil {
				return err
			}
			return cmdkit.WithRebuilt(c, cfg, func(node attach.Caller) error {
				local, ok := node.(*attach.Local)
				if !ok {
					return errors.New("a node has been started meanwhile; stop it first")
				}
				if err := local.Rebuilt(c.Context()); err != nil {
					return err
				}
				r, err := cmdkit.Client(node).GetTxOutSetInfo(c.Context(), "none")
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "Done: %d unspent outputs as of block %d\n", r.TxOuts, r.Height)
				return err
			})
		},
	}
	aliasFlags(c)
	return nodecmd.AddYesFlag(c)
}
