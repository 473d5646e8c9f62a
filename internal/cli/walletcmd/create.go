package walletcmd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/internal/plain"
	"starling/rpc/rpctypes"
	"starling/wallet"
)

// warn tells what the node warns of.
func (p *purse) warn(r rpctypes.CreatedWallet) {
	for _, s := range r.Warnings {
		p.note("%s", s)
	}
}

func newWalletCreateCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Make a wallet and show its seed phrase (mnemonic)",
		Long: `Make a wallet, load it now and at every start of the node, and show its seed
phrase. Write the words down, on paper: with them anybody can restore the wallet
and spend from it, and without them nobody can if the file is lost.

  starling wallet create                     a wallet called ` + wallet.DefaultName + `
  starling wallet create savings --words 24 --encrypt
  starling wallet create shop --watch-only   a wallet without keys, to import into

--encrypt asks for a passphrase, which protects the file; the words are not
protected by it.`,
		Args: args(0, 1, "create [NAME]"),
		RunE: withWallets(func(p *purse, args []string) error {
			name := p.nameOf(args)
			o := &newWallet{Name: name}
			o.NoKeys, o.Blank = p.on("watch-only"), p.on("blank")
			if p.on("watch-only") || p.on("blank") {
				if err := p.refuse("for a wallet without a phrase", "words", "extra-file"); err != nil {
					return err
				}
			} else {
				words, _ := p.cmd.Flags().GetInt("words")
				o.Words = &words
			}
			if err := p.passphraseFor(o); err != nil {
				return err
			}
			return p.make(o)
		}),
	}
	walletCmd(c)
	c.Flags().Int("words", 12, "how many `WORDS` the phrase has: 12 or 24")
	c.Flags().Bool("watch-only", false, "no keys: only watch what is imported")
	c.Flags().Bool("blank", false, "no phrase: only keys that are imported")
	addEncryptFlags(c)
	return cmdkit.MakesData(c)
}

// newWallet is a wallet to make. The two numbers go to the node as they were
// typed, so that it refuses those that make no sense.
type newWallet struct {
	Name string `json:"wallet_name"`
	client.CreateWalletOptions
	Words *int `json:"mnemonic_words,omitempty"`
	Gap   int  `json:"gap,omitempty"`
}

// addEncryptFlags adds the flags of commands that make wallets.
func addEncryptFlags(c *cobra.Command) {
	c.Flags().Bool("encrypt", false, "protect the file with a passphrase")
	addSecretFlag(c, "passphrase-file", "the passphrase")
	addSecretFlag(c, "extra-file", "an extra passphrase of the phrase itself (BIP39)")
}

// passphraseFor asks for the passphrases that the flags ask for.
func (p *purse) passphraseFor(o *newWallet) (err error) {
	if p.text("extra-file") != "" {
		if o.Extra, err = p.secret("extra-file", "extra passphrase", true); err != nil {
			return err
		}
	}
	if p.on("encrypt") || p.text("passphrase-file") != "" {
		o.Passphrase, err = p.secret("passphrase-file", "passphrase", true)
	}
	return err
}

// nameOf returns the name of a wallet to make.
func (p *purse) nameOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return cmp.Or(p.text("name"), wallet.DefaultName)
}

// make makes a wallet and says what to do with it.
func (p *purse) make(o *newWallet) error {
	o.LoadOnStartup, o.Show = new(true), true
	var r rpctypes.CreatedWallet
	err := p.client.CallNamed(p.ctx, "createwallet", &r, o)
	if done, err := p.printed(err); done || err != nil {
		return err
	}
	switch {
	case r.Mnemonic == "":
		fmt.Fprintf(p.out(), "Wallet %s was made.\n", r.Name)
	case o.Mnemonic != "":
		fmt.Fprintf(p.out(), "Wallet %s was restored.\n", r.Name)
	default:
		p.showPhrase(r.Name, r.Mnemonic)
	}
	p.warn(r)
	return nil
}

// showPhrase prints a seed phrase: alone on a line, so that programs find it.
func (p *purse) showPhrase(name, phrase string) {
	p.note("Wallet %s was made. Write its seed phrase down now: it is all that restores the wallet.", name)
	fmt.Fprintln(p.out(), phrase)
}

func newWalletRestoreCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "restore [NAME]",
		Short: "Restore a wallet from its seed phrase (mnemonic), or from a backup",
		Long: `Restore a wallet. The seed phrase is asked for, or read from a file or the
standard input; then the blocks are read for what was paid to it, from the
birthday on, if you know it.

  starling wallet restore savings --birthday 2024-03-01
  starling wallet restore savings --phrase-file words.txt
  starling wallet restore savings --backup /media/stick/savings.dat

A birthday is a day such as 2024-03-01, a time in UTC such as "2024-03-01 15:04", one
of RFC 3339 such as 2024-03-01T15:04:00+02:00, or seconds since 1970.

--legacy also restores the older kinds of addresses (BIP44 and BIP49).`,
		Args: args(0, 1, "restore [NAME]"),
		RunE: withWallets(restoreWallet),
	}
	walletCmd(c)
	addSecretFlag(c, "phrase-file", "the seed phrase")
	c.Flags().String("backup", "", "restore from this `FILE` instead")
	c.Flags().String("birthday", "", "the `TIME` the wallet was made: older blocks are not read")
	c.Flags().Int("gap", 0, "how many unused `ADDRESSES` in a row to look beyond (default 1000)")
	c.Flags().Bool("legacy", false, "also addresses of BIP44 and BIP49")
	addEncryptFlags(c)
	return cmdkit.MakesData(c)
}

func restoreWallet(p *purse, args []string) error {
	name := p.nameOf(args)
	if backup := p.text("backup"); backup != "" {
		if err := p.refuse("with --backup", "phrase-file", "birthday", "gap", "legacy", "encrypt", "passphrase-file", "extra-file"); err != nil {
			return err
		}
		path, err := absolute(backup)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return cmdkit.UsageError{Err: fmt.Errorf("backup: there is no file %s", backup)}
		}
		r, err := p.client.RestoreWallet(p.ctx, name, path, new(true))
		done, err := p.printed(err)
		if !done && err == nil {
			fmt.Fprintf(p.out(), "Wallet %s was restored.\n", r.Name)
			p.warn(r)
		}
		return err
	}
	phrase, err := p.secret("phrase-file", "seed phrase", false)
	if err != nil {
		return err
	}
	o := &newWallet{Name: name}
	o.Gap, _ = p.cmd.Flags().GetInt("gap")
	o.Mnemonic = strings.Join(strings.Fields(phrase), " ")
	if s := p.text("birthday"); s != "" {
		t, err := birthday(s)
		if err != nil {
			return err
		}
		o.Birthday = max(1, t)
	}
	if p.on("legacy") {
		o.Kinds = []string{"legacy", "p2sh-segwit", "bech32", "bech32m"}
	}
	if err := p.passphraseFor(o); err != nil {
		return err
	}
	return p.make(o)
}

func newWalletListCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "list",
		Short: "List the wallets",
		Long:  `List the wallets on disk, and which of them are loaded.`,
		Args:  cmdkit.NoArgs,
		RunE: withWallets(func(p *purse, _ []string) error {
			loaded, err := p.client.ListWallets(p.ctx)
			if err != nil {
				return err
			}
			if p.on("json") {
				_, err := p.client.ListWalletDir(p.ctx)
				_, err = p.printed(err)
				return err
			}
			names, err := p.onDisk()
			if err != nil {
				return err
			}
			if len(names) == 0 {
				return errNoWallet
			}
			for _, n := range names {
				state := "not loaded"
				for _, l := range loaded {
					if l == n {
						state = "loaded"
					}
				}
				fmt.Fprintf(p.out(), "%s (%s)\n", plain.Line(n), state)
			}
			return nil
		}),
	})
}

// oneName wants the name of a wallet, as an argument or with --name.
func oneName(usage string) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		if name := c.Flag("name").Value.String(); len(words) == 0 && name != "" {
			return nil
		}
		return args(1, 1, usage)(c, words)
	}
}

func newWalletLoadCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "load NAME|--name NAME",
		Short: "Load a wallet, now and at every start",
		Args:  oneName("load NAME"),
		RunE: withWallets(func(p *purse, args []string) error {
			r, err := p.client.LoadWallet(p.ctx, p.nameOf(args), new(true))
			done, err := p.printed(err)
			if !done && err == nil {
				fmt.Fprintf(p.out(), "Wallet %s is loaded, now and at every start.\n", r.Name)
				p.warn(r)
			}
			return err
		}),
	})
}

func newWalletUnloadCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "unload NAME|--name NAME",
		Short: "Unload a wallet, and do not load it at every start",
		Args:  oneName("unload NAME"),
		RunE: withWallets(func(p *purse, args []string) error {
			_, err := p.client.UnloadWallet(p.ctx, p.nameOf(args), new(false))
			done, err := p.printed(err)
			if !done && err == nil {
				fmt.Fprintf(p.out(), "Wallet %s is not loaded any more.\n", p.nameOf(args))
			}
			return err
		}),
	})
}

func newWalletInfoCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "info",
		Short: "Show how a wallet stands",
		Args:  cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			if _, err := p.client.GetWalletInfo(p.ctx); err != nil {
				return err
			}
			return cmdkit.PrintResult(p.out(), p.calls.last)
		}),
	})
}

var errNoAmount = errors.New("the amount is in coins, with up to eight decimals, such as 0.1")
