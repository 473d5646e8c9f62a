package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"starling/node"
	"starling/node/settings"
)

// addSomeFlags adds the flags of a few settings.
func addSomeFlags(fl *pflag.FlagSet, names ...string) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	settings.AddFlags(all, false)
	for _, name := range names {
		fl.AddFlag(all.Lookup(name))
	}
}

// loadConfig gathers the settings for a command.
func loadConfig(c *cobra.Command) (*settings.Settings, error) { return loadConfigWith(c, nil) }

// loadConfigWith is loadConfig with some settings decided by the command.
func loadConfigWith(c *cobra.Command, fixed map[string]string) (*settings.Settings, error) {
	cfg, err := settings.Load(c.Flags(), settings.Environ(), fixed, node.Parts())
	if err != nil {
		return nil, usageError{err}
	}
	waits, _ := c.Flags().GetBool("wait") // for a node that may yet make it
	if !makes(c) && !waits {
		if err := cfg.CheckDataDir(); err != nil {
			return nil, usageError{err}
		}
	}
	return cfg, nil
}
