package walletcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"starling/internal/cli/cmdkit"
)

// Secrets are typed at the terminal without being shown, or come from a file
// or from the standard input; never from the command line, which others can
// see and shells remember.

// addSecretFlag adds the flag that names the file with a secret.
func addSecretFlag(c *cobra.Command, name, what string) {
	c.Flags().String(name, "", "read "+what+" from this `FILE`, or - for a line of the standard input")
}

// secret reads a secret: from the file that a flag names, from the terminal,
// or from a line of the standard input. With twice set it is typed twice.
func (p *purse) secret(flag, what string, twice bool) (string, error) {
	if path := p.text(flag); path != "" && path != "-" {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", cmdkit.UsageError{Err: fmt.Errorf("%s: there is no file %s", flag, path)}
		}
		if err != nil {
			return "", err
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return nonEmpty(strings.TrimSuffix(line, "\r"), what)
	}
	in := p.terminal()
	if in == nil {
		line, err := p.line()
		if err != nil {
			return "", err
		}
		return nonEmpty(line, what)
	}
	s, err := p.typed(in, what+": ")
	if err != nil {
		return "", err
	}
	if twice {
		again, err := p.typed(in, what+" again: ")
		if err != nil {
			return "", err
		}
		if s != again {
			return "", errors.New("the two differ; nothing was changed")
		}
	}
	return nonEmpty(s, what)
}

// terminal returns the standard input if it is a terminal, at which somebody
// can be asked; otherwise nil.
func (p *purse) terminal() *os.File {
	in, ok := p.cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return in
}

// typed reads a line from the terminal without showing it.
func (p *purse) typed(in *os.File, prompt string) (string, error) {
	fmt.Fprint(p.cmd.ErrOrStderr(), prompt)
	s, err := cmdkit.ReadHidden(p.cmd.Context(), in)
	fmt.Fprintln(p.cmd.ErrOrStderr())
	return s, err
}

// line reads the next line of the standard input.
func (p *purse) line() (string, error) {
	if p.stdin == nil {
		p.stdin = bufio.NewReader(cmdkit.Stdin(p.cmd))
	}
	s, err := p.stdin.ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimRight(s, "\r\n"), err
}

func nonEmpty(s, what string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", fmt.Errorf("no %s was given; type it, or use a file", what)
	}
	return s, nil
}

// rest reads all of the standard input.
func (p *purse) rest() (string, error) {
	b, err := io.ReadAll(cmdkit.Stdin(p.cmd))
	return string(b), err
}

// addUnlockFlag adds the flag that unlocks an encrypted wallet for one command.
func addUnlockFlag(c *cobra.Command) *cobra.Command {
	addSecretFlag(c, "passphrase-file", "the passphrase of an encrypted wallet, to unlock it for this command,")
	return c
}

// unlocked runs fn with the wallet unlocked, if the flag asks for it. Without
// the flag, fn is tried first, and whoever sits at a terminal is asked for the
// passphrase only if that shows that it is needed. A wallet that was locked
// before is locked afterwards.
func (p *purse) unlocked(fn func() error) error {
	if p.text("passphrase-file") == "" {
		if err := fn(); !errors.Is(err, errWalletLocked) || p.terminal() == nil {
			return err
		}
	}
	info, err := p.client.GetWalletInfo(p.ctx)
	if err != nil {
		return err
	}
	if info.UnlockedUntil != nil && *info.UnlockedUntil > 0 {
		return fn()
	}
	pass, err := p.secret("passphrase-file", "passphrase", false)
	if err != nil {
		return err
	}
	const longEnough = 10 * time.Minute
	err = p.client.WalletPassphrase(p.ctx, pass, longEnough)
	if err != nil && p.ctx.Err() == nil {
		return err
	}
	if err == nil {
		err = fn()
	}
	return errors.Join(err, p.lockAgain())
}

// lockPatience is how long an interrupted command still waits for the node to lock
// the wallet.
const lockPatience = 5 * time.Second

// lockAgain locks the wallet, also when the command has been interrupted: a node
// that goes on running would leave it open.
func (p *purse) lockAgain() error {
	ctx := context.WithoutCancel(p.ctx)
	if p.ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lockPatience)
		defer cancel()
	}
	return p.client.WalletLock(ctx)
}
