package peercmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"starling/clock"
	"starling/discover/crawl"
	"starling/internal/cli/cmdkit"
	"starling/transport"
)

// crawlShown is what a crawl has found, in the form of --json.
type crawlShown struct {
	Nodes    []nodeShown `json:"nodes"`
	Reached  int         `json:"reached"`
	Failed   int         `json:"not_reached"`
	Left     int         `json:"not_visited"` // because the crawl was interrupted
	More     bool        `json:"more_than_max_nodes"`
	Duration float64     `json:"seconds"`
}

type nodeShown struct {
	Address   string  `json:"address"`
	Reached   bool    `json:"reached"`
	Reason    string  `json:"reason,omitempty"` // why not
	Version   int32   `json:"version"`
	UserAgent string  `json:"user_agent"`
	Services  uint64  `json:"services"`
	Height    int32   `json:"height"`
	Latency   float64 `json:"latency_seconds"`
	Transport string  `json:"transport"`
	Knows     int     `json:"addresses_told"`
}

func showNode(n *crawl.Node, knows int) nodeShown {
	return nodeShown{
		Address: transport.FormatAddr(n.Addr), Reached: n.Reached, Reason: n.Reason, Version: n.Version, UserAgent: n.Agent,
		Services: uint64(n.Services), Height: n.Height, Latency: n.Latency.Seconds(), Transport: n.Protocol, Knows: knows,
	}
}

// NewCrawl returns the command crawl.
func NewCrawl() *cobra.Command {
	var opts crawl.Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "crawl HOST:PORT...",
		Short: "Walk a network from node to node, and show who is there",
		Long: `Walk a network: connect to the nodes that are named, ask each for the addresses
that it knows, go on to those, and show who was found. No node of one's own has
to run. Each host is visited once. Interrupted, it shows what it has.

  starling crawl 127.0.0.1:9000 --network demo
  starling crawl seed.bitcoin.sipa.be --max-nodes 500 --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmdkit.UsageError{Err: fmt.Errorf("usage: %s", c.UseLine())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := cmdkit.LoadConfig(c)
			if err != nil {
				return err
			}
			v, err := newVisitor(c, cfg)
			if err != nil {
				return err
			}
			if opts.Workers < 1 || opts.Workers > maxWorkers || opts.MaxNodes < 1 {
				return cmdkit.UsageError{Err: fmt.Errorf("--workers takes 1 to %d, --max-nodes 1 or more", maxWorkers)}
			}
			starts, err := parseNodes(cfg, args)
			if err != nil {
				return err
			}
			line := newStatusLine(c)
			opts.Progress = line.crawl
			begun := clock.System().Now()
			r := crawl.Run(c.Context(), v, starts, opts)
			line.end()
			shown := describeCrawl(&r, clock.System().Now().Sub(begun))
			if asJSON {
				err = cmdkit.WriteJSON(c.OutOrStdout(), shown)
			} else {
				err = printCrawl(c.OutOrStdout(), shown)
			}
			switch {
			case err != nil:
				return err
			case c.Context().Err() != nil:
				return context.Canceled
			case shown.Reached == 0:
				return fmt.Errorf("no node was reached")
			}
			return nil
		},
	}
	visitFlags(c)
	progressFlag(c)
	c.Flags().IntVar(&opts.MaxNodes, "max-nodes", crawl.DefaultMaxNodes, "how many nodes are visited at most")
	c.Flags().IntVar(&opts.Workers, "workers", crawl.DefaultWorkers, "how many are visited at a time")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// maxWorkers bounds the connections that are open at a time, to what systems let
// one program have.
const maxWorkers = 500

func describeCrawl(r *crawl.Result, took time.Duration) *crawlShown {
	s := &crawlShown{Nodes: []nodeShown{}, Left: r.Left, More: r.More, Duration: took.Seconds()}
	for i := range r.Nodes {
		n := showNode(&r.Nodes[i], r.Knew[i])
		if n.Reached {
			s.Reached++
		} else {
			s.Failed++
		}
		s.Nodes = append(s.Nodes, n)
	}
	slices.SortFunc(s.Nodes, func(a, b nodeShown) int { return strings.Compare(a.Address, b.Address) })
	return s
}

func printCrawl(w io.Writer, s *crawlShown) error {
	t := cmdkit.NewTable(w, "ADDRESS", "VERSION", "SOFTWARE", "HEIGHT", "LATENCY", "VIA", "KNOWS", "SERVICES")
	for _, n := range s.Nodes {
		if n.Reached {
			t.Row(n.Address, n.Version, n.UserAgent, n.Height, away(&n), n.Transport, n.Knows, servicesText(n.Services))
		}
	}
	if err := t.End(); err != nil {
		return err
	}
	if s.Failed > 0 {
		fmt.Fprintln(w, "\nNot reached:")
		t = cmdkit.NewTable(w, "ADDRESS", "WHY")
		for _, n := range s.Nodes {
			if !n.Reached {
				t.Row(n.Address, n.Reason)
			}
		}
		if err := t.End(); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\n%s reached, %d not reached, in %v\n", cmdkit.Plural(s.Reached, "node"), s.Failed,
		time.Duration(s.Duration*float64(time.Second)).Round(100*time.Millisecond))
	if s.Left > 0 {
		fmt.Fprintf(w, "%s known and not visited\n", cmdkit.Plural(s.Left, "more node"))
	}
	if s.More {
		fmt.Fprintln(w, "There are more than --max-nodes lets it visit")
	}
	return nil
}
