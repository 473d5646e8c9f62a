package cli

import (
	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
)

// newHelpCmd returns the command that shows the help of others.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Show what a command does, and its flags",
		RunE: func(c *cobra.Command, args []string) error {
			at := c.Root()
			for i, word := range args {
				sub := subcommand(at, word)
				if sub == nil {
					return cmdkit.NoArgs(at, args[i:])
				}
				at = sub
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}
