package peercmd

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"starling/discover/crawl"
	"starling/internal/cli/cmdkit"
	"starling/internal/layered"
	"starling/node/settings"
	"starling/server"
	"starling/transport"
	"starling/wire"
)

// visitFlags adds the flags of commands that talk to the network by themselves.
func visitFlags(c *cobra.Command) {
	cmdkit.AddSomeFlags(c.Flags(), "network", "signet-challenge", "datadir", "node-id", "config", "proxy", "onion", "v2transport", "dial-timeout")
	c.Flags().SortFlags = false
	c.Flag("dial-timeout").DefValue = crawl.DefaultDialTimeout.String()
	layered.DurationFlag(c.Flags(), new(time.Duration), "timeout", crawl.DefaultTimeout, "how long a node may take, a `TIME` such as 10s")
}

// newVisitor returns what visits nodes of the network of the settings.
func newVisitor(c *cobra.Command, cfg *settings.Settings) (*crawl.Visitor, error) {
	timeout := layered.DurationOf(c.Flag("timeout"))
	if timeout <= 0 {
		return nil, cmdkit.UsageError{Err: fmt.Errorf("--timeout %v is no time to answer in", timeout)}
	}
	s := &cfg.Server
	// A node that is to stay waits longer for its peers than who looks around.
	cfg.SetDefault("dial-timeout", crawl.DefaultDialTimeout)
	dial := min(cfg.Duration("dial-timeout"), timeout)
	return &crawl.Visitor{
		Transports: []transport.Transport{s.Proxies.TCP(s.Network, s.V2, dial)},
		Timeout:    timeout, UserAgent: server.DefaultUserAgent,
	}, nil
}

// parseNodes reads addresses with the network's port as the default.
func parseNodes(cfg *settings.Settings, words []string) ([]ma.Multiaddr, error) {
	var all []ma.Multiaddr
	for _, w := range words {
		m, err := transport.ParseAddrDefault(w, cfg.Server.Network.DefaultPort)
		if err != nil {
			return nil, cmdkit.UsageError{Err: err}
		}
		all = append(all, m)
	}
	return all, nil
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// maxServices is how long services are as text: any node can claim all 64.
const maxServices = 70

// servicesText writes services by short names, or as a number if they are too many.
func servicesText(bits uint64) string {
	text := serviceNames(bits)
	if len(text) > maxServices {
		return fmt.Sprintf("%#x", bits)
	}
	return text
}

// seenText says how long ago a time in seconds since 1970 was that somebody has told.
func seenText(now time.Time, at int64) string {
	t := time.Unix(at, 0)
	switch ago := now.Sub(t); {
	case at <= 0:
		return "unknown"
	case t.After(now.Add(time.Minute)):
		return "in the future"
	case ago < 0:
		return "0s ago"
	default:
		return ago.Round(time.Minute).String() + " ago"
	}
}

// serviceNames writes services by short names.
func serviceNames(bits uint64) string {
	return strings.ToLower(strings.ReplaceAll(wire.ServiceFlag(bits).String(), "NODE_", ""))
}

// latencyText writes a round trip with three digits or so.
func latencyText(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// away says how long messages of a node travel to here and back.
func away(n *nodeShown) string { return latencyText(time.Duration(n.Latency * float64(time.Second))) }
