package devnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/chain/headertree"
	"starling/internal/fullnode"
	"starling/params"
	"starling/rpc"
	"starling/server"
	"starling/transport"
	"starling/transport/tcp"
	"starling/wallet"
	"starling/wire"
)

const (
	// cacheBytes is the memory of each node's coin set. The chain is small.
	cacheBytes = 16 << 20
	// announceDelay is the mean time until a transaction is announced to a
	// peer. On Bitcoin's networks it is seconds, to hide where payments come
	// from; nobody has to hide here.
	announceDelay = 50 * time.Millisecond
)

// node is one node of the network.
type node struct {
	*fullnode.Node
	name  string
	index int
	dir   string         // what --datadir is for commands
	peers []ma.Multiaddr // that it dials
	p2p   string         // host:port
}

// openNode opens a node. dial are the addresses of those that it connects to.
func (d *Net) openNode(ctx context.Context, i int, dial []ma.Multiaddr) (*node, error) {
	np := &d.plan.Nodes[i]
	listen, err := transport.ParseAddr(loopback(np.P2P))
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	if d.cfg.Log != nil {
		log = d.cfg.Log(np.Name)
	}
	nd := &node{name: np.Name, index: i, dir: filepath.Join(d.dir, np.Name), peers: dial}
	cookie := filepath.Join(netDir(d.dir, np.Name), rpc.CookieFile)
	cfg := fullnode.Config{
		Server: server.Config{
			Network: d.network, Dir: netDir(d.dir, np.Name), DBCache: cacheBytes,
			Transports: []transport.Transport{d.faults.Wrap(i, tcp.New(tcp.Options{Magic: d.network.Magic}))},
			Listen:     []ma.Multiaddr{listen}, Peers: dial,
			RelayDelayInbound: announceDelay, RelayDelayOutbound: announceDelay,
			UserAgent: "/Starling:" + d.cfg.Version + "(" + np.Name + ")/",
			Log:       log, Logs: fullnode.Logs(log),
		},
		RPC:     fullnode.RPC{Listen: loopback(np.RPC), CookiePath: cookie},
		Stop:    d.Stop,
		Version: d.cfg.Version,
	}
	if i == d.minerIndex() && d.cfg.Mode.kind != hand {
		pace, least := d.cfg.Mode.pace(rand.New(rand.NewPCG(rand.Uint64(), 0)))
		cfg.Mining = fullnode.Mining{On: true, Threads: 1, MinTxs: least, Pace: pace}
	}
	if nd.Node, err = fullnode.Open(ctx, cfg); err != nil {
		return nil, fmt.Errorf("node %s: %w", np.Name, err)
	}
	nd.p2p = transport.FormatAddr(nd.Server.Listening()[0])
	np.P2P, np.RPC = port(nd.p2p), port(nd.RPCAddr().String())
	if _, err := nd.Wallets.Get(wallet.DefaultName); errors.Is(err, wallet.ErrNotFound) {
		// A node that was not there the last time.
		_, _, err = nd.Wallets.Create(ctx, wallet.Options{Name: wallet.DefaultName})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("wallet of %s: %w", np.Name, err), nd.Close())
		}
	}
	return nd, nil
}

// loopback returns an address on this machine with the port, if that is free,
// or else any port.
func loopback(port int) string {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "127.0.0.1:0"
	}
	ln.Close()
	return addr
}

// port returns the port of host:port.
func port(addr string) int {
	_, p, err := net.SplitHostPort(addr)
	n, perr := strconv.Atoi(p)
	if err != nil || perr != nil {
		return 0
	}
	return n
}

// wallet returns the node's wallet.
func (n *node) wallet() (*wallet.Wallet, error) { return n.Wallets.Get(wallet.DefaultName) }

// tip returns the end of the node's best chain.
func (n *node) tip() *headertree.Node { return n.Server.Chain().Tip() }

// await waits until ok holds, which hangs on the node's tip and its mempool
// alone.
func (n *node) await(ctx context.Context, ok func() bool) error {
	c, pool := n.Server.Chain(), n.Server.Mempool()
	for {
		tip, txs := c.TipChanged(), pool.Changed()
		if ok() {
			return nil
		}
		select {
		case <-tip:
		case <-txs:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// confirmed reports whether the first output of a transaction is among the
// unspent ones.
func (n *node) confirmed(id wire.Hash) bool {
	_, ok, _, err := n.Server.Chain().Coin(wire.OutPoint{Hash: id})
	return err == nil && ok
}

// knows reports whether the node has a transaction, confirmed or not.
func (n *node) knows(id wire.Hash) bool {
	return n.Server.Mempool().Get(id) != nil || n.confirmed(id)
}

// coins returns an amount in the way that people write it.
func coins(sat int64) string {
	return strconv.FormatFloat(float64(sat)/params.Coin, 'f', -1, 64)
}
