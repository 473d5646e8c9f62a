package walletcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/internal/layered"
	"starling/node/attach"
	"starling/rpc/rpctypes"
)

func newWalletAddressCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "address",
		Short: "Get a new address for somebody to pay to",
		Long: `Get a new address for somebody to pay to. Use a fresh one for each payment: who
sees two payments to one address knows that they belong together.

  starling wallet address
  starling wallet address --label rent --type bech32m`,
		Args: cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			to, err := p.client.GetNewAddress(p.ctx, p.text("label"), p.text("type"))
			done, err := p.printed(err)
			if !done && err == nil {
				fmt.Fprintln(p.out(), to)
			}
			return err
		}),
	})
	c.Flags().String("label", "", "what it is for, a `TEXT`")
	c.Flags().String("type", "", "the `KIND`: bech32, bech32m (taproot), p2sh-segwit or legacy (default bech32)")
	return c
}

func newWalletAddressesCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "addresses",
		Short: "List the addresses that were given out, and what was paid to each",
		Args:  cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			const withUnused, unconfirmed = true, int32(0)
			all, err := p.client.ListReceivedByAddress(p.ctx, withUnused, "", &client.ReceivedOptions{MinConf: new(unconfirmed)})
			if done, err := p.printed(err); done || err != nil {
				return err
			}
			t := cmdkit.NewTable(p.out(), "ADDRESS", "RECEIVED", "LABEL")
			for _, a := range all {
				t.Row(a.Address, a.Amount, a.Label)
			}
			return t.End()
		}),
	})
}

func newWalletLabelCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "label ADDRESS TEXT",
		Short: "Say what an address is for",
		Args:  args(2, 2, "label ADDRESS TEXT"),
		RunE: withWallet(func(p *purse, args []string) error {
			return p.client.SetLabel(p.ctx, args[0], args[1])
		}),
	})
}

func newWalletPhraseCmd() *cobra.Command {
	return addUnlockFlag(walletCmd(&cobra.Command{
		Use:   "phrase",
		Short: "Show the seed phrase (mnemonic)",
		Long: `Show the seed phrase. Whoever sees it can spend all that the wallet has; make sure
that nobody looks over your shoulder.`,
		Args: cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			var r rpctypes.Mnemonic
			done := false
			err := p.unlocked(func() (err error) {
				r, err = p.client.GetWalletMnemonic(p.ctx)
				done, err = p.printed(err)
				return err
			})
			if done || err != nil {
				return err
			}
			fmt.Fprintln(p.out(), r.Mnemonic)
			if r.Extra {
				p.note("It restores the wallet only together with the extra passphrase that it was made with.")
			}
			return nil
		}),
	}))
}

// descriptorLine is what export prints and import reads.
type descriptorLine struct {
	Desc      string `json:"desc"`
	Timestamp any    `json:"timestamp"`
	Active    bool   `json:"active"`
	Internal  *bool  `json:"internal,omitempty"`
	Range     any    `json:"range,omitempty"` // the last index, or the first and the last
	NextIndex *int32 `json:"next_index,omitempty"`
}

// descriptorLines leaves out what other programs do not read.
func descriptorLines(all []rpctypes.WalletDescriptor) []descriptorLine {
	lines := make([]descriptorLine, len(all))
	for i, d := range all {
		lines[i] = descriptorLine{Desc: d.Desc, Timestamp: d.Timestamp, Active: d.Active, Internal: d.Internal, NextIndex: d.NextIndex}
		if d.Range != nil {
			lines[i].Range = *d.Range
		}
	}
	return lines
}

func newWalletExportCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "export",
		Short: "Print the wallet's descriptors, for other programs",
		Long: `Print the wallet's descriptors as JSON: what "starling wallet import", the method
importdescriptors of any node, and other wallets read. Without --private they
only let others watch.

  starling wallet export > watch.json
  starling wallet import watch.json --name watcher`,
		Args: cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			var r rpctypes.WalletDescriptors
			err := p.unlocked(func() (err error) {
				r, err = p.client.ListDescriptors(p.ctx, p.on("private"))
				return err
			})
			if err != nil {
				return err
			}
			raw, err := json.Marshal(descriptorLines(r.Descriptors))
			if err != nil {
				return err
			}
			return printJSON(p.out(), raw)
		}),
	})
	c.Flags().Bool("private", false, "with private keys: whoever reads them can spend")
	return addUnlockFlag(c)
}

func newWalletImportCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "import FILE|DESCRIPTOR",
		Short: "Add descriptors, and look for payments to them",
		Long: `Add descriptors from a file, or - for the standard input, or one that stands on
the command line. A file may hold what export printed, or what the method
listdescriptors of any node answered. The chain is read for payments since the
time in the file, or since --birthday.

  starling wallet import watch.json --name watcher
  starling wallet import "wpkh(xpub…/0/*)#checksum" --birthday 2024-03-01`,
		Args: args(1, 1, "import FILE|DESCRIPTOR"),
		RunE: withWallet(walletImport),
	})
	c.Flags().String("birthday", "", "the `TIME` of the first payment at the earliest, as restore takes it (default any time)")
	c.Flags().Bool("active", false, "take new addresses from a descriptor of the command line")
	return c
}

