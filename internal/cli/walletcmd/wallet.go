package walletcmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/internal/plain"
	"starling/node/attach"
	"starling/node/settings"
	"starling/rpc/jsonrpc"
	"starling/wallet"
)

// New returns the command wallet, with those below it.
func New() *cobra.Command {
	c := &cobra.Command{
		Use:   "wallet",
		Short: "Keep keys, receive and send",
		Long: `Keep keys, receive and send. A wallet's keys come from its seed phrase: twelve
words that restore it, with all that was paid to it, on any machine.

  starling wallet create             make a wallet; write its words down
  starling wallet address            an address for somebody to pay to
  starling wallet balance            what there is
  starling wallet send ADDRESS 0.1   pay
  starling wallet history            what came and went

The commands ask the running node, or open the node's data themselves if it does
not run; then --connect HOST:PORT lets a payment reach others at once. With
several wallets, --name says which; without it, the only one that is loaded is
meant, or the one called ` + wallet.DefaultName + `.`,
		Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newWalletCreateCmd(), newWalletRestoreCmd(), newWalletListCmd(), newWalletLoadCmd(), newWalletUnloadCmd(), newWalletInfoCmd(),
		newWalletAddressCmd(), newWalletAddressesCmd(), newWalletLabelCmd(),
		newWalletBalanceCmd(), newWalletCoinsCmd(), newWalletHistoryCmd(), newWalletShowCmd(),
		newWalletSendCmd(), newWalletPSBTCmd(), newWalletSweepCmd(), newWalletBumpCmd(), newWalletAbandonCmd(),
		newWalletPhraseCmd(), newWalletExportCmd(), newWalletImportCmd(), newWalletBackupCmd(),
		newWalletEncryptCmd(), newWalletUnlockCmd(), newWalletLockCmd(), newWalletPassphraseCmd(),
		newWalletRescanCmd(), newWalletSignMessageCmd(),
	)
	return c
}

// walletCmd adds what all commands about wallets have in common.
func walletCmd(c *cobra.Command) *cobra.Command {
	settings.AddFlags(c.Flags(), true)
	cmdkit.AddSomeFlags(c.Flags(), "connect")
	c.Flags().String("name", "", "which `WALLET`; --wallet, as the command rpc has it, is the same")
	c.Flags().SetNormalizeFunc(walletIsName)
	c.Flags().Bool("json", false, "print what the node answers, as JSON")
	c.Flags().SortFlags = false
	return c
}

// walletIsName takes --wallet for --name.
func walletIsName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "wallet" {
		name = "name"
	}
	return pflag.NormalizedName(name)
}

// purse is a wallet that a command works with.
type purse struct {
	cmd    *cobra.Command
	cfg    *settings.Settings
	ctx    context.Context
	node   attach.Caller
	calls  *calls         // to the node
	client *client.Client // over calls; for the wallet, once that is known
	name   string         // "" until it is known

	stdin *bufio.Reader
}

// withWallet runs fn on the wallet that a command is about, whether the node
// runs or not.
func withWallet(fn func(p *purse, args []string) error) func(*cobra.Command, []string) error {
	return withWallets(func(p *purse, args []string) error {
		if err := p.choose(); err != nil {
			return err
		}
		return fn(p, args)
	})
}

// withWallets is withWallet for commands that are not about one wallet.
func withWallets(fn func(p *purse, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		cfg, err := cmdkit.LoadConfig(c)
		if err != nil {
			return err
		}
		node, closeNode, err := cmdkit.OpenClient(c, cfg, len(cfg.Connect) > 0 || cmdkit.Pays(c))
		var nothing *attach.NoDataError
		if errors.As(err, &nothing) {
			return errNoWallet
		}
		if err != nil {
			return err
		}
		p := &purse{cmd: c, cfg: cfg, ctx: c.Context(), node: node, calls: &calls{node: node}}
		p.calls.poor = p.tellUnknown
		p.client = client.Over(p.calls)
		return errors.Join(fn(p, args), closeNode())
	}
}

// checked runs check on the command line before anything is opened; what it
// finds is wrong with the command line.
func checked(check func(p *purse, args []string) error, run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		cfg, err := cmdkit.LoadConfig(c)
		if err != nil {
			return err
		}
		if err := check(&purse{cmd: c, cfg: cfg, ctx: c.Context()}, args); err != nil {
			return cmdkit.UsageError{Err: err}
		}
		return run(c, args)
	}
}

