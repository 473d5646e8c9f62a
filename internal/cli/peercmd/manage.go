package peercmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"starling/client"
	"starling/clock"
	"starling/internal/cli/cmdkit"
	"starling/internal/layered"
	"starling/node/attach"
	"starling/node/settings"
)

// call is what a command does with a running node.
type call func(ctx context.Context, node *client.Client, args []string, w io.Writer) error

// onNode returns a command that calls a running node with the given number of
// arguments.
func onNode(c *cobra.Command, args int, do call) *cobra.Command {
	c.Args = exactly(args)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := cmdkit.LoadConfig(c)
		if err != nil {
			return err
		}
		return attach.Explain(cfg, do(c.Context(), cmdkit.Client(attach.Client(cfg)), args, c.OutOrStdout()))
	}
	settings.AddFlags(c.Flags(), true)
	c.Flags().SortFlags = false
	return c
}

// exactly refuses another number of arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case n == 0:
			return cmdkit.NoArgs(c, args)
		case len(args) != n:
			return cmdkit.UsageError{Err: fmt.Errorf("usage: %s", c.UseLine())}
		}
		return nil
	}
}

func newPeersAdd() *cobra.Command {
	var once bool
	c := onNode(&cobra.Command{
		Use:   "add HOST:PORT",
		Short: "Connect to a peer, now and whenever the link ends",
		Long: `Have the node connect to a peer, now and whenever the link ends, until it is
removed or the node restarts. --addnode does so at every start.`,
	}, 1, func(ctx context.Context, node *client.Client, args []string, w io.Writer) error {
		command, text := "add", "Will be connected to: "
		if once {
			command, text = "onetry", "Is tried once: "
		}
		if err := node.AddNode(ctx, args[0], command); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, text+args[0])
		return err
	})
	c.Flags().BoolVar(&once, "once", false, "try only once")
	return c
}

func newPeersRemove() *cobra.Command {
	return onNode(&cobra.Command{
		Use:   "remove HOST:PORT",
		Short: "Connect no more to a peer that was added; a link that stands is kept",
	}, 1, func(ctx context.Context, node *client.Client, args []string, w io.Writer) error {
		if err := node.AddNode(ctx, args[0], "remove"); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, "Removed: "+args[0])
		return err
	})
}

func newPeersDisconnect() *cobra.Command {
	return onNode(&cobra.Command{
		Use:   "disconnect HOST[:PORT]|ID",
		Short: "End the connection to a peer, given by its address or its number, or all of a host",
	}, 1, func(ctx context.Context, node *client.Client, args []string, w io.Writer) error {
		if host, err := netip.ParseAddr(strings.Trim(args[0], "[]")); err == nil {
			return disconnectHost(ctx, node, host, w)
		}
		var err error
		if id, bad := strconv.ParseUint(args[0], 10, 64); bad == nil {
			err = node.DisconnectNodeByID(ctx, id)
		} else {
			err = node.DisconnectNode(ctx, args[0])
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, "Disconnected: "+args[0])
		return err
	})
}

// disconnectHost ends all connections with a host.
func disconnectHost(ctx context.Context, node *client.Client, host netip.Addr, w io.Writer) error {
	peers, err := node.GetPeerInfo(ctx)
	if err != nil {
		return err
	}
	ended := 0
	for _, p := range peers {
		if at, err := netip.ParseAddrPort(p.Addr); err != nil || at.Addr().Unmap() != host.Unmap() {
			continue
		}
		if err := node.DisconnectNodeByID(ctx, p.ID); err != nil {
			return err
		}
		ended++
	}
	if ended == 0 {
		return fmt.Errorf("no peer is connected at %v", host)
	}
	_, err = fmt.Fprintf(w, "Disconnected: %v (%s)\n", host, cmdkit.Plural(ended, "connection"))
	return err
}

// banned returns what to ban or to ban no more, which is a host even if its port is
// given, and what to call it.
func banned(word string) (subnet, text string) {
	if at, err := netip.ParseAddrPort(word); err == nil {
		host := at.Addr().Unmap().String()
		return host, host + " (the host, at any port)"
	}
	subnet = strings.Trim(word, "[]")
	return subnet, subnet
}

