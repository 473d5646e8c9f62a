package peercmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/internal/cli/cmdkit"
	"starling/internal/plain"
	"starling/node/attach"
	"starling/node/settings"
)

// NewPeers returns the command peers.
func NewPeers() *cobra.Command {
	c := &cobra.Command{
		Use:   "peers",
		Short: "Show and choose the peers of a running node",
		Long: `Show the peers of a running node, or the messages that pass between them, and
choose whom it connects to.

  starling peers               who is connected now
  starling peers --watch       the same, again and again
  starling peers --messages    every message as it passes

  starling peers add 192.0.2.7:8333
  starling peers ban 192.0.2.0/24 --for 48h

TYPE says who opened the connection and for what; VIA is how messages travel (v1
plain, v2 encrypted); PING the shortest answer so far; HEADERS and BLOCKS how far
this node knows the peer's chain and has it in common; ASKED the blocks that it was
asked for and owes; RECEIVED and SENT the bytes, FOR the time since it connected.

Below the peers stand the nodes that were asked for (--connect, --addnode, the
seeds of a network of your own) and cannot be reached, and why.`,
		Args: cmdkit.NoArgs,
		RunE: listPeers,
	}
	listFlags(c)
	c.AddCommand(newPeersList(), newPeersAdd(), newPeersRemove(), newPeersDisconnect(), newPeersBan(), newPeersUnban(), newPeersBans(), newPeersAddresses())
	return c
}

// newPeersList returns what peers does by itself, under a name.
func newPeersList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "Show who is connected, and who cannot be reached", Args: cmdkit.NoArgs, RunE: listPeers}
	listFlags(c)
	return c
}

func listFlags(c *cobra.Command) {
	settings.AddFlags(c.Flags(), true)
	c.Flags().SortFlags = false
	c.Flags().String("address", "", "only peers at this address, with or without a port")
	c.Flags().Bool("watch", false, "show them again every second")
	c.Flags().Bool("messages", false, "show the messages as they pass")
	c.Flags().Bool("json", false, "print JSON")
}

func listPeers(c *cobra.Command, _ []string) error {
	cfg, err := cmdkit.LoadConfig(c)
	if err != nil {
		return err
	}
	node, ctx, w := cmdkit.Client(attach.Client(cfg)), c.Context(), c.OutOrStdout()
	address, _ := c.Flags().GetString("address")
	messages, _ := c.Flags().GetBool("messages")
	watch, _ := c.Flags().GetBool("watch")
	asJSON, _ := c.Flags().GetBool("json")
	switch {
	case messages && address != "":
		return cmdkit.UsageError{Err: errors.New("--messages shows those of all peers; it cannot go with --address")}
	case asJSON && watch:
		return cmdkit.UsageError{Err: errors.New("--json shows the peers once; it cannot go with --watch")}
	case messages:
		err = quiet(ctx, watchMessages(ctx, node, w))
	case watch:
		err = quiet(ctx, watchPeers(ctx, node, w, address))
	default:
		err = showPeers(ctx, node, w, address, asJSON)
	}
	return attach.Explain(cfg, err)
}

// quiet makes nothing of an error that comes from being interrupted.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// watchEvery is how often --watch looks.
const watchEvery = time.Second

// clearScreen takes a terminal's cursor home and removes what is below it.
const clearScreen = "\x1b[H\x1b[J"

func watchPeers(ctx context.Context, node *client.Client, w io.Writer, address string) error {
	for {
		var page bytes.Buffer
		if err := showPeers(ctx, node, &page, address, false); err != nil {
			return err
		}
		fmt.Fprint(cmdkit.Terminal(w), clearScreen)
		if _, err := w.Write(page.Bytes()); err != nil {
			return err
		}
		if err := cmdkit.Pause(ctx, watchEvery); err != nil {
			return err
		}
	}
}

// bytesText writes a number of bytes with three digits.
func bytesText(n uint64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if v < 1000 {
			break
		}
		v, unit = v/1000, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

// messagesPatience is how long one call waits for messages.
const messagesPatience = 20 * time.Second

func watchMessages(ctx context.Context, node *client.Client, w io.Writer) error {
	var after *uint64
	var last uint64
	for {
		r, err := node.GetPeerMessages(ctx, after, messagesPatience)
		if err != nil {
			return err
		}
		after = &r.Last
		for _, m := range r.Messages {
			if last > 0 && m.Seq > last+1 {
				fmt.Fprintf(w, "… %d more\n", m.Seq-last-1)
			}
			last = m.Seq
			arrow := "<-"
			if m.Dir == "out" {
				arrow = "->"
			}
			fmt.Fprintf(w, "%s  peer %-4d %s %-12s %9d B  %s\n", time.UnixMicro(m.Time).UTC().Format("15:04:05.000000"), m.Peer, arrow, plain.Line(m.Command), m.Size, plain.Line(m.Addr))
		}
	}
}
