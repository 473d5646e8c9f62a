package nodecmd

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"starling/internal/cli/cmdkit"
	"starling/node"
	"starling/node/settings"
)

// AddYesFlag adds the flag that answers what a command would ask.
func AddYesFlag(c *cobra.Command) *cobra.Command {
	c.Flags().Bool("yes", false, "do not ask before a pruned node is reindexed")
	return c
}

// ConfirmReindex asks before the blocks that a pruned node has are given up,
// since the whole chain must then come from others again.
func ConfirmReindex(c *cobra.Command, cfg *settings.Settings) error {
	if yes, _ := c.Flags().GetBool("yes"); yes || !cfg.Server.Reindex {
		return nil
	}
	pruned, err := node.Pruned(cfg.Server.Dir)
	if err != nil || !pruned {
		return err
	}
	about := fmt.Sprintf("the node in %s is pruned: to rebuild it, the whole chain must be fetched from other nodes again", cfg.Server.Dir)
	in, ok := c.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return cmdkit.UsageError{Err: errors.New(about + "; --yes does so")}
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s. Go on? [y/N] ", strings.ToUpper(about[:1])+about[1:])
	answer, err := bufio.NewReader(cmdkit.Stdin(c)).ReadString('\n')
	if err != nil {
		fmt.Fprintln(c.ErrOrStderr())
	}
	switch word := strings.ToLower(strings.TrimSpace(answer)); {
	case c.Context().Err() != nil:
		return c.Context().Err()
	case word == "y" || word == "yes":
		return nil
	default:
		return errors.New("nothing was done")
	}
}
