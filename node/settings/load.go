package settings

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holiman/uint256"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"starling/internal/loglevel"
	"starling/params"
	"starling/wire"
)

// Config is a node's settings. Make one with [Load].
type Config struct {
	Network *params.Network // with the changes that the settings ask for
	NetDir  string          // the data directory of the network
	NodeID  int             // of several nodes of one user; 0 for none

	RPCListen            string
	RPCUser, RPCPassword string
	RPCAllowHosts        []string // names by which RPC clients may call the node
	Listen               []string // host:port; empty for nowhere
	Connect              []string // host:port of the only peers
	ConnectOnly          bool     // do not look for others
	AddNode              []string
	MaxConnections       int
	PingInterval         time.Duration
	PingTimeout          time.Duration
	BanScore             int
	BanTime              time.Duration
	ExemptLocal          bool
	UserAgentComments    []string
	DBCache              int64 // bytes
	Prune                int64 // bytes; 0 keeps all, 1 prunes on request
	TxIndex              bool
	LoadBlock            []string
	Reindex              bool
	LogLevels            []string
	LogFormat            string
	MetricsListen        string
	Relay                Relay
	Mining               Mining
	Wallets              []string // to load at start
	NoWallet             bool

	values  map[string]any
	origins map[string]string
}

// Error says which setting is wrong, and where it was made.
type Error struct {
	Name   string // the setting; empty if the file as a whole is wrong
	Origin string
	Reason string
	Absent bool // what the setting names could be, but is not there
}

// Error implements the error interface.
func (e *Error) Error() string {
	s := e.Reason
	if e.Name != "" {
		s = e.Name + ": " + s
	}
	if e.Origin != "" {
		s += " (" + e.Origin + ")"
	}
	return s
}

// minPrune is the smallest target of automatic pruning, in MiB: below it the
// last 288 blocks, which peers may ask for, may not fit.
const minPrune = 550

// layer is one source of settings.
type layer struct {
	origin func(o *Option) string
	k      *koanf.Koanf
}

const delimiter = "."

// Load gathers the settings from flags, which may be nil, environment
// variables in the form name=value, the file, and the defaults. What a command
// decides itself, by name, is stronger than all of these. The error is an
// [*Error] if a setting is wrong.
func Load(flags *pflag.FlagSet, environ []string, fixed map[string]string) (*Config, error) {
	options := Options()
	defaults, fromEnv, fromFlags, fromCommand := koanf.New(delimiter), koanf.New(delimiter), koanf.New(delimiter), koanf.New(delimiter)

	def := make(map[string]any)
	for i := range options {
		def[options[i].Name] = options[i].def
	}
	if err := defaults.Load(confmap.Provider(def, delimiter), nil); err != nil {
		return nil, err
	}
	vars, err := readEnviron(options, environ)
	if err != nil {
		return nil, err
	}
	if err := fromEnv.Load(confmap.Provider(vars.values, delimiter), nil); err != nil {
		return nil, err
	}
	decided := make(map[string]any)
	for name, v := range fixed {
		decided[name] = v
	}
	if err := fromCommand.Load(confmap.Provider(decided, delimiter), nil); err != nil {
		return nil, err
	}
	given := make(map[string]any)
	if flags != nil {
		flags.Visit(func(f *pflag.Flag) {
			if v, ok := f.Value.(*flagValue); ok {
				given[f.Name] = v.value()
			}
		})
	}
	if err := fromFlags.Load(confmap.Provider(given, delimiter), nil); err != nil {
		return nil, err
	}

	// The file is where the stronger sources say, or in the data directory
	// that they name.
	path, named := "", false
	dir := DefaultDataDir()
	for _, k := range []*koanf.Koanf{fromEnv, fromFlags, fromCommand} {
		if k.Exists("datadir") {
			dir = k.String("datadir")
		}
		if k.Exists("config") {
			path, named = k.String("config"), true
		}
	}
	if !named {
		path = filepath.Join(dir, FileName)
	}
	fromFile, err := loadFile(path, named)
	if err != nil {
		return nil, err
	}

	layers := []layer{
		{func(*Option) string { return "default" }, defaults},
		{func(*Option) string { return "file " + path }, fromFile},
		{func(o *Option) string { return "environment " + vars.names[o.Name] }, fromEnv},
		{func(o *Option) string { return "flag --" + o.Name }, fromFlags},
		{func(*Option) string { return "this command" }, fromCommand},
	}
	c := &Config{values: make(map[string]any), origins: make(map[string]string)}
	if err := c.merge(options, layers, path); err != nil {
		return nil, err
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	return c, nil
}

// loadFile reads the configuration file. A file that was asked for must be
// there. The file may have a table for each network, whose settings are
// stronger than those outside.
func loadFile(path string, must bool) (*koanf.Koanf, error) {
	k := koanf.New(delimiter)
	err := k.Load(file.Provider(path), toml.Parser())
	switch {
	case errors.Is(err, fs.ErrNotExist) && !must:
		return koanf.New(delimiter), nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Origin: "file " + path, Reason: "there is no such configuration file"}
	case err != nil:
		return nil, badFile(path, err)
	}
	return k, nil
}

