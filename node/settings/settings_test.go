package settings

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"starling/internal/layered"
	"starling/peer"
	"starling/wire"
)

// parts are those of a node that log.
var parts = []string{"chain", "net"}

// load reads settings from flags, environment and file text.
func load(t *testing.T, file string, environ []string, flags ...string) (*Settings, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(fs, false)
	if err := fs.Parse(append([]string{"--datadir", dir}, flags...)); err != nil {
		return nil, err
	}
	return Load(fs, environ, nil, parts)
}

func TestPrecedence(t *testing.T) {
	const file = "dbcache = 10\nbanscore = 20\nmax-connections = 30\n"
	env := []string{"STARLING_BANSCORE=21", "STARLING_MAX_CONNECTIONS=31", "STARLING_SERVICE_HOST=10.0.0.1", "STARLING_PORT=tcp://10.0.0.1:8333", "OTHER=1"}
	c, err := load(t, file, env, "--max-connections", "32")
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.DBCache != 10<<20 || c.Server.BanScore != 21 || c.Server.MaxPeers != 32 || c.Server.PingInterval != 2*time.Minute {
		t.Errorf("got %d %v %d %v", c.Server.DBCache, c.Server.BanScore, c.Server.MaxPeers, c.Server.PingInterval)
	}
	want := map[string]string{
		"dbcache": "file " + c.File(), "banscore": "environment STARLING_BANSCORE",
		"max-connections": "flag --max-connections", "ping-interval": "default",
	}
	for _, s := range c.Settings() {
		if w := want[s.Name]; w != "" && s.Origin != w {
			t.Errorf("%s comes from %q, want %q", s.Name, s.Origin, w)
		}
	}
}

func TestNetworkTable(t *testing.T) {
	const file = "network = \"regtest\"\ndbcache = 10\n[regtest]\ndbcache = 11\n[signet]\ndbcache = 12\n"
	for network, want := range map[string]int64{"": 11, "signet": 12, "main": 10} {
		var flags []string
		if network != "" {
			flags = []string{"--network", network}
		}
		c, err := load(t, file, nil, flags...)
		if err != nil {
			t.Fatal(err)
		}
		if c.Server.DBCache != want<<20 {
			t.Errorf("network %q: dbcache %d MiB, want %d", network, c.Server.DBCache>>20, want)
		}
	}
}

