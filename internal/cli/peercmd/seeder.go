package peercmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"starling/addrmgr/netaddr"
	"starling/discover/crawl"
	"starling/discover/seeder"
	"starling/internal/cli/cmdkit"
	"starling/internal/layered"
	"starling/internal/loglevel"
	"starling/node"
)

// seederFile is where the seeder keeps what it knows, in the data directory of
// the network.
const seederFile = "seeder.dat"

// NewSeeder returns the command seeder.
func NewSeeder() *cobra.Command {
	cfg := seeder.Config{Workers: crawl.DefaultWorkers}
	var starts []string
	c := &cobra.Command{
		Use:   "seeder --name NAME [--start HOST:PORT...]",
		Short: "Serve a network as a DNS seed",
		Long: `Crawl a network for good, and answer DNS questions for NAME with the addresses of
nodes that were reached lately. A name such as x9.NAME asks for nodes with the
services of that number. Only nodes at the network's usual port are told of, as
DNS carries no ports. What is known is kept in the data directory. Nodes of this
machine or of a private network are visited and told of if one of those at --start
is such a node, or with --exempt-local=false.

  starling seeder --network demo --name seed.example --start 192.0.2.7
  starling dns seed.example --network demo --dns-resolver 127.0.0.1:5353`,
		Args: cmdkit.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := cmdkit.LoadConfig(c)
			if err != nil {
				return err
			}
			if cfg.Name == "" {
				return cmdkit.UsageError{Err: errors.New("--name is needed: the name that the seed answers for")}
			}
			if cfg.Workers < 1 || cfg.Workers > maxWorkers || cfg.Pool.Revisit <= 0 || cfg.Rate <= 0 {
				return cmdkit.UsageError{Err: fmt.Errorf("--workers takes 1 to %d, --revisit and --rate more than nothing", maxWorkers)}
			}
			nodes, err := parseNodes(s, starts)
			if err != nil {
				return err
			}
			local := s.Server.CountLocal
			for i, m := range nodes {
				a, ok := netaddr.FromMultiaddr(m)
				if !ok {
					return cmdkit.UsageError{Err: fmt.Errorf("%s is not the address of a node; \"starling dns\" looks names up", starts[i])}
				}
				cfg.Start = append(cfg.Start, a)
				local = local || !a.IsRoutable()
			}
			v, err := newVisitor(c, s)
			if err != nil {
				return err
			}
			levels, err := loglevel.New(node.Parts(), s.LogLevels)
			if err != nil {
				return err
			}
			dir := s.Server.Dir
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			log := cmdkit.NewLogger(s, levels, c.ErrOrStderr()).With(loglevel.PartKey, "net")
			cfg.File, cfg.Log = filepath.Join(dir, seederFile), log
			cfg.Pool.Port, cfg.Pool.Grouper = s.Server.Network.DefaultPort, netaddr.Grouper{CountLocal: local}
			cfg.Visit = func(ctx context.Context, a netaddr.Addr) crawl.Node { return v.Visit(ctx, a.Multiaddr()) }
			cfg.Ready = func(udp, _ net.Addr) { log.Info("answering", "name", cfg.Name, "addr", udp) }
			d, err := seeder.New(cfg)
			if errors.Is(err, seeder.ErrNobody) {
				return cmdkit.UsageError{Err: fmt.Errorf("%w; name some with --start, by their IP addresses", err)}
			}
			if err != nil {
				return err
			}
			return d.Run(c.Context())
		},
	}
	visitFlags(c)
	cmdkit.AddSomeFlags(c.Flags(), "exempt-local", "log-level", "log-format")
	c.Flags().StringVar(&cfg.Name, "name", "", "the `NAME` that the seed answers for")
	c.Flags().StringVar(&cfg.Listen, "listen", "127.0.0.1:5353", "`HOST:PORT` where DNS questions are answered, over UDP and TCP")
	c.Flags().StringSliceVar(&starts, "start", nil, "`HOST:PORT` of nodes where the crawl begins")
	layered.DurationFlag(c.Flags(), &cfg.Pool.Revisit, "revisit", seeder.DefaultRevisit, "the `TIME` from one visit of a node to the next")
	c.Flags().IntVar(&cfg.Workers, "workers", crawl.DefaultWorkers, "how many nodes are visited at a time")
	c.Flags().Float64Var(&cfg.Rate, "rate", seeder.DefaultRate, "how many datagrams a second one source is answered")
	return cmdkit.MakesData(c)
}