func walletImport(p *purse, args []string) error {
	list, err := p.readDescriptors(args[0])
	if err != nil {
		return err
	}
	if s := p.text("birthday"); s != "" {
		t, err := birthday(s)
		if err != nil {
			return err
		}
		for i := range list {
			list[i].Timestamp = t
		}
	}
	// The lines go to the node as they are: some of what files hold, such as a
	// range of one number, [client.Import] has no place for.
	var results []rpctypes.ImportResult
	err = p.client.CallNamed(p.ctx, "importdescriptors", &results, struct {
		List []descriptorLine `json:"requests"`
	}{list})
	done, err := p.printed(err)
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.Error != nil {
			return fmt.Errorf("descriptor %d was not added: %s", i+1, r.Error.Message)
		}
	}
	if done {
		return nil
	}
	fmt.Fprintf(p.out(), "%s added\n", cmdkit.Plural(len(results), "descriptor"))
	return nil
}

func newWalletBackupCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "backup FILE",
		Short: "Write a copy of the wallet's file",
		Long: `Write a copy of the wallet's file, with its labels and history. "starling wallet
restore --backup FILE" makes a wallet of it. If the wallet is encrypted, so is
the copy.`,
		Args: args(1, 1, "backup FILE"),
		RunE: withWallet(func(p *purse, args []string) error {
			path, err := absolute(args[0])
			if err != nil {
				return err
			}
			return p.client.BackupWallet(p.ctx, path)
		}),
	})
}

// absolute makes a path one that the node, which may run elsewhere, reads in
// the same way.
func absolute(path string) (string, error) { return filepath.Abs(path) }

func newWalletEncryptCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "encrypt",
		Short: "Protect the wallet's file with a passphrase",
		Long: `Protect the wallet's file with a passphrase. From then on the wallet is locked:
it receives and shows what it has, and spends only after unlock. Without the
passphrase nobody can spend, but whoever has the seed phrase.`,
		Args: cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			pass, err := p.secret("passphrase-file", "passphrase", true)
			if err != nil {
				return err
			}
			if _, err := p.client.EncryptWallet(p.ctx, pass); err != nil {
				return err
			}
			p.note("Wallet %s is encrypted and locked.", p.name)
			return nil
		}),
	})
	addSecretFlag(c, "passphrase-file", "the passphrase")
	return c
}

func newWalletUnlockCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "unlock",
		Short: "Unlock an encrypted wallet for a while",
		Long: `Unlock an encrypted wallet, so that it can sign, for a while. The node must run:
it keeps the key in memory.

  starling wallet unlock --for 5m`,
		Args: cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			if _, local := p.node.(*attach.Local); local {
				return errors.New("the node does not run, so that nothing would stay unlocked; start it, or give --passphrase-file to the command that pays")
			}
			d := layered.DurationOf(p.cmd.Flag("for"))
			if d < time.Second {
				return cmdkit.UsageError{Err: fmt.Errorf("for: %v is less than a second", d)}
			}
			pass, err := p.secret("passphrase-file", "passphrase", false)
			if err != nil {
				return err
			}
			return p.client.WalletPassphrase(p.ctx, pass, d)
		}),
	})
	layered.DurationFlag(c.Flags(), new(time.Duration), "for", time.Minute, "for how long, a `TIME` such as 5m")
	addSecretFlag(c, "passphrase-file", "the passphrase")
	return c
}

func newWalletLockCmd() *cobra.Command {
	return walletCmd(&cobra.Command{
		Use:   "lock",
		Short: "Lock an encrypted wallet",
		Args:  cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			return p.client.WalletLock(p.ctx)
		}),
	})
}

func newWalletPassphraseCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "passphrase",
		Short: "Change the passphrase of an encrypted wallet",
		Args:  cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			old, err := p.secret("passphrase-file", "present passphrase", false)
			if err != nil {
				return err
			}
			pass, err := p.secret("new-passphrase-file", "new passphrase", true)
			if err != nil {
				return err
			}
			return p.client.WalletPassphraseChange(p.ctx, old, pass)
		}),
	})
	addSecretFlag(c, "passphrase-file", "the present passphrase")
	addSecretFlag(c, "new-passphrase-file", "the new passphrase")
	return c
}

func newWalletRescanCmd() *cobra.Command {
	c := walletCmd(&cobra.Command{
		Use:   "rescan",
		Short: "Read the chain again for the wallet's payments",
		Args:  cmdkit.NoArgs,
		RunE: withWallet(func(p *purse, _ []string) error {
			from, _ := p.cmd.Flags().GetInt32("from")
			var to *int32
			if p.cmd.Flags().Changed("to") {
				height, _ := p.cmd.Flags().GetInt32("to")
				to = &height
			}
			r, err := p.client.RescanBlockchain(p.ctx, from, to)
			done, err := p.printed(err)
			if !done && err == nil {
				fmt.Fprintf(p.out(), "Blocks %d to %d were read.\n", r.Start, r.Stop)
			}
			return err
		}),
	})
	c.Flags().Int32("from", 0, "the `HEIGHT` to begin at")
	c.Flags().Int32("to", 0, "the `HEIGHT` to end at (default the newest block)")
	return c
}

func newWalletSignMessageCmd() *cobra.Command {
	return addUnlockFlag(walletCmd(&cobra.Command{
		Use:   "sign-message ADDRESS TEXT",
		Short: "Sign a text with the key of an address",
		Long: `Sign a text with the key of an address of the kind legacy; "starling rpc
verifymessage" checks such signatures.`,
		Args: args(2, 2, "sign-message ADDRESS TEXT"),
		RunE: withWallet(func(p *purse, args []string) error {
			var sig string
			done := false
			err := p.unlocked(func() (err error) {
				sig, err = p.client.SignMessage(p.ctx, args[0], args[1])
				done, err = p.printed(err)
				return err
			})
			if !done && err == nil {
				fmt.Fprintln(p.out(), sig)
			}
			return err
		}),
	}))
}
