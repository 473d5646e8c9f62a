package devnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/clock"
	"starling/node"
	"starling/params"
	"starling/params/netfile"
	"starling/store"
	"starling/wallet"
	"starling/wire"
)

const (
	// networkName is what the network is called.
	networkName = "devnet"
	networkFile = networkName + ".toml"
	planFile    = "nodes.json"

	// The genesis block pays the central node's wallet genesisOutputs times
	// genesisCoins: enough outputs for many payments at a time, and with all
	// subsidies far less than the protocol allows.
	genesisOutputs = 100
	genesisCoins   = 10_000 * params.Coin
	// maturity is how many blocks deep the reward of a block must be: few, so
	// that the miner has something to spend soon.
	maturity = 5
)

// plan is what must stay the same when a network is taken up again.
type plan struct {
	Topology Topology   `json:"topology"`
	Seed     uint64     `json:"seed"`
	Nodes    []nodePlan `json:"nodes"`
}

// nodePlan is one node: its name, which is that of its directory too, and the
// ports that it had last.
type nodePlan struct {
	Name string `json:"name"`
	P2P  int    `json:"p2p"`
	RPC  int    `json:"rpc"`
}

// nodeName returns the name of the node at a place, from 0 on. The first three
// are called after the part that they play.
func nodeName(i int) string {
	switch i {
	case 0:
		return "central"
	case 1:
		return "wallet"
	case 2:
		return "miner"
	}
	return fmt.Sprintf("node%d", i+1)
}

// loadPlan reads the plan of a directory and fits it to the settings; a new
// one if there is none.
func loadPlan(dir string, cfg *Config, seed uint64) (*plan, error) {
	p := &plan{Topology: cfg.Topology, Seed: seed}
	path := filepath.Join(dir, planFile)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(b, p); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w", path, err)
		}
		if cfg.Topology != "" {
			p.Topology = cfg.Topology
		}
	}
	if p.Topology == "" {
		p.Topology = Line
	}
	if cfg.Nodes > 0 && cfg.Nodes < len(p.Nodes) {
		return nil, fmt.Errorf("nodes: %s has %d nodes already, and cannot do with fewer", dir, len(p.Nodes))
	}
	want := max(cfg.Nodes, len(p.Nodes))
	if want == 0 {
		want = DefaultNodes
	}
	for len(p.Nodes) < want {
		p.Nodes = append(p.Nodes, nodePlan{Name: nodeName(len(p.Nodes))})
	}
	return p, nil
}

// save writes the plan, so that the next time finds it whatever happens.
func (p *plan) save(dir string) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, planFile), append(b, '\n'), 0o644)
}

// writeFile replaces a file as a whole or not at all.
func writeFile(path string, b []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return store.SyncDir(vfs.Default, filepath.Dir(path))
}

// netDir returns the data directory of a node's network.
func netDir(dir, node string) string { return filepath.Join(dir, node, networkName) }

// loadNetwork reads the network of a directory, or makes it: with a wallet for
// each node, the first of which owns what the genesis block pays.
func loadNetwork(ctx context.Context, dir string, p *plan) (*params.Network, error) {
	path := filepath.Join(dir, networkFile)
	net, err := netfile.Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return net, err
	}
	net = params.Own(networkName)
	net.CoinbaseMaturity = maturity
	spec := netfile.Spec{Network: net, Time: clock.System().Now()}
	for i, n := range p.Nodes {
		outputs := 0
		if i == 0 {
			outputs = genesisOutputs
		}
		scripts, err := earlyWallet(ctx, netDir(dir, n.Name), net, outputs)
		if err != nil {
			return nil, fmt.Errorf("wallet of %s: %w", n.Name, err)
		}
		for _, s := range scripts {
			spec.Outputs = append(spec.Outputs, wire.TxOut{Value: genesisCoins, Script: s})
		}
	}
	if net, err = netfile.Create(ctx, spec, nil); err != nil {
		return nil, err
	}
	text, err := netfile.Encode(net)
	if err != nil {
		return nil, err
	}
	return net, writeFile(path, text, 0o644)
}

// devnetGap is how many addresses of each kind a node's wallet looks ahead. The
// seeds are new, so nobody has skipped any, and deriving the usual thousand
// would be most of what a network's start takes.
const devnetGap = 20

// walletOptions says how the wallets of nodes are made.
func walletOptions() wallet.Options {
	return wallet.Options{Name: wallet.DefaultName, Gap: devnetGap}
}

// earlyWallet makes the wallet of a node that has no chain yet, and returns the
// scripts of so many outputs that pay it. All go to one address: the wallet
// takes note of them as of any coins.
func earlyWallet(ctx context.Context, dir string, net *params.Network, outputs int) (scripts [][]byte, err error) {
	lock, err := store.LockDir(vfs.Default, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	m, err := wallet.New(wallet.Config{Chain: wallet.Detached(net), Dir: node.WalletDir(dir)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	w, err := m.Load(ctx, wallet.DefaultName)
	if errors.Is(err, wallet.ErrNotFound) {
		w, _, err = m.Create(ctx, walletOptions())
	}
	if err != nil || outputs == 0 {
		return nil, err
	}
	to, err := w.NewAddress("", "genesis")
	if err != nil {
		return nil, err
	}
	for range outputs {
		scripts = append(scripts, to.Script())
	}
	return scripts, nil
}