func TestLists(t *testing.T) {
	c, err := load(t, `listen = ["127.0.0.1", "[::1]:99", "/ip4/127.0.0.1/tcp/7"]`, []string{"STARLING_ADDNODE=a,b:7"}, "--connect", "1.2.3.4", "--connect=5.6.7.8:1", "--network=regtest")
	if err != nil {
		t.Fatal(err)
	}
	got := [][]string{c.Listen, c.AddNode, c.Connect}
	want := [][]string{{"127.0.0.1:18444", "[::1]:99", "/ip4/127.0.0.1/tcp/7"}, {"a:18444", "b:7"}, {"1.2.3.4:18444", "5.6.7.8:1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c, err = load(t, "", nil, "--connect", "0", "--listen=0"); err != nil || !c.connectOnly() || c.Connect != nil || c.Listen != nil {
		t.Errorf("connect 0: %+v, %v", c, err)
	}
	for _, name := range []string{"connect", "listen"} {
		if _, err := load(t, "", nil, "--"+name, "0", "--"+name, "1.2.3.4"); err == nil || !strings.Contains(err.Error(), "0 is for none") {
			t.Errorf("%s 0 and another: %v", name, err)
		}
	}
	if c, err = load(t, "", nil); err != nil || c.connectOnly() || !cmp.Equal(c.Listen, []string{":8333"}) || c.RPCListen != "127.0.0.1:8332" {
		t.Errorf("defaults: %+v, %v", c, err)
	}
}

func TestNetworkSettings(t *testing.T) {
	c, err := load(t, "", nil, "--network=signet", "--signet-challenge=51", "--assume-valid=0", "--min-chain-work=0x0")
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Network.AssumeValid != (wire.Hash{}) || !c.Server.Network.MinimumChainWork.IsZero() || !bytes.Equal(c.Server.Network.SignetChallenge, []byte{0x51}) {
		t.Errorf("%+v", c.Server.Network)
	}
	if base := filepath.Base(c.Server.Dir); !strings.HasPrefix(base, "signet-") || len(base) != len("signet-")+8 {
		t.Error(c.Server.Dir)
	}
	if c, err = load(t, "", nil, "--bantime=60", "--ping-timeout", "90s"); err != nil || c.Server.BanTime != time.Minute || c.Server.CountLocal || c.Server.PingTimeout != 90*time.Second {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		env        []string
		flags      []string
		want       string // how the message starts or, after "…", ends
	}{
		{"unknown key", "db-cache = 7", nil, nil, "db-cache: unknown setting; did you mean dbcache?"},
		{"unknown key in a table", "[regtest]\nlisten_ = 7", nil, nil, "regtest.listen_: unknown setting; did you mean listen?"},
		{"far off", "colour = 7", nil, nil, "colour: unknown setting ("},
		{"not TOML", "= 7", nil, nil, "invalid character at start of key"},
		{"twice", "dbcache = 7\n\ndbcache = 8", nil, nil, "key dbcache is already defined"},
		{"unknown variable", "", []string{"STARLING_DBCASH=7"}, nil, "STARLING_DBCASH: there is no such setting; did you mean STARLING_DBCACHE? (environment)"},
		{"unknown variable of two words", "", []string{"STARLING_RPC_LISEN=7"}, nil, "STARLING_RPC_LISEN: there is no such setting; did you mean STARLING_RPC_LISTEN? (environment)"},
		{"short variable", "", []string{"STARLING_FOO=7"}, nil, "STARLING_FOO: there is no such setting (environment)"},
		{"far off variable", "", []string{"STARLING_SKY_IS_BLUE_TODAY=7"}, nil, "STARLING_SKY_IS_BLUE_TODAY: there is no such setting (environment)"},
		{"node", "", []string{"NODE_ID=x"}, nil, `node-id: "x" is not a port number from 1 to 55535 (environment NODE_ID)`},
		{"hidden password", "rpc-user = \"x\"\nrpc-password = \"****\"", nil, nil, "rpc-password: a password of asterisks only stands for one that is not shown"},
		{"hidden password in the environment", "", []string{"STARLING_RPC_USER=x", "STARLING_RPC_PASSWORD=********"}, nil, "rpc-password: a password of asterisks"},
		{"number as password", "rpc-user = \"x\"\nrpc-password = 0x1f", nil, nil, "rpc-password: put it in quotes"},
		{"fraction as text", "rpc-user = 1.50", nil, nil, "rpc-user: 1.5 is not a text; put it in quotes"},
		{"bytes", "", []string{"STARLING_DATADIR=/tmp/\xff"}, nil, `datadir: "/tmp/\xff" is not a text in UTF-8`},
		{"type in the file", "dbcache = \"much\"", nil, nil, `dbcache: "much" is not a number from 4 to 1048576 (file `},
		{"list in the file", "listen = [1]", nil, nil, "listen: 1 is not a text (file "},
		{"variable", "", []string{"STARLING_TXINDEX=perhaps"}, nil, `txindex: "perhaps" is neither true nor false (environment STARLING_TXINDEX)`},
		{"flag", "", nil, []string{"--dbcache=-1"}, "invalid argument"},
		{"network", "", nil, []string{"--network=mian"}, "network: "},
		{"prune", "", nil, []string{"--prune=100"}, "prune: at least 550 MiB"},
		{"prune and index", "", nil, []string{"--prune=1000", "--txindex"}, "prune: a pruned node can not"},
		{"filters not kept", "", nil, []string{"--peerblockfilters"}, "peerblockfilters: there is nothing to serve without blockfilterindex"},
		{"no score", "", []string{"STARLING_BANSCORE=0"}, nil, `banscore: "0" is not a number from 1 to 1000000`},
		{"no ban", "", []string{"STARLING_BANTIME=0"}, nil, `bantime: "0" is not a time such as 90s, 2m, 24h or 2d, from 1s to`},
		{"user alone", "", nil, []string{"--rpc-user=x"}, "rpc-user: rpc-user and rpc-password go together"},
		{"host", "", nil, []string{"--rpc-allow-host=http://node"}, `rpc-allow-host: "http://node" is not the name of a host`},
		{"address", "", nil, []string{"--listen=1.2.3.4:99999"}, `listen: "1.2.3.4:99999" is not host:port`},
		{"part", "", nil, []string{"--log-level=nett=debug"}, `log-level: no part "nett" has a log level; did you mean net?`},
		{"level", "", nil, []string{"--log-level=loud"}, `log-level: "loud" is not one of`},
		{"hash", "", nil, []string{"--assume-valid=12"}, "assume-valid: want a block hash"},
		{"challenge", "", nil, []string{"--signet-challenge=51"}, "signet-challenge: only for --network signet"},
		{"missing file", "", nil, []string{"--config=/nowhere/x.toml"}, "there is no such configuration file (file /nowhere/x.toml)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, tc.file, tc.env, tc.flags...)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %q, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has more than one line", err)
			}
			var e *layered.Error
			if tc.name != "flag" && !errors.As(err, &e) {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

// TestBadFileLine says in which line a file is wrong.
func TestBadFileLine(t *testing.T) {
	for _, tc := range []struct {
		file string
		line string
	}{
		{"dbcache = 10\n\nbanscore = [1,\n", "line 3"},
		{"dbcache = 10\nlisten = \"a\n", "line 2"},
		{"= 7", "line 1"},
		{"dbcache = 7\n\ndbcache = 8", "line 3"},
		{"dbcache = 7\n[regtest]\n[regtest]\n", "line 3"},
	} {
		_, err := load(t, tc.file, nil)
		if err == nil || !strings.HasSuffix(err.Error(), FileName+", "+tc.line+")") {
			t.Errorf("%q: %v", tc.file, err)
		}
	}
}

// TestRanges gives each number and time what is just within its range, and what
// is just out of it.
func TestRanges(t *testing.T) {
	for _, o := range Options() {
		unit := ""
		switch o.Kind {
		case layered.Number:
		case layered.Duration:
			unit = "s"
		default:
			continue
		}
		if o.Most <= o.Least {
			t.Errorf("%s has no range", o.Name)
		}
		fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
		AddFlags(fs, false)
		for n, ok := range map[int64]bool{o.Least - 1: false, o.Least: true, o.Most: true, o.Most + 1: false, 1<<63 - 1: false, -1: false} {
			if err := fs.Set(o.Name, fmt.Sprint(n)+unit); (err == nil) != ok {
				t.Errorf("%s = %d: %v", o.Name, n, err)
			}
		}
		for _, s := range []string{"", "99999999999999999999", "1e3", "0x10", "ten"} {
			if err := fs.Set(o.Name, s); err == nil {
				t.Errorf("%s = %q was taken", o.Name, s)
			}
		}
	}
}

// TestCommandSettings lets a command decide.
func TestCommandSettings(t *testing.T) {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(fs, false)
	if err := fs.Parse([]string{"--datadir", t.TempDir(), "--network=signet"}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(fs, []string{"NODE_ID=8000"}, map[string]string{"network": "regtest"}, parts)
	if err != nil || c.Server.Network.Name != "regtest" || c.NodeID != 8000 {
		t.Fatalf("%v %v", c, err)
	}
	_, err = Load(fs, nil, map[string]string{"network": "nowhere"}, parts)
	if err == nil || !strings.HasSuffix(err.Error(), "(this command)") {
		t.Error(err)
	}
	// The setting proper is stronger, whichever comes first.
	for _, env := range [][]string{{"NODE_ID=8000", "STARLING_NODE_ID=8001"}, {"STARLING_NODE_ID=8001", "NODE_ID=8000"}} {
		if c, err = Load(fs, env, nil, parts); err != nil || c.NodeID != 8001 {
			t.Errorf("%v: %v %v", env, c, err)
		}
	}
}

// TestRelay reads the settings about transactions.
func TestRelay(t *testing.T) {
	for _, tc := range []struct {
		args []string
		bad  string // what the error is about; empty for none
	}{
		{nil, ""},
		{[]string{"--maxmempool=4"}, "maxmempool"},
		{[]string{"--mempool-expiry=0"}, "mempool-expiry"},
		{[]string{"--min-relay-fee=-1"}, "min-relay-fee"},
		{[]string{"--min-relay-fee=0", "--persist-mempool=false", "--blocks-only", "--network=regtest", "--accept-nonstandard"}, ""},
		{[]string{"--accept-nonstandard"}, "accept-nonstandard"},
		{[]string{"--fallback-fee=-1"}, "fallback-fee"},
		{[]string{"--fallback-fee=100000001"}, "fallback-fee"},
		{[]string{"--fallback-fee=0"}, ""},
		{[]string{"--whitelist=fly@10.0.0.1"}, "whitelist"},
		{[]string{"--whitelist=somewhere"}, "whitelist"},
		{[]string{"--whitelist=10.1.2.3/8", "--whitelist=addr@::1"}, ""},
	} {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		AddFlags(fs, false)
		if err := fs.Parse(append(tc.args, "--datadir="+t.TempDir())); err != nil {
			if tc.bad == "" || !strings.Contains(err.Error(), tc.bad) {
				t.Errorf("%v: %v", tc.args, err)
			}
			continue
		}
		c, err := Load(fs, nil, nil, parts)
		var e *layered.Error
		switch {
		case tc.bad == "" && err != nil:
			t.Errorf("%v: %v", tc.args, err)
		case tc.bad != "" && (!errors.As(err, &e) || e.Name != tc.bad):
			t.Errorf("%v: %v", tc.args, err)
		}
		if err != nil {
			continue
		}
		for addr, want := range map[string]peer.Permissions{"10.9.9.9": listedPermissions, "::ffff:10.9.9.9": listedPermissions, "::1": peer.PermAddr, "11.0.0.1": 0} {
			if len(c.List("whitelist")) == 0 {
				want = 0
			}
			if got := c.Server.Permissions(netip.MustParseAddr(addr), peer.Inbound); got != want {
				t.Errorf("%v: %s may %v", tc.args, addr, got)
			}
		}
	}
}

func TestFilterSettings(t *testing.T) {
	c, err := load(t, "", nil)
	if err != nil || c.BlockFilters || c.ServeFilters {
		t.Errorf("by default: %v, %v, %v", c.BlockFilters, c.ServeFilters, err)
	}
	// A node that prunes may keep filters.
	c, err = load(t, "", nil, "--prune=1000", "--blockfilterindex", "--peerblockfilters")
	if err != nil || !c.BlockFilters || !c.ServeFilters {
		t.Errorf("pruned: %v, %v, %v", c.BlockFilters, c.ServeFilters, err)
	}
}
