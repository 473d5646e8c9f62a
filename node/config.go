package node

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"starling/rpc/jsonrpc"
	"starling/rpc/noderpc"

	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/internal/loglevel"
	"starling/mempool"
	"starling/node/settings"
	"starling/server"
	"starling/transport"
)

// Config says what node to open. Server.Network and Server.Dir are needed; the
// zero value of everything else works, and gives a node without RPC, metrics
// and indexes.
type Config struct {
	// Server is the node proper. Its Clock is replaced by [Config.Clock].
	Server server.Config

	// Clock is the node's time, which setmocktime can move; nil for a new one
	// that tells the system's.
	Clock *clock.Settable
	// Levels can be changed while the node runs (the method logging). Nil for
	// fixed ones.
	Levels noderpc.LogLevels

	TxIndex bool // keep an index of all transactions

	RPC     RPC
	Metrics string // host:port where metrics are served; empty for nowhere

	Mining Mining

	Wallets Wallets

	// Stop is called when a client asks the node to stop; nil to refuse that.
	Stop func()

	Version string // as people write it
}

// RPC says where and for whom calls are answered.
type RPC struct {
	Listen         string // host:port; empty for nowhere
	CookiePath     string // of the file with a fresh password; empty for none
	User, Password string // beside the cookie; empty for none

	// AllowHosts are names by which clients may call the node, beside localhost
	// and the host in Listen.
	AllowHosts []string
}

// Settings turns a node's settings into what [Open] needs, all but the logger,
// Stop and the version. The error is a [*settings.Error].
func Settings(c *settings.Config) (Config, error) {
	cfg := Config{
		Server: server.Config{
			Network: c.Network, Dir: c.NetDir,
			DBCache: c.DBCache, Prune: c.Prune, Reindex: c.Reindex,
			MaxPeers: c.MaxConnections, BanScore: float64(c.BanScore), BanTime: c.BanTime, CountLocal: !c.ExemptLocal,
			PingInterval: c.PingInterval, PingTimeout: c.PingTimeout,
			UserAgent:         userAgent(c.UserAgentComments),
			Load:              c.LoadBlock,
			Pool:              mempool.Config{MaxBytes: c.Relay.MaxMempool, Expiry: c.Relay.Expiry},
			AcceptNonStandard: c.Relay.AcceptNonStandard, ForgetPool: c.Relay.ForgetMempool, BlocksOnly: c.Relay.BlocksOnly, WholeBlocks: c.Relay.WholeBlocks,
			RelayDelayInbound: atOnce(c.Relay.Inbound), RelayDelayOutbound: atOnce(c.Relay.Outbound), Permissions: c.Relay.Permissions,
		},
		TxIndex: c.TxIndex,
		RPC: RPC{
			Listen: c.RPCListen, CookiePath: c.CookiePath(jsonrpc.CookieFile),
			User: c.RPCUser, Password: c.RPCPassword, AllowHosts: c.RPCAllowHosts,
		},
		Metrics: c.MetricsListen,
		Wallets: Wallets{Off: c.NoWallet, Load: c.Wallets},
		Mining: Mining{
			On: c.Mining.On, Payout: c.Mining.Payout, Threads: c.Mining.Threads, MinTxs: c.Mining.MinTxs,
			MaxWeight: c.Mining.MaxWeight, MinFee: mempool.FeeRate(c.Mining.MinFee),
		},
	}
	if c.Mining.MinFee == 0 {
		cfg.Mining.MinFee = -1 // none, but not the default
	}
	switch fee := c.Relay.MinFee; {
	case fee > 0:
		cfg.Server.Pool.MinRelayFee = mempool.FeeRate(fee)
	case fee == 0:
		cfg.Server.Pool.MinRelayFee = -1 // none, but not the network's
	}
	if c.MaxConnections == 0 {
		cfg.Server.MaxPeers = 1 // room for none, but not the default
	}
	var err error
	if cfg.Server.Listen, err = ParseAddrs("listen", c.Listen); err != nil {
		return cfg, err
	}
	for _, l := range []struct {
		name string
		list []string
	}{{"connect", c.Connect}, {"addnode", c.AddNode}} {
		addrs, err := ParseAddrs(l.name, l.list)
		if err != nil {
			return cfg, err
		}
		cfg.Server.Peers = append(cfg.Server.Peers, addrs...)
	}
	return cfg, nil
}

// atOnce turns no time at all, which would stand for the default, into almost
// none.
func atOnce(d time.Duration) time.Duration { return max(d, time.Nanosecond) }

// Logs returns loggers of the parts of a node, made from one.
func Logs(log *slog.Logger) func(part string) *slog.Logger {
	return func(part string) *slog.Logger { return log.With(loglevel.PartKey, part) }
}

// userAgent returns the name that peers see (BIP14).
func userAgent(comments []string) string {
	if len(comments) == 0 {
		return server.DefaultUserAgent
	}
	return strings.TrimSuffix(server.DefaultUserAgent, "/") + "(" + strings.Join(comments, "; ") + ")/"
}

// ParseAddrs reads addresses of peers or to listen at. A port alone, as
// ":8333", means all interfaces. The error is a [*settings.Error] about the
// setting called name.
func ParseAddrs(name string, list []string) ([]ma.Multiaddr, error) {
	var addrs []ma.Multiaddr
	for _, s := range list {
		if host, port, err := net.SplitHostPort(s); err == nil && host == "" {
			s = net.JoinHostPort("::", port)
			if !hasIPv6() {
				s = net.JoinHostPort("0.0.0.0", port)
			}
		}
		a, err := transport.ParseAddr(s)
		if err != nil {
			return nil, &settings.Error{Name: name, Reason: fmt.Sprint(err)}
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

// hasIPv6 reports whether this machine can listen on IPv6, which then takes
// IPv4 too.
func hasIPv6() bool {
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		ln.Close()
	}
	return err == nil
}
