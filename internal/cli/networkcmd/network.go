package networkcmd

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"starling/address"
	"starling/clock"
	"starling/internal/cli/cmdkit"
	"starling/node/attach"
	"starling/node/settings"
	"starling/params"
	"starling/params/netfile"
	"starling/store"
	"starling/wire"
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

// ownFlags are the flags of network create that say what the network is like.
type ownFlags struct {
	name                          string
	addresses, scripts, seeds     []string
	wallet, premine, subsidy, hrp string
	difficulty, text, out         string
	spacing                       time.Duration
	halving, maturity             int32
	minFee, period                int64
	port, rpcPort                 uint16
	retarget, over                bool
}

// easy is the difficulty at which every second hash is work enough.
const easy = "easy"

func newNetworkCreateCmd() *cobra.Command {
	var f ownFlags
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
			if !c.Flags().Changed("retarget") {
				f.retarget = f.difficulty != easy
			}
			return createNetwork(c, cfg, f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.name, "name", "", "what to call it: lower-case letters, digits and dashes")
	fl.StringVar(&f.wallet, "wallet", "", "make a wallet of this name on the new network, and pay it")
	fl.StringArrayVar(&f.addresses, "address", nil, "pay this address, with =COINS to say how much; may be repeated")
	fl.StringArrayVar(&f.scripts, "script", nil, "pay this script in hexadecimal digits, with =COINS; may be repeated")
	fl.StringVar(&f.premine, "premine", "", "what the first block pays to whoever is named without =COINS (default the subsidy)")
	fl.StringVar(&f.subsidy, "subsidy", "50", "coins that each block creates at first")
	fl.Int32Var(&f.halving, "halving", params.Own("").SubsidyHalvingInterval, "blocks after which the subsidy halves")
	fl.Int32Var(&f.maturity, "maturity", params.BitcoinMaturity, "how many blocks deep the reward of a block must be to be spent")
	fl.Int64Var(&f.minFee, "min-fee", params.BitcoinMinRelayFee, "least fee of a transaction, in satoshi for 1,000 virtual bytes")
	fl.DurationVar(&f.spacing, "spacing", params.Own("").TargetSpacing, "time that blocks should be apart")
	fl.StringVar(&f.difficulty, "difficulty", easy, "easy, or the first and easiest target in compact form")
	fl.BoolVar(&f.retarget, "retarget", false, "let the difficulty follow the spacing (default with a --difficulty of its own)")
	fl.Int64Var(&f.period, "period", 2016, "blocks between changes of the difficulty")
	fl.StringArrayVar(&f.seeds, "seed", nil, "a node as HOST:PORT that all nodes connect to; may be repeated")
	fl.Uint16Var(&f.port, "port", 0, "where nodes listen for peers (default chosen from the first block)")
	fl.Uint16Var(&f.rpcPort, "rpc-port", 0, "where nodes listen for RPC (default the next one)")
	fl.StringVar(&f.hrp, "hrp", params.Own("").Bech32HRP, "how addresses begin")
	fl.StringVar(&f.text, "text", "", "a line of text for the first block")
	fl.StringVar(&f.out, "out", "", "where to write the file (default networks/NAME.toml in the data directory)")
	fl.BoolVar(&f.over, "force", false, "replace the file if there is one")
	cmdkit.AddSomeFlags(fl, "datadir", "node-id", "config")
	fl.SortFlags = false
	return cmdkit.MakesData(c)
}

// createNetwork makes a network and says what to do with it.
func createNetwork(c *cobra.Command, cfg *settings.Settings, f ownFlags) error {
	n, err := f.network()
	if err != nil {
		return cmdkit.UsageError{Err: err}
	}
	if len(n.FixedSeeds) == 0 && cfg.NodeID != 0 {
		n.FixedSeeds = cfg.Listen // the first of several nodes is where the others begin
	}
	path := cmp.Or(f.out, settings.NetworkFile(cfg.DataDir(), n.Name))
	if !f.over {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s exists; --force replaces it", path)
		}
	}
	spec := netfile.Spec{Network: n, Text: f.text, Time: clock.System().Now()}
	if spec.Outputs, err = f.outputs(n); err != nil {
		return cmdkit.UsageError{Err: err}
	}
	mnemonic := ""
	if f.wallet != "" {
		// The wallet comes last, when all else is known to be right.
		if err := netfile.Check(spec); err != nil {
			return cmdkit.UsageError{Err: err}
		}
		if spec.Outputs[0].Script, mnemonic, err = f.payWallet(c.Context(), cfg, n); err != nil {
			return err
		}
	}
	if n, err = Write(c.Context(), c.ErrOrStderr(), spec, path); err != nil {
		return err
	}
	Describe(c.OutOrStdout(), cfg, n, path)
	if mnemonic != "" {
		showMnemonic(c.OutOrStdout(), f.wallet, mnemonic)
	}
	return nil
}

// payWallet returns the script of a new address of the wallet that the first
// block pays.
func (f *ownFlags) payWallet(ctx context.Context, cfg *settings.Settings, n *params.Network) (script []byte, mnemonic string, err error) {
	to, mnemonic, err := attach.NewAddress(ctx, cfg, n, f.wallet)
	if err != nil {
		return nil, "", fmt.Errorf("wallet %s: %w", f.wallet, err)
	}
	return to.Script(), mnemonic, nil
}

