package cmdkit

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"starling/node"
	"starling/node/settings"
)

// AddSomeFlags adds the flags of a few settings.
func AddSomeFlags(fl *pflag.FlagSet, names ...string) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	settings.AddFlags(all, false)
	for _, name := range names {
		fl.AddFlag(all.Lookup(name))
	}
}

// LoadConfig gathers the settings for a command.
func LoadConfig(c *cobra.Command) (*settings.Settings, error) { return LoadConfigWith(c, nil) }

// LoadConfigWith is [LoadConfig] with some settings decided by the command.
func LoadConfigWith(c *cobra.Command, fixed map[string]string) (*settings.Settings, error) {
	cfg, err := settings.Load(c.Flags(), settings.Environ(), fixed, node.Parts())
	if err != nil {
		return nil, UsageError{Err: err}
	}
	waits, _ := c.Flags().GetBool("wait") // for a node that may yet make it
	if !makes(c) && !waits {
		if err := cfg.CheckDataDir(); err != nil {
			return nil, UsageError{Err: err}
		}
	}
	return cfg, nil
}
