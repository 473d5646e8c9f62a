package peercmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
)

// NewInfo returns the command getinfo.
func NewInfo() *cobra.Command {
	var asJSON bool
	c := onNode(&cobra.Command{
		Use:   "getinfo",
		Short: "Say in short how a running node is doing",
		Long: `Say in short how a running node is doing, and what its operator should know: that
it has no peers, or that its clock is wrong.`,
	}, 0, func(ctx context.Context, node *client.Client, _ []string, w io.Writer) error {
		info, err := node.GetNodeInfo(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return cmdkit.WriteJSON(w, info)
		}
		t := cmdkit.NewTable(w)
		t.Row("Software", info.SubVersion)
		t.Row("Network", info.Network)
		t.Row("Blocks", info.Blocks)
		t.Row("Difficulty", float64(info.Difficulty))
		t.Row("Peers", info.Connections)
		t.Row("Known addresses", info.Addresses)
		if err := t.End(); err != nil {
			return err
		}
		for _, warning := range info.Warnings {
			fmt.Fprintln(w, "Warning: "+warning)
		}
		return nil
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
