package peercmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"starling/clock"
	"starling/discover"
	"starling/discover/crawl"
	"starling/internal/cli/cmdkit"
	"starling/transport"
)

// seedAnswer is what a DNS seed has answered, in the form of --json.
type seedAnswer struct {
	Seed      string      `json:"seed"`
	Addresses []string    `json:"addresses"`
	Answering []nodeShown `json:"answering"` // those of them that a node answers at; null if none was asked
	Seconds   float64     `json:"seconds"`
	Error     string      `json:"error,omitempty"`
}

// NewDNS returns the command dns.
func NewDNS() *cobra.Command {
	var names []string
	var asJSON, noDial bool
	c := &cobra.Command{
		Use:   "dns [SEED]...",
		Short: "Ask DNS seeds for nodes, and show those that answer",
		Long: `Ask the DNS seeds of a network, or those that are named, for addresses of nodes,
as a node does that knows none, connect to each, and show the nodes that answer.
No node of one's own has to run. It fails if no node answers; with --no-dial, which
prints all that the seeds tell, if they know none.

  starling dns
  starling dns --network testnet4 --no-dial
  starling dns -dnsseed=seed.example --dns-resolver 127.0.0.1:5353`,
		RunE: func(c *cobra.Command, args []string) error {
			// This command's own flag of that name says which ones.
			cfg, err := cmdkit.LoadConfigWith(c, map[string]string{"dnsseed": "true"})
			if err != nil {
				return err
			}
			seeds := append(names, args...)
			if len(seeds) == 0 {
				seeds = cfg.Server.Network.DNSSeeds
			}
			if len(seeds) == 0 {
				return fmt.Errorf("the network %s has no DNS seeds; name one", cfg.Server.Network.Name)
			}
			if cfg.Resolver == nil {
				return errors.New("no names are looked up here with proxy, so that no DNS server learns of them")
			}
			v, err := newVisitor(c, cfg)
			if err != nil {
				return err
			}
			v.Greet = true
			asker := &seedAsker{cmd: c, resolver: cfg.Resolver, port: cfg.Server.Network.DefaultPort, visitor: v}
			if noDial {
				asker.visitor = nil
			}
			answers, err := asker.ask(seeds, !asJSON)
			if err == nil && asJSON {
				err = cmdkit.WriteJSON(c.OutOrStdout(), answers)
			}
			return cmp.Or(err, asker.failure())
		},
	}
	visitFlags(c)
	cmdkit.AddSomeFlags(c.Flags(), "dns-resolver")
	progressFlag(c)
	c.Flags().StringSliceVar(&names, "dnsseed", nil, "the `NAME` of a seed to ask, as an argument does")
	c.Flags().BoolVar(&noDial, "no-dial", false, "print all addresses that the seeds tell, and connect to none")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// seedAsker asks seeds, and the nodes that they tell of.
type seedAsker struct {
	cmd      *cobra.Command
	resolver discover.Resolver
	port     uint16
	visitor  *crawl.Visitor // nil to ask no nodes

	told, answering int // so far
}

// ask asks all seeds, and prints each answer when it is there, if it is to.
func (k *seedAsker) ask(seeds []string, show bool) ([]seedAnswer, error) {
	ctx := k.cmd.Context()
	answers := make([]seedAnswer, len(seeds))
	for i, seed := range seeds {
		begun := clock.System().Now()
		ips, err := discover.Lookup(ctx, k.resolver, seed)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a := describeSeed(seed, ips, clock.System().Now().Sub(begun), err)
		if k.visitor != nil {
			a.Answering = k.visit(ctx, ips)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		k.told, k.answering = k.told+len(ips), k.answering+len(a.Answering)
		if show {
			k.print(&a)
		}
		answers[i] = a
	}
	return answers, nil
}

// visit returns the nodes that answer at some addresses.
func (k *seedAsker) visit(ctx context.Context, ips []netip.Addr) []nodeShown {
	var starts []ma.Multiaddr
	for _, ip := range ips {
		starts = append(starts, transport.FromAddrPort(netip.AddrPortFrom(ip.Unmap(), k.port)))
	}
	line := newStatusLine(k.cmd)
	r := crawl.Run(ctx, k.visitor, starts, crawl.Options{Progress: line.crawl})
	line.end()
	nodes := []nodeShown{}
	for i := range r.Nodes {
		if n := &r.Nodes[i]; n.Reached {
			nodes = append(nodes, showNode(n, 0))
		}
	}
	return nodes
}

// failure is the error of a command that has found nothing.
func (k *seedAsker) failure() error {
	switch {
	case k.told == 0:
		return errors.New("no DNS seed knows a node")
	case k.visitor != nil && k.answering == 0:
		return errors.New("no node answers of those that the DNS seeds know; --no-dial prints them")
	}
	return nil
}

func describeSeed(seed string, ips []netip.Addr, took time.Duration, err error) seedAnswer {
	a := seedAnswer{Seed: seed, Addresses: []string{}, Seconds: took.Seconds()}
	for _, ip := range ips {
		a.Addresses = append(a.Addresses, ip.Unmap().String())
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

func (k *seedAsker) print(a *seedAnswer) {
	w := k.cmd.OutOrStdout()
	took := latencyText(time.Duration(a.Seconds * float64(time.Second)))
	if a.Error != "" {
		fmt.Fprintf(w, "%s: %s (%s)\n", a.Seed, a.Error, took)
		return
	}
	fmt.Fprintf(w, "%s: %s in %s", a.Seed, cmdkit.Plural(len(a.Addresses), "address"), took)
	if k.visitor == nil {
		fmt.Fprintln(w)
		for _, ip := range a.Addresses {
			fmt.Fprintln(w, "  "+hostPort(ip, k.port))
		}
		return
	}
	fmt.Fprintf(w, ", %d of them answer\n", len(a.Answering))
	for i := range a.Answering {
		n := &a.Answering[i]
		fmt.Fprintf(w, "  %s %s at height %d, %s away\n", n.Address, n.UserAgent, n.Height, away(n))
	}
}