func newPeersBan() *cobra.Command {
	var long time.Duration
	var c *cobra.Command
	c = onNode(&cobra.Command{
		Use:   "ban IP[:PORT]|SUBNET",
		Short: "Ban an address or a subnet, and end its connections",
		Long: `Ban an address or a subnet, and end the connections to it. The ban outlives
restarts, and is of the whole host: a port is passed over.

  starling peers ban 192.0.2.7
  starling peers ban 192.0.2.0/24 --for 48h`,
	}, 1, func(ctx context.Context, node *client.Client, args []string, w io.Writer) error {
		if long < time.Second && c.Flags().Changed("for") {
			return cmdkit.UsageError{Err: errors.New("--for is the time of the ban, a second at least")}
		}
		subnet, text := banned(args[0])
		if err := node.SetBan(ctx, subnet, "add", &client.BanOptions{Time: int64(long / time.Second)}); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, "Banned: "+text)
		return err
	})
	layered.DurationFlag(c.Flags(), &long, "for", 0, "for how long, a `TIME` such as 2d; a day unless the node is set otherwise")
	return c
}

func newPeersUnban() *cobra.Command {
	var all bool
	c := onNode(&cobra.Command{
		Use:   "unban IP[:PORT]|SUBNET",
		Short: "Lift a ban, or all of them with --all",
	}, 0, func(ctx context.Context, node *client.Client, args []string, w io.Writer) error {
		text := "All bans are lifted"
		err := error(nil)
		if all {
			err = node.ClearBanned(ctx)
		} else {
			var subnet string
			subnet, text = banned(args[0])
			text = "Banned no more: " + text
			err = node.SetBan(ctx, subnet, "remove", nil)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, text)
		return err
	})
	c.Args = func(c *cobra.Command, args []string) error {
		if all {
			return exactly(0)(c, args)
		}
		return exactly(1)(c, args)
	}
	c.Flags().BoolVar(&all, "all", false, "lift all bans")
	return c
}

func newPeersBans() *cobra.Command {
	var asJSON bool
	c := onNode(&cobra.Command{
		Use:   "bans",
		Short: "List the bans",
	}, 0, func(ctx context.Context, node *client.Client, _ []string, w io.Writer) error {
		bans, err := node.ListBanned(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return cmdkit.WriteJSON(w, bans)
		}
		t := cmdkit.NewTable(w, "SUBNET", "SINCE", "UNTIL", "LEFT")
		for _, b := range bans {
			t.Row(b.Address, dateText(b.Created), dateText(b.Until), time.Duration(b.Remaining)*time.Second)
		}
		return t.End()
	})
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// dateText writes a time as people read it.
func dateText(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05Z") }

// allNetworks names what getaddrmaninfo tells of all networks together.
const allNetworks = "all_networks"

func newPeersAddresses() *cobra.Command {
	var asJSON bool
	var network string
	var count int
	c := onNode(&cobra.Command{
		Use:   "addresses",
		Short: "Show what the node knows of other nodes' addresses",
		Long: `Show addresses of other nodes from the address book, and how many there are of
each network. They are chosen by chance; those that are hardly worth a try, and
those that are banned, are left out.`,
	}, 0, func(ctx context.Context, node *client.Client, _ []string, w io.Writer) error {
		list, err := node.GetNodeAddresses(ctx, count, network)
		if err != nil {
			return err
		}
		if asJSON {
			return cmdkit.WriteJSON(w, list)
		}
		counts, err := node.GetAddrManInfo(ctx)
		if err != nil {
			return err
		}
		now := clock.System().Now()
		t := cmdkit.NewTable(w, "ADDRESS", "NETWORK", "SERVICES", "SEEN")
		for _, a := range list {
			t.Row(hostPort(a.Address, a.Port), a.Network, servicesText(a.Services), seenText(now, a.Time))
		}
		if err := t.End(); err != nil {
			return err
		}
		for _, e := range counts {
			// The entry of all of them is no network.
			if e.Value.Total > 0 && e.Name != allNetworks && (network == "" || e.Name == network) {
				fmt.Fprintf(w, "%s: %d that others told of, %d where a node has answered\n", e.Name, e.Value.New, e.Value.Tried)
			}
		}
		return nil
	})
	c.Flags().StringVar(&network, "of", "", "only those of a `NETWORK`: ipv4, ipv6, onion, i2p or cjdns")
	c.Flags().IntVar(&count, "count", 0, "how many at most; 0 for all")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
