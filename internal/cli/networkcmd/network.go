package networkcmd

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
	"starling/internal/layered"
	"starling/node/netmake"
)

// New returns the command network, with those below it.
func New() *cobra.Command {
	c := &cobra.Command{
		Use:   "network",
		Short: "Make and look at networks of your own",
		Args:  cmdkit.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newNetworkCreateCmd(), newNetworkShowCmd(), newNetworkListCmd())
	return c
}

func newNetworkCreateCmd() *cobra.Command {
	r := netmake.Defaults()
	var retarget bool
	c := &cobra.Command{
		Use:   "create --name NAME (--wallet WALLET | --address ADDRESS[=COINS])",
		Short: "Make a network of your own",
		Long: `Make a network of your own: a file with its rules and its first block, which pays
whom you choose. Every node of the network is given the same file.

A network, and a wallet that owns all that its first block pays:
  starling network create --name demo --wallet main
  starling node --network demo

Its file is ~/.starling/networks/demo.toml. Whoever has a copy joins:
  starling node --network demo.toml

To pay an address that exists already. A network of your own has the addresses
of regtest unless --hrp says otherwise, so any wallet for regtest makes them:
  starling network create --name demo --address bcrt1q…=1000 --address bcrt1q…=500 \
      --seed 192.0.2.7:9000 --port 9000 --spacing 1m --maturity 10

With --difficulty easy, the default, every second hash is work enough, and
blocks are made when there is something to put into them. With a target in
compact form, such as 1e0fffff, blocks take work and the difficulty follows the
spacing.`,
		Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := cmdkit.LoadConfigWith(c, map[string]string{"network": "main"})
			if err != nil {
				return err
			}
			if c.Flags().Changed("retarget") {
				r.Retarget = &retarget
			}
			r.Settings = cfg
			r.Progress = Progress(c.ErrOrStderr())
			return create(c, r)
		},
	}
	fl := c.Flags()
	fl.StringVar(&r.Name, "name", "", "what to call it: lower-case letters, digits and dashes")
	fl.StringVar(&r.Wallet, "wallet", "", "make a wallet of this name on the new network, and pay it")
	fl.StringArrayVar(&r.Addresses, "address", nil, "pay this address, with =COINS to say how much; may be repeated")
	fl.StringArrayVar(&r.Scripts, "script", nil, "pay this script in hexadecimal digits, with =COINS; may be repeated")
	fl.StringVar(&r.Premine, "premine", "", "what the first block pays to whoever is named without =COINS (default the subsidy)")
	fl.StringVar(&r.Subsidy, "subsidy", r.Subsidy, "coins that each block creates at first")
	fl.Int32Var(&r.Halving, "halving", r.Halving, "blocks after which the subsidy halves")
	fl.Int32Var(&r.Maturity, "maturity", r.Maturity, "how many blocks deep the reward of a block must be to be spent")
	fl.Int64Var(&r.MinFee, "min-fee", r.MinFee, "least fee of a transaction, in satoshi for 1,000 virtual bytes")
	layered.DurationFlag(fl, &r.Spacing, "spacing", r.Spacing, "time that blocks should be apart")
	fl.StringVar(&r.Difficulty, "difficulty", r.Difficulty, "easy, or the first and easiest target in compact form")
	fl.BoolVar(&retarget, "retarget", false, "let the difficulty follow the spacing (default with a --difficulty of its own)")
	fl.Int64Var(&r.Period, "period", r.Period, "blocks between changes of the difficulty")
	fl.StringArrayVar(&r.Seeds, "seed", nil, "a node as HOST:PORT that all nodes connect to; may be repeated")
	fl.Uint16Var(&r.Port, "port", 0, "where nodes listen for peers (default chosen from the first block)")
	fl.Uint16Var(&r.RPCPort, "rpc-port", 0, "where nodes listen for RPC (default the next one)")
	fl.StringVar(&r.HRP, "hrp", r.HRP, "how addresses begin")
	fl.StringVar(&r.Text, "text", "", "a line of text for the first block")
	fl.StringVar(&r.Path, "out", "", "where to write the file (default networks/NAME.toml in the data directory)")
	fl.BoolVar(&r.Replace, "force", false, "replace the file if there is one")
	cmdkit.AddSomeFlags(fl, "datadir", "node-id", "config")
	fl.SortFlags = false
	return cmdkit.MakesData(c)
}

// create makes a network and says what to do with it.
func create(c *cobra.Command, r netmake.Request) error {
	made, err := netmake.Create(c.Context(), r)
	if err == nil {
		Describe(c.OutOrStdout(), r.Settings, made.Network, made.Path)
	}
	if made.Mnemonic != "" {
		// Nothing would show it again if the network was not made.
		showMnemonic(c.OutOrStdout(), r.Wallet, made.Mnemonic)
	}
	var exists *netmake.ExistsError
	if errors.As(err, &exists) {
		return fmt.Errorf("%w; --force replaces it", err)
	}
	return Usage(err)
}

// Usage marks the error of a request that cannot be as one in the command line.
func Usage(err error) error {
	var refused *netmake.RequestError
	if errors.As(err, &refused) {
		return cmdkit.UsageError{Err: err}
	}
	return err
}

// Progress tells how a long search for a first block goes.
func Progress(w io.Writer) func(hashes uint64, needed float64) {
	return func(hashes uint64, needed float64) {
		fmt.Fprintf(w, "looking for the first block: %d million hashes, about %.0f are needed\n", hashes>>20, needed/(1<<20))
	}
}

// showMnemonic prints the seed phrase of a new wallet.
func showMnemonic(w io.Writer, name, mnemonic string) {
	fmt.Fprintf(w, "\nWallet %s was made. Write its seed phrase down: it restores the wallet, and is all there is.\n  %s\n", name, mnemonic)
}
