package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"starling/internal/cli/cmdkit"
)

func newVersionCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cmdkit.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintln(c.OutOrStdout(), versionText())
		},
	}
}

// versionText is what version and --version print.
func versionText() string {
	return fmt.Sprintf("starling %s%s %s %s/%s", cmdkit.Version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// revision returns the source revision that the toolchain noted, if any.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			rev = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	if rev == "" {
		return ""
	}
	return " (" + rev + dirty + ")"
}
