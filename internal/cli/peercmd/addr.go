package peercmd

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"starling/addrmgr/netaddr"
	"starling/clock"
	"starling/internal/cli/cmdkit"
	"starling/transport"
	"starling/wire"
)

// addrAnswer is what a node has told, in the form of --json.
type addrAnswer struct {
	Node      nodeShown   `json:"node"`
	Addresses []addrShown `json:"addresses"`
}

type addrShown struct {
	Address  string `json:"address"`
	Network  string `json:"network"`
	Services uint64 `json:"services"`
	Seen     int64  `json:"time"`
}

// NewAddr returns the command addr.
func NewAddr() *cobra.Command {
	var announce string
	var asJSON bool
	c := &cobra.Command{
		Use:   "addr HOST:PORT",
		Short: "Ask a node which other nodes it knows",
		Long: `Connect to a node, ask it for addresses of others, and print them. No node of
one's own has to run. With --announce the node is told of an address first.

  starling addr 192.0.2.7
  starling addr 127.0.0.1:9000 --network demo --announce 192.0.2.8:9000`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := cmdkit.LoadConfig(c)
			if err != nil {
				return err
			}
			v, err := newVisitor(c, cfg)
			if err != nil {
				return err
			}
			nodes, err := parseNodes(cfg, args)
			if err != nil {
				return err
			}
			if announce != "" {
				m, err := parseNodes(cfg, []string{announce})
				if err != nil {
					return err
				}
				own, ok := netaddr.FromMultiaddr(m[0])
				if !ok {
					return cmdkit.UsageError{Err: fmt.Errorf("%s is not the address of a node", announce)}
				}
				v.Announce, v.Services = own, wire.NodeNetwork|wire.NodeWitness
			}
			line := newStatusLine(c)
			line.show(0, fmt.Sprintf("asking %s, for %v at most", transport.FormatAddr(nodes[0]), v.Timeout))
			n := v.Visit(c.Context(), nodes[0])
			line.end()
			switch {
			case c.Context().Err() != nil:
				return c.Context().Err()
			case !n.Reached:
				return errors.New(transport.FormatAddr(nodes[0]) + ": " + n.Reason)
			}
			a := addrAnswer{Node: showNode(&n, len(n.Known)), Addresses: []addrShown{}}
			for _, k := range n.Known {
				a.Addresses = append(a.Addresses, addrShown{k.Addr.String(), k.Addr.Network().String(), uint64(k.Services), k.Seen.Unix()})
			}
			if asJSON {
				return cmdkit.WriteJSON(c.OutOrStdout(), a)
			}
			return printAddrs(c, &a, v.Timeout)
		},
	}
	visitFlags(c)
	progressFlag(c)
	c.Flags().StringVar(&announce, "announce", "", "tell the node of this `HOST:PORT`")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printAddrs(c *cobra.Command, a *addrAnswer, patience time.Duration) error {
	w := c.OutOrStdout()
	told := "told " + cmdkit.Plural(len(a.Addresses), "address")
	if len(a.Addresses) == 0 {
		told += fmt.Sprintf(" within %v: it knows none, or keeps them to itself", patience)
	}
	fmt.Fprintf(w, "%s %s at height %d, %s away, %s\n", a.Node.Address, a.Node.UserAgent, a.Node.Height, away(&a.Node), told)
	if len(a.Addresses) == 0 {
		return nil
	}
	now := clock.System().Now()
	t := cmdkit.NewTable(w, "ADDRESS", "NETWORK", "SERVICES", "SEEN")
	for _, k := range a.Addresses {
		t.Row(k.Address, k.Network, servicesText(k.Services), seenText(now, k.Seen))
	}
	return t.End()
}
