package node

import (
	"fmt"
	"net"

	ma "github.com/multiformats/go-multiaddr"

	"starling/clock"
	"starling/internal/layered"
	"starling/mining"
	"starling/node/settings"
	"starling/rpc/jsonrpc"
	"starling/rpc/noderpc"
	"starling/server"
	"starling/transport"
	"starling/wallet"
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

	TxIndex      bool // keep an index of all transactions
	BlockFilters bool // keep an index of the compact filters of blocks
	ServeFilters bool // and serve them to peers

	RPCListen string          // host:port where calls are answered; empty for nowhere
	RPC       jsonrpc.Options // who may call; what is answered, and its log, are the node's
	Metrics   string          // host:port where metrics are served; empty for nowhere

	// Mining holds the settings of the blocks that are made here. Chain, Source
	// and Clock are the node's.
	Mining mining.Config
	// Worker, if not nil, searches for blocks as long as there is work. Miner,
	// Behind and Log are the node's, and without a Script blocks pay to the
	// node's wallet.
	Worker *mining.WorkerConfig

	// Wallet holds the settings of the wallets. Chain, Pool, FS, Dir, Clock and
	// Log are the node's.
	Wallet   wallet.Config
	NoWallet bool

	// Stop is called when a client asks the node to stop. Without, that is refused.
	Stop func()

	Version string // as people write it
}

// Configure turns a node's settings into what [Open] needs, all but the logger,
// Stop and the version. The error is a [*layered.Error].
func Configure(s *settings.Settings) (Config, error) {
	cfg := Config{
		Server: s.Server, TxIndex: s.TxIndex, BlockFilters: s.BlockFilters, ServeFilters: s.ServeFilters,
		RPCListen: s.RPCListen, RPC: s.RPC, Metrics: s.Metrics,
		Mining: s.Mining, Worker: s.Worker, Wallet: s.Wallet, NoWallet: s.NoWallet,
	}
	for _, l := range []struct {
		name string
		from []string
		to   *[]ma.Multiaddr
	}{{"listen", s.Listen, &cfg.Server.Listen}, {"connect", s.Connect, &cfg.Server.Peers}, {"addnode", s.AddNode, &cfg.Server.Peers}} {
		addrs, err := ParseAddrs(l.name, l.from)
		if err != nil {
			return cfg, err
		}
		*l.to = append(*l.to, addrs...)
	}
	return cfg, nil
}

// ParseAddrs reads addresses of peers or to listen at. A port alone, as
// ":8333", means all interfaces. The error is a [*layered.Error] about the
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
			return nil, &layered.Error{Name: name, Reason: fmt.Sprint(err)}
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
