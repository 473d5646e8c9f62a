package settings

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// kind is the type of a setting.
type kind int

const (
	kindString kind = iota
	kindInt
	kindBool
	kindList
	kindDuration
)

// Option describes one setting. Its name is that of the flag and of the key in
// the file; the environment variable follows from it.
type Option struct {
	Name  string
	Help  string
	Value string // what a value is called in the help, such as "FILE"

	kind   kind
	def    any
	global bool // client commands have it too
	secret bool // not to be shown

	least, most int64 // of kindInt, and of kindDuration in seconds
}

// maxSeconds is a hundred years: longer times are mistakes.
const maxSeconds = 100 * 365 * 24 * 60 * 60

// EnvPrefix starts the names of the environment variables.
const EnvPrefix = "STARLING_"

// Env returns the name of the setting's environment variable.
func (o *Option) Env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
}

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
func Options() []Option {
	all := []Option{
		{Name: "network", Value: "NAME|FILE", kind: kindString, def: "main", global: true, Help: "which network: main, testnet4, signet, regtest, or one of your own by its name or file"},
		{Name: "signet-challenge", Value: "HEX", kind: kindString, def: "", global: true, Help: "block script of a signet of one's own"},
		{Name: "datadir", Value: "DIR", kind: kindString, def: DefaultDataDir(), global: true, Help: "where the chain is kept; networks other than main get a directory inside"},
		{Name: "node-id", Value: "PORT", kind: kindString, def: "", global: true, Help: "for several nodes on one machine: sets the data directory (node-PORT in that of --datadir), the P2P port (PORT) and the RPC port (PORT + 10000), on 127.0.0.1"},
		{Name: "config", Value: "FILE", kind: kindString, def: "", global: true, Help: "configuration file (default " + FileName + " in the data directory)"},

		{Name: "rpc-listen", Value: "HOST:PORT", kind: kindString, def: "", global: true, Help: "where JSON-RPC calls are answered (default 127.0.0.1 and the network's port)"},
		{Name: "rpc-user", Value: "NAME", kind: kindString, def: "", global: true, Help: "user name for RPC, beside the cookie file"},
		{Name: "rpc-password", Value: "WORD", kind: kindString, def: "", global: true, secret: true, Help: "password for RPC"},
		{Name: "rpc-allow-host", Value: "NAME", kind: kindList, def: []string(nil), Help: "a name, other than localhost, by which RPC clients may call this node; may be repeated"},

		{Name: "listen", Value: "HOST:PORT", kind: kindList, def: []string(nil), Help: "where peers may connect; may be repeated; 0 for nowhere (default the network's port on every interface)"},
		{Name: "connect", Value: "HOST:PORT", kind: kindList, def: []string(nil), Help: "connect only to these peers; may be repeated; 0 for none"},
		{Name: "addnode", Value: "HOST:PORT", kind: kindList, def: []string(nil), Help: "keep a connection to this peer, beside others; may be repeated"},
		{Name: "max-connections", Value: "N", kind: kindInt, def: int64(125), least: 0, most: 100_000, Help: "how many peers at most"},
		{Name: "ping-interval", Value: "TIME", kind: kindDuration, def: "2m", least: 1, most: maxSeconds, Help: "how often peers are pinged"},
		{Name: "ping-timeout", Value: "TIME", kind: kindDuration, def: "20m", least: 1, most: maxSeconds, Help: "how long a peer may take to answer a ping"},
		{Name: "banscore", Value: "N", kind: kindInt, def: int64(100), least: 1, most: 1_000_000, Help: "the score at which a misbehaving peer is banned"},
		{Name: "bantime", Value: "TIME", kind: kindDuration, def: "24h", least: 1, most: maxSeconds, Help: "how long a ban lasts; a plain number is seconds"},
		{Name: "exempt-local", kind: kindBool, def: true, Help: "ban no local or private address for its score, as many peers may be behind it"},
		{Name: "user-agent-comment", Value: "TEXT", kind: kindList, def: []string(nil), Help: "added to the name that peers see; may be repeated"},

		{Name: "dbcache", Value: "MIB", kind: kindInt, def: int64(450), least: 4, most: 1 << 20, Help: "memory for the set of unspent outputs, in MiB"},
		{Name: "prune", Value: "MIB", kind: kindInt, def: int64(0), least: 0, most: 1 << 30, Help: "delete old blocks to stay below so many MiB (at least 550); 1 prunes on request only, 0 keeps all"},
		{Name: "txindex", kind: kindBool, def: false, Help: "keep an index of all transactions"},
		{Name: "assume-valid", Value: "HASH", kind: kindString, def: "", Help: "block below which scripts are not checked; 0 checks all (default built in)"},
		{Name: "min-chain-work", Value: "HEX", kind: kindString, def: "", Help: "work below which a chain is not believed (default built in)"},
		{Name: "load-block", Value: "FILE", kind: kindList, def: []string(nil), Help: "read blocks from a file at start; may be repeated"},
		{Name: "reindex", kind: kindBool, def: false, Help: "rebuild everything else from the block files"},
	}
	all = append(append(all, relayOptions()...), miningOptions()...)
	return append(all, []Option{
		{Name: "wallet", Value: "NAME", kind: kindList, def: []string(nil), Help: "load this wallet, beside those that are loaded at every start; may be repeated"},
		{Name: "no-wallet", kind: kindBool, def: false, Help: "have no wallets"},
		{Name: "log-level", Value: "LEVEL", kind: kindList, def: []string{"info"}, Help: "debug, info, warn or error; also for one part, such as net=debug; may be repeated"},
		{Name: "log-format", Value: "FORMAT", kind: kindString, def: "text", Help: "text or json"},
		{Name: "metrics-listen", Value: "HOST:PORT", kind: kindString, def: "", Help: "where Prometheus may fetch metrics (default nowhere)"},
	}...)
}

// AddFlags adds the flags of all settings, or only of those that commands
// which talk to a running node need.
func AddFlags(fs *pflag.FlagSet, clientOnly bool) {
	for _, o := range Options() {
		if clientOnly && !o.global {
			continue
		}
		fs.Var(&flagValue{option: o, shown: o.shownDefault()}, o.Name, o.Help)
		if o.kind == kindBool {
			fs.Lookup(o.Name).NoOptDefVal = "true"
		}
	}
}

func (o *Option) shownDefault() string {
	if o.Name == "datadir" {
		// The same in manual pages, whoever makes them.
		return "~/.starling"
	}
	switch d := o.def.(type) {
	case string:
		return d
	case int64:
		if d == 0 {
			return ""
		}
		return formatValue(d)
	case []string:
		return strings.Join(d, ",")
	default:
		return ""
	}
}
