package settings

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"starling/params"
	"starling/params/netfile"
	"starling/wire"
)

// ownNetwork writes the file of a network into a data directory.
func ownNetwork(t *testing.T, path, name string, seeds ...string) *params.Network {
	t.Helper()
	n := params.Own(name)
	n.FixedSeeds = seeds
	n, err := netfile.Create(context.Background(), netfile.Spec{
		Network: n, Outputs: []wire.TxOut{{Value: 1, Script: []byte{0x51}}}, Time: time.Unix(1_700_000_000, 0),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := netfile.Encode(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return n
}

// loadIn reads settings with a given data directory.
func loadIn(t *testing.T, dir string, flags ...string) (*Settings, error) {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(fs, false)
	if err := fs.Parse(append([]string{"--datadir", dir}, flags...)); err != nil {
		t.Fatal(err)
	}
	return Load(fs, nil, nil, parts)
}

func TestOwnNetwork(t *testing.T) {
	dir := t.TempDir()
	n := ownNetwork(t, NetworkFile(dir, "murmur"), "murmur", "127.0.0.1:8000", "seed.example:1")
	elsewhere := filepath.Join(t.TempDir(), "x.toml")
	other := ownNetwork(t, elsewhere, "other")
	file := "dbcache = 10\n[murmur]\ndbcache = 11\n[other]\ndbcache = 12\n"
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}

	if _, err := loadIn(t, dir, "--network", "murmur"); err == nil || !strings.HasPrefix(err.Error(), "other.dbcache: unknown setting") {
		t.Errorf("a table of a network that is not known gave %v", err)
	}
	ownNetwork(t, NetworkFile(dir, "other"), "other")

	c, err := loadIn(t, dir, "--network", "murmur")
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Network.GenesisHash != n.GenesisHash || c.Server.Dir != filepath.Join(dir, "murmur") || c.Server.DBCache != 11<<20 {
		t.Errorf("%s %s %d", c.Server.Network.GenesisHash, c.Server.Dir, c.Server.DBCache>>20)
	}
	if diff := cmp.Diff([]string{"127.0.0.1:8000", "seed.example:1"}, c.AddNode); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"murmur", "other"}, c.OwnNetworks()); diff != "" {
		t.Error(diff)
	}
	if c.Server.RelayDelayInbound != ownRelayDelay || c.Server.RelayDelayOutbound != ownRelayDelay {
		t.Errorf("relay delays %v and %v", c.Server.RelayDelayInbound, c.Server.RelayDelayOutbound)
	}
	if c, err = loadIn(t, dir, "--network", "murmur", "--relay-delay-inbound", "5s"); err != nil || c.Server.RelayDelayInbound != 5*time.Second {
		t.Errorf("a delay that was asked for: %v, %v", c.Server.RelayDelayInbound, err)
	}
	if c, err = loadIn(t, dir, "--network", elsewhere); err != nil || c.Server.Network.GenesisHash != other.GenesisHash || c.Server.DBCache != 12<<20 {
		t.Errorf("from a file: %v, %v", c, err)
	}
	if c, err = loadIn(t, dir, "--network", "murmur", "--connect", "1.2.3.4"); err != nil || c.AddNode != nil {
		t.Errorf("with --connect seeds are not used: %v, %v", c.AddNode, err)
	}

	for _, tc := range []struct{ network, want string }{
		{"murmer", `network: no network is called "murmer"; did you mean murmur? (there are main, testnet4, signet, regtest, murmur, other; `},
		{"./murmur", "network: there is no file ./murmur ("},
		{"away.toml", "network: there is no file away.toml ("},
		{filepath.Join(dir, FileName), "network: " + dir},
	} {
		if _, err := loadIn(t, dir, "--network", tc.network); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.network, err, tc.want)
		}
	}
	if err := os.Rename(NetworkFile(dir, "other"), NetworkFile(dir, "third")); err != nil {
		t.Fatal(err)
	}
	if _, err := loadIn(t, dir, "--network", "third"); err == nil || !strings.Contains(err.Error(), "describes network other") {
		t.Errorf("a file of another name gave %v", err)
	}
}

func TestNodeID(t *testing.T) {
	dir := t.TempDir()
	ownNetwork(t, NetworkFile(dir, "murmur"), "murmur", "127.0.0.1:8000")
	type places struct {
		Dir, RPC     string
		Listen, Seed []string
	}
	for _, tc := range []struct {
		flags []string
		want  places
	}{
		{[]string{"--node-id=8000"}, places{"node-8000/murmur", "127.0.0.1:18000", []string{"127.0.0.1:8000"}, nil}},
		{[]string{"--node-id=8001"}, places{"node-8001/murmur", "127.0.0.1:18001", []string{"127.0.0.1:8001"}, []string{"127.0.0.1:8000"}}},
		{[]string{"--node-id=8001", "--listen=:9", "--rpc-listen=127.0.0.1:10"},
			places{"node-8001/murmur", "127.0.0.1:10", []string{":9"}, []string{"127.0.0.1:8000"}}},
		{[]string{"--listen=:8000"}, places{"murmur", "", []string{":8000"}, nil}},
	} {
		c, err := loadIn(t, dir, append(tc.flags, "--network=murmur")...)
		if err != nil {
			t.Fatal(err)
		}
		got := places{strings.TrimPrefix(c.Server.Dir, dir+"/"), c.RPCListen, c.Listen, c.AddNode}
		if tc.want.RPC == "" {
			got.RPC = ""
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%v:\n%s", tc.flags, diff)
		}
	}
	for _, id := range []string{"0", "-1", "x", "55536"} {
		if _, err := loadIn(t, dir, "--node-id="+id); err == nil || !strings.HasPrefix(err.Error(), "node-id: ") {
			t.Errorf("%s gave %v", id, err)
		}
	}
}