// checkFile refuses settings in the file that are not known.
func (c *Config) checkFile(k *koanf.Koanf, path, dir string, options []Option) error {
	var known []string
	for _, o := range options {
		if o.Name != "config" {
			known = append(known, o.Name)
		}
	}
	tables := append(append(params.Names(), ownNetworks(dir)...), c.Network.Name)
	for _, key := range k.Keys() {
		name := key
		if net, rest, ok := strings.Cut(key, delimiter); ok && slices.Contains(tables, net) {
			name = rest
		}
		if slices.Contains(known, name) {
			continue
		}
		reason := "unknown setting"
		if n := Nearest(name, known); n != "" {
			reason += "; did you mean " + n + "?"
		}
		return &Error{Name: key, Origin: "file " + path, Reason: reason}
	}
	return nil
}

// merge lays the sources over each other.
func (c *Config) merge(options []Option, layers []layer, path string) error {
	apply := func(o *Option, l layer, key string) error {
		if !l.k.Exists(key) {
			return nil
		}
		origin := l.origin(o)
		v, err := o.read(l.k.Get(key))
		if err != nil {
			return &Error{Name: o.Name, Origin: origin, Reason: err.Error()}
		}
		c.values[o.Name], c.origins[o.Name] = v, origin
		return nil
	}
	const fileLayer = 1
	// The network decides which table of the file counts, so it comes first.
	for i := range options {
		o := &options[i]
		for j, l := range layers {
			if err := apply(o, l, o.Name); err != nil {
				return err
			}
			if j == fileLayer && o.Name != "network" {
				if err := apply(o, l, c.Network.Name+delimiter+o.Name); err != nil {
					return err
				}
			}
		}
		if o.Name == "network" {
			dir, origin := DefaultDataDir(), ""
			for _, l := range layers[fileLayer:] {
				if l.k.Exists("datadir") {
					dir, origin = l.k.String("datadir"), l.origin(&Option{Name: "datadir"})
				}
			}
			if err := c.findNetwork(dir); err != nil {
				if _, statErr := os.Stat(dir); err.Absent && origin != "" && errors.Is(statErr, fs.ErrNotExist) {
					return noDir(dir, origin)
				}
				return err
			}
			if err := c.checkFile(layers[fileLayer].k, path, dir, options); err != nil {
				return err
			}
		}
	}
	if c.origins["config"] == "default" {
		c.values["config"] = path
	}
	return nil
}

func (c *Config) str(name string) string        { return c.values[name].(string) }
func (c *Config) num(name string) int64         { return c.values[name].(int64) }
func (c *Config) list(name string) []string     { return c.values[name].([]string) }
func (c *Config) dur(name string) time.Duration { return c.values[name].(time.Duration) }

// fail makes an error about a setting.
func (c *Config) fail(name, format string, args ...any) *Error {
	return &Error{Name: name, Origin: c.origins[name], Reason: fmt.Sprintf(format, args...)}
}

// settle checks the settings and fills the fields.
func (c *Config) settle() error {
	if err := c.settleNetwork(); err != nil {
		return err
	}
	if err := c.settleNodeID(); err != nil {
		return err
	}
	c.NetDir = c.NetDirOf(c.Network)
	c.RPCUser, c.RPCPassword = c.str("rpc-user"), c.str("rpc-password")
	if (c.RPCUser == "") != (c.RPCPassword == "") {
		return c.fail("rpc-user", "rpc-user and rpc-password go together")
	}
	c.RPCAllowHosts = c.list("rpc-allow-host")
	for _, h := range c.RPCAllowHosts {
		if h == "" || strings.ContainsAny(h, "/:@*? ") {
			return c.fail("rpc-allow-host", "%q is not the name of a host", h)
		}
	}
	c.MaxConnections = int(c.num("max-connections"))
	c.PingInterval, c.PingTimeout = c.dur("ping-interval"), c.dur("ping-timeout")
	c.BanScore, c.BanTime = int(c.num("banscore")), c.dur("bantime")
	c.ExemptLocal = c.values["exempt-local"].(bool)
	c.UserAgentComments = c.list("user-agent-comment")
	for _, s := range c.UserAgentComments {
		if strings.ContainsAny(s, "/:()") || len(s) > 100 {
			return c.fail("user-agent-comment", "%q has characters that are not allowed, or is too long", s)
		}
	}
	c.DBCache = c.num("dbcache") << 20
	c.TxIndex = c.values["txindex"].(bool)
	c.Wallets, c.NoWallet = c.list("wallet"), c.values["no-wallet"].(bool)
	switch p := c.num("prune"); {
	case p > 1 && p < minPrune:
		return c.fail("prune", "at least %d MiB are needed to keep what peers may ask for (1 prunes on request only)", minPrune)
	case p > 0 && c.TxIndex:
		return c.fail("prune", "a pruned node can not keep a transaction index")
	case p > 1:
		c.Prune = p << 20
	default:
		c.Prune = p
	}
	c.LoadBlock = c.list("load-block")
	c.Reindex = c.values["reindex"].(bool)
	c.LogLevels = c.list("log-level")
	if _, err := loglevel.NewLevels(c.LogLevels); err != nil {
		return c.fail("log-level", "%v", err)
	}
	if c.LogFormat = c.str("log-format"); c.LogFormat != "text" && c.LogFormat != "json" {
		return c.fail("log-format", "%q is neither text nor json", c.LogFormat)
	}
	if err := c.settleRelay(); err != nil {
		return err
	}
	if err := c.settleMining(); err != nil {
		return err
	}
	return c.settleAddresses()
}

