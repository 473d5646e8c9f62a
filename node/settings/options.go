package settings

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"starling/internal/layered"
)

// maxSeconds is a hundred years: longer times are mistakes.
const maxSeconds = 100 * 365 * 24 * 60 * 60

// EnvPrefix starts the names of the environment variables.
const EnvPrefix = "STARLING_"

// Env returns the name of the environment variable of a setting.
func Env(name string) string { return layered.EnvName(EnvPrefix, name) }

// NodeIDEnv is the variable that tells several nodes of one user apart. It
// counts as that of the setting node-id does, which is stronger.
const NodeIDEnv = "NODE_ID"

// Environ returns the process's environment, for [Load].
func Environ() []string { return os.Environ() }

// FileName is the configuration file looked for in the data directory.
const FileName = "starling.toml"

// DefaultDataDir returns where a node keeps its data unless told otherwise.
func DefaultDataDir() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ".starling"
	}
	return filepath.Join(home, ".starling")
}

// Options returns all settings, in the order in which they are shown.
func Options() []layered.Option {
	return slices.Concat(clientOptions(), rpcOptions(), peerOptions(), proxyOptions(), slotOptions(), chainOptions(), relayOptions(), miningOptions(), walletOptions(), watchOptions())
}

// AddFlags adds the flags of all settings, or only of those that commands
// which talk to a running node need.
func AddFlags(fs *pflag.FlagSet, clientOnly bool) {
	options := Options()
	if clientOnly {
		options = clientOptions()
	}
	layered.AddFlags(fs, options)
}

// schema is what the loader is told of them.
func schema() *layered.Schema {
	return &layered.Schema{
		Options: Options(), EnvPrefix: EnvPrefix, EnvIgnore: madeUp, EnvAliases: map[string]string{NodeIDEnv: "node-id"},
		FileOption: "config", DirOption: "datadir", FileName: FileName, TableOption: "network",
	}
}

// madeUp reports whether a variable, given without its prefix, is one that
// platforms make up for a service called starling, such as
// STARLING_SERVICE_HOST and STARLING_PORT_8333_TCP, or one for this program's
// own tests.
func madeUp(rest string) bool {
	return rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_") || strings.HasPrefix(rest, "TEST_")
}

// clientOptions say which node is meant, and how it is called.
func clientOptions() []layered.Option {
	return []layered.Option{
		{Name: "network", Value: "NAME|FILE", Default: "main", Help: "which network: main, testnet4, signet, regtest, or one of your own by its name or file"},
		{Name: "signet-challenge", Value: "HEX", Help: "block script of a signet of one's own"},
		{Name: "datadir", Value: "DIR", Default: DefaultDataDir(), Shown: "~/.starling", Help: "where the chain is kept; networks other than main get a directory inside"},
		{Name: "node-id", Value: "PORT", Help: "for several nodes on one machine: sets the data directory (node-PORT in that of --datadir), the P2P port (PORT) and the RPC port (PORT + 10000), on 127.0.0.1"},
		{Name: "config", Value: "FILE", Help: "configuration file (default " + FileName + " in the data directory)"},
		{Name: "rpc-listen", Value: "HOST:PORT", Help: "where JSON-RPC calls are answered (default 127.0.0.1 and the network's port)"},
		{Name: "rpc-user", Value: "NAME", HiddenWith: "rpc-password", HiddenReason: "goes with the password, which is not shown", Help: "user name for RPC, beside the cookie file"},
		{Name: "rpc-password", Value: "WORD", Secret: true, Help: "password for RPC"},
	}
}
