package settings

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"starling/discover"
	"starling/internal/layered"
	"starling/mining"
	"starling/params"
	"starling/rpc/jsonrpc"
	"starling/server"
	"starling/wallet"
)

// Settings are a node's settings, in the form in which its parts take them.
// Make them with [Load].
type Settings struct {
	layered.Values // as they were given, and where

	NodeID int // of several nodes of one user; 0 for none

	// Server has the network, with the changes that the settings ask for, and its
	// data directory, and what concerns blocks, transactions and peers; all but
	// the addresses.
	Server           server.Config
	Listen           []string          // host:port or multiaddress; empty for nowhere
	Connect, AddNode []string          // likewise, of peers
	Resolver         discover.Resolver // of names; nil for nobody, with a proxy
	TxIndex          bool
	BlockFilters     bool
	ServeFilters     bool

	RPCListen string // host:port
	RPC       jsonrpc.Options
	Metrics   string // host:port; empty for nowhere

	Mining mining.Config
	Worker *mining.WorkerConfig // nil to make blocks on demand only
	// Wallet is for those that the node has unless NoWallet.
	Wallet   wallet.Config
	NoWallet bool

	LogLevels []string
	LogFormat string
}

// Load gathers the settings from flags, which may be nil, environment
// variables in the form name=value, the file, and the defaults. What a command
// decides itself, by name, is stronger than all of these. Parts are those of
// the node that have a log level of their own. The error is a [*layered.Error]
// if a setting is wrong.
func Load(flags *pflag.FlagSet, environ []string, decided map[string]string, parts []string) (*Settings, error) {
	from, err := schema().Read(flags, environ, decided)
	if err != nil {
		return nil, err
	}
	// The network decides which table of the file counts, so it comes first.
	v, err := from.Choose()
	if err != nil {
		return nil, err
	}
	dir, origin, isDefault := from.Peek("datadir")
	if _, err := os.UserHomeDir(); err != nil && isDefault {
		// The current directory would do, and be another one the next time.
		return nil, &layered.Error{Name: "datadir", Reason: "there is no home directory (" + err.Error() + "); say with --datadir or STARLING_DATADIR where the data is kept"}
	}
	network, wrong := findNetwork(v, dir)
	if wrong != nil {
		if _, err := os.Stat(dir); wrong.Absent && !isDefault && errors.Is(err, fs.ErrNotExist) {
			return nil, noDir(dir, origin)
		}
		return nil, wrong
	}
	if err := from.CheckFile(append(append(params.Names(), ownNetworks(dir)...), network.Name)); err != nil {
		return nil, err
	}
	if err := from.Merge(v, network.Name); err != nil {
		return nil, err
	}
	s := &Settings{Values: *v}
	s.Server.Network = network
	if err := s.settle(parts); err != nil {
		return nil, err
	}
	return s, nil
}

// settle checks the settings and gives them to the parts of the node.
func (s *Settings) settle(parts []string) error {
	if err := s.settleNetwork(); err != nil {
		return err
	}
	if err := s.settleNodeID(); err != nil {
		return err
	}
	s.Server.Dir = s.NetDirOf(s.Server.Network)
	for _, settle := range []func() error{
		s.settleRPC, s.settlePeers, s.settleChain, func() error { return s.settleLog(parts) },
		s.settleRelay, s.settleWallets, s.settleMining, s.settleProxies, s.settleAddresses, s.settleSlots,
	} {
		if err := settle(); err != nil {
			return err
		}
	}
	return nil
}

// DataDir returns the directory that holds those of all networks.
func (s *Settings) DataDir() string { return s.Text("datadir") }

// File returns the path of the configuration file, whether or not it exists.
func (s *Settings) File() string { return s.Text("config") }

// CheckDataDir returns an error if a data directory was asked for that is not
// there: a [*layered.Error].
func (s *Settings) CheckDataDir() error {
	_, err := os.Stat(s.DataDir())
	if !s.IsDefault("datadir") && errors.Is(err, fs.ErrNotExist) {
		return noDir(s.DataDir(), s.Origin("datadir"))
	}
	return nil
}

func noDir(dir, origin string) *layered.Error {
	return &layered.Error{Name: "datadir", Origin: origin, Reason: "there is no directory " + dir}
}
