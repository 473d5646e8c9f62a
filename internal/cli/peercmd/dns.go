package peercmd

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"starling/clock"
	"starling/discover"
	"starling/internal/cli/cmdkit"
)

// seedAnswer is what a DNS seed has answered, in the form of --json.
type seedAnswer struct {
	Seed      string   `json:"seed"`
	Addresses []string `json:"addresses"`
	Seconds   float64  `json:"seconds"`
	Error     string   `json:"error,omitempty"`
}

// NewDNS returns the command dns.
func NewDNS() *cobra.Command {
	var names []string
	var asJSON bool
	c := &cobra.Command{
		Use:   "dns [SEED]...",
		Short: "Ask DNS seeds for addresses of nodes",
		Long: `Ask the DNS seeds of a network, or those that are named, for addresses of nodes,
as a node does that knows none. No node has to run. It fails if no seed knows any.

  starling dns
  starling dns --network testnet4
  starling dns seed.example --dns-resolver 127.0.0.1:5353`,
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
			resolver := cfg.Resolver
			if resolver == nil {
				return errors.New("no names are looked up here with proxy, so that no DNS server learns of them")
			}
			answers := make([]seedAnswer, len(seeds))
			found := 0
			for i, seed := range seeds {
				begun := clock.System().Now()
				ips, err := discover.Lookup(c.Context(), resolver, seed)
				if c.Context().Err() != nil {
					return c.Context().Err()
				}
				answers[i] = describeSeed(seed, ips, clock.System().Now().Sub(begun), err)
				found += len(ips)
				if !asJSON {
					printSeed(c, answers[i], cfg.Server.Network.DefaultPort)
				}
			}
			if asJSON {
				if err := cmdkit.WriteJSON(c.OutOrStdout(), answers); err != nil {
					return err
				}
			}
			if found == 0 {
				return errors.New("no DNS seed knows a node")
			}
			return nil
		},
	}
	cmdkit.AddSomeFlags(c.Flags(), "network", "signet-challenge", "datadir", "config", "dns-resolver")
	c.Flags().SortFlags = false
	c.Flags().StringSliceVar(&names, "dnsseed", nil, "the `NAME` of a seed to ask, as an argument does")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
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

func printSeed(c *cobra.Command, a seedAnswer, port uint16) {
	w := c.OutOrStdout()
	took := latencyText(time.Duration(a.Seconds * float64(time.Second)))
	if a.Error != "" {
		fmt.Fprintf(w, "%s: %s (%s)\n", a.Seed, a.Error, took)
		return
	}
	fmt.Fprintf(w, "%s: %s in %s\n", a.Seed, cmdkit.Plural(len(a.Addresses), "address"), took)
	for _, ip := range a.Addresses {
		fmt.Fprintln(w, "  "+hostPort(ip, port))
	}
}