// settleNetwork finds the network and applies what may be changed of it.
func (c *Config) settleNetwork() error {
	n := c.Network
	var err error
	if s := c.str("signet-challenge"); s != "" {
		b, err := hex.DecodeString(s)
		if err != nil {
			return c.fail("signet-challenge", "not hexadecimal digits")
		}
		if !n.IsSignet() {
			return c.fail("signet-challenge", "only for --network signet")
		}
		n = params.SignetWith(b)
	}
	switch s := c.str("assume-valid"); s {
	case "":
	case "0":
		n.AssumeValid = wire.Hash{}
	default:
		if n.AssumeValid, err = wire.HashFromString(s); err != nil {
			return c.fail("assume-valid", "want a block hash of 64 hexadecimal digits, or 0")
		}
	}
	if s := c.str("min-chain-work"); s != "" {
		digits := strings.TrimLeft(strings.TrimPrefix(s, "0x"), "0")
		if digits == "" {
			digits = "0"
		}
		if n.MinimumChainWork, err = uint256.FromHex("0x" + digits); err != nil {
			return c.fail("min-chain-work", "want up to 64 hexadecimal digits")
		}
	}
	c.Network = n
	return nil
}

// none is the word that switches a list of addresses off.
const none = "0"

func (c *Config) settleAddresses() error {
	port := strconv.Itoa(int(c.Network.DefaultPort))
	c.RPCListen = c.str("rpc-listen")
	if c.RPCListen == "" {
		c.RPCListen = "127.0.0.1"
		if c.NodeID != 0 {
			c.RPCListen = net.JoinHostPort(c.RPCListen, strconv.Itoa(c.NodeID+rpcOffset))
		}
	}
	var err error
	if c.RPCListen, err = hostPort(c.RPCListen, strconv.Itoa(int(c.Network.RPCPort))); err != nil {
		return c.fail("rpc-listen", "%v", err)
	}
	if c.MetricsListen = c.str("metrics-listen"); c.MetricsListen != "" {
		if c.MetricsListen, err = hostPort(c.MetricsListen, "9332"); err != nil {
			return c.fail("metrics-listen", "%v", err)
		}
	}
	all := func(name string) ([]string, error) {
		var out []string
		words := c.list(name)
		for _, s := range words {
			if s == none && len(words) == 1 {
				return nil, nil
			}
			hp := s
			// A multiaddress has its own form, which its transport checks.
			if !strings.HasPrefix(s, "/") {
				if hp, err = hostPort(s, port); err != nil {
					return nil, c.fail(name, "%v", err)
				}
			}
			out = append(out, hp)
		}
		return out, nil
	}
	if c.Listen, err = all("listen"); err != nil {
		return err
	}
	if len(c.list("listen")) == 0 {
		c.Listen = []string{":" + port}
		if c.NodeID != 0 {
			c.Listen = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(c.NodeID))}
		}
	}
	if c.Connect, err = all("connect"); err != nil {
		return err
	}
	c.ConnectOnly = len(c.list("connect")) > 0
	if c.AddNode, err = all("addnode"); err != nil {
		return err
	}
	if !params.BuiltIn(c.Network.Name) && !c.ConnectOnly {
		c.addSeeds()
	}
	return nil
}

// hostPort reads host:port, or a host alone.
func hostPort(s, port string) (string, error) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		host, p = strings.Trim(s, "[]"), port
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", fmt.Errorf("%q is not host:port", s)
		}
	}
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || strings.ContainsAny(host, " /") || n == 0 && p != "0" {
		return "", fmt.Errorf("%q is not host:port", s)
	}
	return net.JoinHostPort(host, p), nil
}

// DataDir returns the directory that holds those of all networks.
func (c *Config) DataDir() string { return c.str("datadir") }

// File returns the path of the configuration file, whether or not it exists.
func (c *Config) File() string { return c.str("config") }

// CookiePath returns where the cookie file for RPC is, given its name.
func (c *Config) CookiePath(name string) string { return filepath.Join(c.NetDir, name) }