// choose decides which wallet is meant: that of --name, the only one that is
// loaded or there at all, or the default one. One that is on disk only is
// loaded, which says what is wrong with it, if something is.
func (p *purse) choose() error {
	loaded, err := cmdkit.Client(p.node).ListWallets(p.ctx)
	if err != nil {
		return err
	}
	name := p.text("name")
	if name == "" {
		switch {
		case len(loaded) == 1:
			name = loaded[0]
		case len(loaded) == 0:
			if name, err = p.only(); err != nil {
				return err
			}
		default:
			name = wallet.DefaultName
		}
	}
	for _, l := range loaded {
		if l == name {
			p.name, p.client = name, p.client.WithWallet(name)
			return nil
		}
	}
	if len(loaded) > 1 && p.text("name") == "" {
		return fmt.Errorf("several wallets are loaded; say with --name which one: %s", list(loaded))
	}
	r, err := cmdkit.Client(p.node).LoadWallet(p.ctx, name, nil)
	if err != nil {
		return err
	}
	p.warn(r)
	p.name, p.client = name, p.client.WithWallet(name)
	return nil
}

// only returns the only wallet on disk if none is loaded, or says what to do.
func (p *purse) only() (string, error) {
	names, err := p.onDisk()
	if err != nil {
		return "", err
	}
	if len(names) == 1 {
		return names[0], nil
	}
	if len(names) == 0 {
		return "", errNoWallet
	}
	return "", fmt.Errorf("no wallet is loaded; say with --name which one: %s", list(names))
}

var errNoWallet = errors.New("there is no wallet yet; \"starling wallet create\" makes one")

// onDisk returns the names of all wallets.
func (p *purse) onDisk() ([]string, error) {
	dir, err := cmdkit.Client(p.node).ListWalletDir(p.cmd.Context())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, w := range dir.Wallets {
		names = append(names, w.Name)
	}
	return names, nil
}

// list writes names with commas between.
func list(names []string) string {
	s := ""
	for i, n := range names {
		if i > 0 {
			s += ", "
		}
		s += plain.Line(n)
	}
	return s
}

func (p *purse) text(flag string) string {
	s, _ := p.cmd.Flags().GetString(flag)
	return s
}

func (p *purse) on(flag string) bool {
	b, _ := p.cmd.Flags().GetBool(flag)
	return b
}

// out is where results go.
func (p *purse) out() io.Writer { return p.cmd.OutOrStdout() }

// note tells a person something that is no result.
func (p *purse) note(format string, args ...any) {
	fmt.Fprintf(p.cmd.ErrOrStderr(), format+"\n", args...)
}

// tellUnknown says on standard error that what is shown may not be all, if the node
// has yet to fetch blocks that it knows of.
func (p *purse) tellUnknown() {
	chain, err := client.Over(p.node).GetBlockchainInfo(p.ctx) // not an answer for --json
	if err == nil && chain.Headers > chain.Blocks {
		p.note("the node is at block %d of %d; not all is known yet", chain.Blocks, chain.Headers)
	}
}

// calls makes the calls of a command. It says what errors mean, and keeps the
// last answer as it came, for --json.
type calls struct {
	node attach.Caller
	last json.RawMessage
	poor func() // told of a lack of funds
}

func (c *calls) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	raw, err := c.node.Call(ctx, method, params)
	if errors.Is(err, &jsonrpc.Error{Code: jsonrpc.CodeInsufficientFunds}) {
		c.poor()
	}
	if err != nil {
		return nil, explainWallet(method, err)
	}
	c.last = raw
	return raw, nil
}

// printed ends a call that ended with err: with --json it prints the node's
// answer, and returns done.
func (p *purse) printed(err error) (done bool, _ error) {
	if err != nil || !p.on("json") {
		return false, err
	}
	return true, printJSON(p.out(), p.calls.last)
}

// orNothing writes what may be missing, which is no text at all.
func orNothing[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

// errWalletLocked tells that a secret is needed while it is encrypted.
var errWalletLocked = errors.New("the wallet is locked; \"starling wallet unlock\" unlocks it for a while")

// explainWallet puts an error of a wallet's method into one line that names
// commands rather than methods.
func explainWallet(method string, err error) error {
	var e *jsonrpc.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case jsonrpc.CodeUnlockNeeded:
		return errWalletLocked
	case jsonrpc.CodePassphraseIncorrect:
		return errors.New("the passphrase is wrong")
	case jsonrpc.CodeMethodNotFound:
		return errors.New("this node has no wallets: it runs with --no-wallet")
	}
	return cmdkit.Explain(method, err)
}

// printJSON prints an answer as it came, indented.
func printJSON(w io.Writer, raw json.RawMessage) error {
	if len(raw) > 0 && raw[0] == '"' {
		_, err := fmt.Fprintln(w, string(raw))
		return err
	}
	return cmdkit.PrintResult(w, raw)
}

// refuse fails if one of these flags is given, which have no meaning because of
// why.
func (p *purse) refuse(why string, flags ...string) error {
	for _, f := range flags {
		if p.cmd.Flags().Changed(f) {
			return cmdkit.UsageError{Err: fmt.Errorf("--%s has no meaning %s", f, why)}
		}
	}
	return nil
}

// args checks how many arguments there are and says what is missing.
func args(least, most int, usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return cmdkit.UsageError{Err: errors.New("usage: starling wallet " + usage)}
		}
		return nil
	}
}