// showMnemonic prints the seed phrase of a new wallet.
func showMnemonic(w io.Writer, name, mnemonic string) {
	fmt.Fprintf(w, "\nWallet %s was made. Write its seed phrase down: it restores the wallet, and is all there is.\n  %s\n", name, mnemonic)
}

// Write does the work of a network's first block and writes its file.
func Write(ctx context.Context, stderr io.Writer, spec netfile.Spec, path string) (*params.Network, error) {
	n, err := netfile.Create(ctx, spec, solveProgress(stderr, spec))
	var wrong *netfile.Error
	switch {
	case errors.As(err, &wrong):
		return nil, cmdkit.UsageError{Err: err}
	case err != nil:
		return nil, err
	}
	text, err := netfile.Encode(n)
	if err != nil {
		return nil, err
	}
	return n, writeFile(path, text)
}

// network returns the network that the flags describe, without a first block.
func (f *ownFlags) network() (*params.Network, error) {
	if f.name == "" {
		return nil, errors.New("--name is needed: what to call the network")
	}
	if params.Reserved(f.name) {
		return nil, fmt.Errorf("name: %q is taken: it means something else to people or to the program", f.name)
	}
	n := params.Own(f.name)
	var err error
	if n.InitialSubsidy, err = netfile.ParseCoins(f.subsidy); err != nil {
		return nil, fmt.Errorf("subsidy: %w", err)
	}
	n.SubsidyHalvingInterval, n.CoinbaseMaturity, n.MinRelayFee = f.halving, f.maturity, f.minFee
	n.FixedSeeds = slices.Clone(f.seeds)
	n.DefaultPort, n.RPCPort = f.port, f.rpcPort
	n.Bech32HRP = f.hrp
	n.NoRetargeting = !f.retarget
	if f.difficulty != easy {
		if n.PowLimitBits, err = netfile.ParseBits(f.difficulty); err != nil {
			return nil, fmt.Errorf("difficulty: want easy, or a target in compact form: %w", err)
		}
		n.PowLimit, _ = params.Target(n.PowLimitBits)
		// Made by command where that takes no time.
		n.MineOnDemand = n.PowLimit.BitLen() >= params.OnDemandBits
	}
	if f.spacing < time.Second || f.spacing > 24*time.Hour {
		return nil, errors.New("spacing: want between 1s and 24h")
	}
	if f.period < 1 || f.period > 1_000_000 {
		return nil, errors.New("period: want between 1 and 1,000,000 blocks")
	}
	n.TargetSpacing, n.TargetTimespan = f.spacing, time.Duration(f.period)*f.spacing
	return n, nil
}

// outputs returns what the first block pays.
func (f *ownFlags) outputs(n *params.Network) ([]wire.TxOut, error) {
	premine := n.InitialSubsidy
	if f.premine != "" {
		var err error
		if premine, err = netfile.ParseCoins(f.premine); err != nil {
			return nil, fmt.Errorf("premine: %w", err)
		}
	}
	var outs []wire.TxOut
	if f.wallet != "" {
		const anyScript = 0x51 // until there is an address of the wallet
		outs = append(outs, wire.TxOut{Value: premine, Script: []byte{anyScript}})
	}
	add := func(flag, word string, script func(string) ([]byte, error)) error {
		to, coins, given := strings.Cut(word, "=")
		out := wire.TxOut{Value: premine}
		var err error
		if given {
			if out.Value, err = netfile.ParseCoins(coins); err != nil {
				return fmt.Errorf("%s: %w", flag, err)
			}
		}
		if out.Script, err = script(to); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		outs = append(outs, out)
		return nil
	}
	for _, a := range f.addresses {
		err := add("address", a, func(s string) ([]byte, error) {
			to, err := address.Decode(s, n)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", s, err)
			}
			return to.Script(), nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, s := range f.scripts {
		err := add("script", s, func(s string) ([]byte, error) {
			b, err := hex.DecodeString(s)
			if err != nil || len(b) == 0 {
				return nil, fmt.Errorf("%q is not in hexadecimal digits", s)
			}
			return b, nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(outs) == 0 {
		return nil, errors.New("--wallet or --address is needed: whom the first block pays")
	}
	return outs, nil
}

// solveProgress tells how the work of a first block goes, if it takes long.
func solveProgress(w io.Writer, spec netfile.Spec) func(uint64) {
	target, _ := params.Target(cmp.Or(spec.Bits, spec.Network.PowLimitBits))
	const every = 1 << 26 // hashes: some seconds
	var told uint64
	return func(hashes uint64) {
		if hashes < told+every {
			return
		}
		told = hashes
		fmt.Fprintf(w, "looking for the first block: %d million hashes, about %.0f are needed\n",
			hashes>>20, expectedHashes(target.BitLen())/(1<<20))
	}
}

// expectedHashes is about how many hashes a target of so many bits takes.
func expectedHashes(bits int) float64 {
	h := 1.0
	for range 256 - bits {
		h *= 2
	}
	return h
}

// writeFile writes a file as a whole or not at all. Directories that it has to
// make are private: one of them may be the data directory.
func writeFile(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, store.PrivateDir); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	err = cmp.Or(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	// The rename itself must not be lost either.
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
