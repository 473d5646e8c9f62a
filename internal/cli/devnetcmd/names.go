package devnetcmd

import (
	"context"

	"github.com/spf13/cobra"

	"starling/devnet"
	"starling/internal/plain"
)

// NodeNames are the names of the nodes of the network that runs, for a command
// that may say by --state where it is; none if there is no such network.
func NodeNames(ctx context.Context, c *cobra.Command) []string {
	f := devnetFlags{}
	f.state, _ = c.Flags().GetString("state")
	client, err := devnet.Dial(f.control())
	if err != nil {
		return nil
	}
	r, err := client.Do(ctx, "status", devnet.Request{})
	if err != nil || r.Status == nil {
		return nil
	}
	var names []string
	for _, n := range r.Status.Nodes {
		names = append(names, plain.Line(n.Name))
	}
	return names
}
