package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
	"starling/node/settings"
)

func newConfigCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Look at the settings",
		Args:  cmdkit.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	show := &cobra.Command{
		Use:   "show",
		Short: "Print the settings that a node would run with",
		Long: `Print the settings that a node would run with, in the form of the
configuration file. A flag is stronger than an environment variable, which is
stronger than the file, which is stronger than the default; --origin tells
which of them each value comes from. Defaults are commented out, so that a node with
a copy of the file still follows them when they change. A password is not shown: a
copy of the file has neither it nor the user.

  starling config show --origin
  starling config show --network regtest > regtest.toml`,
		Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := cmdkit.LoadConfig(c)
			if err != nil {
				return err
			}
			origin, _ := c.Flags().GetBool("origin")
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 2, ' ', 0)
			for _, s := range cfg.Settings() {
				line := s.Name + " = " + s.Value
				if s.Hidden != "" {
					line = "# " + s.Name + " " + s.Hidden
				}
				switch {
				case origin:
					fmt.Fprintf(w, "%s\t# %s\n", line, s.Origin)
				case s.Name == "config":
					// The file can not say where it is itself.
				default:
					if s.Hidden == "" && cfg.IsDefault(s.Name) {
						line = "#" + line
					}
					fmt.Fprintf(w, "# %s\n%s\n\n", strings.ToUpper(s.Help[:1])+s.Help[1:], line)
				}
			}
			return w.Flush()
		},
	}
	settings.AddFlags(show.Flags(), false)
	show.Flags().Bool("origin", false, "tell where each value comes from")
	show.Flags().SortFlags = false
	c.AddCommand(cmdkit.MakesData(show)) // it looks at nothing else
	return c
}
