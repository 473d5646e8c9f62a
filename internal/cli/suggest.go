package cli

import (
	"github.com/spf13/cobra"
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
					return noArgs(at, args[i:])
				}
				at = sub
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}
