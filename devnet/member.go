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

	"starling/rpc/jsonrpc"

	ma "github.com/multiformats/go-multiaddr"

	"starling/chain/headertree"
	"starling/mining"
	"starling/node"
	"starling/params"
	"starling/server"
	"starling/transport"
	"starling/transport/tcp"
	"starling/wallet"
	"starling/wire"
)

const (
	// cacheBytes is the memory of each node's UTXO set. The chain is small.
	cacheBytes = 16 << 20
	// announceDelay is the mean time until a transaction is announced to a
	// peer. On Bitcoin's networks it is seconds, to hide where payments come
	// from; nobody has to hide here.
	announceDelay = 50 * time.Millisecond
)

// member is one node of the network.
type member struct {
	*node.Node // while it runs, see use
	life       life
	name       string
	index      int
	dir        string         // what --datadir is for commands
	netDir     string         // where its data are
	dials      []int          // nodes that it connects to, by their places
	peers      []ma.Multiaddr // that it dials
	p2p, rpc   string         // host:port
}

// openNode opens a node, for the first time or again.
func (d *Net) openNode(ctx context.Context, nd *member) (err error) {
	i, np := nd.index, &d.plan.Nodes[nd.index]
	p2p, rpcAt, err := d.addrs(i)
	if err != nil {
		return err
	}
	listen, err := transport.ParseAddr(p2p)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if d.cfg.Log != nil {
		log = d.cfg.Log(np.Name)
	}
	cookie := nd.cookie()
	cfg := node.Config{
		Server: server.Config{
			Network: d.network, Dir: nd.netDir, DBCache: cacheBytes,
			Transports: []transport.Transport{d.faults.Wrap(i, tcp.New(tcp.Options{Magic: d.network.Magic}))},
			Listen:     []ma.Multiaddr{listen}, Peers: nd.peers,
			RelayDelayInbound: announceDelay, RelayDelayOutbound: announceDelay,
			UserAgent: "/Starling:" + d.cfg.Version + "(" + np.Name + ")/",
			Log:       log, Logs: node.Logs(log),
		},
		RPCListen: rpcAt,
		RPC:       jsonrpc.Options{CookiePath: cookie, User: d.cfg.RPCUser, Password: d.cfg.RPCPassword},
		Stop:      d.Stop,
		Version:   d.cfg.Version,
	}
	if i == d.minerIndex() && d.cfg.Mode.kind != hand {
		pace, least := d.cfg.Mode.pace(rand.New(rand.NewPCG(rand.Uint64(), 0)))
		cfg.Worker = &mining.WorkerConfig{Threads: 1, MinTxs: least, Pace: pace}
	}
	if nd.Node, err = node.Open(ctx, cfg); err != nil {
		return fmt.Errorf("node %s: %w", np.Name, err)
	}
	nd.p2p = transport.FormatAddr(nd.Server.Listening()[0])
	nd.rpc = nd.RPCAddr().String()
	np.P2P, np.RPC = port(nd.p2p), port(nd.rpc)
	if _, err := nd.Wallets.Get(wallet.DefaultName); errors.Is(err, wallet.ErrNotFound) {
		// A node that was not there the last time.
		_, _, err = nd.Wallets.Create(ctx, walletOptions())
		if err != nil {
			return errors.Join(fmt.Errorf("wallet of %s: %w", np.Name, err), nd.Close())
		}
	}
	return nil
}

// addrs returns where a node listens for peers and for RPC: at fixed ports if
// those were asked for, or else at those that it had the last time or any.
func (d *Net) addrs(i int) (p2p, rpc string, err error) {
	np := &d.plan.Nodes[i]
	at := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	switch {
	case d.opened: // the others know it there
		return at(np.P2P), at(np.RPC), nil
	case d.cfg.Ports == 0:
		return loopback(np.P2P), loopback(np.RPC), nil
	}
	first := d.cfg.Ports + 2*i
	if first+1 > maxPort {
		return "", "", fmt.Errorf("ports: there are none left for node %d; begin with a lower one", i+1)
	}
	return at(first), at(first + 1), nil
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

// cookie returns the file with the node's credentials.
func (n *member) cookie() string { return filepath.Join(n.netDir, jsonrpc.CookieFile) }

// wallet returns the node's wallet.
func (n *member) wallet() (*wallet.Wallet, error) { return n.Wallets.Get(wallet.DefaultName) }

// tip returns the end of the node's best chain.
func (n *member) tip() *headertree.Node { return n.Server.Chain().Tip() }

// await waits until ok holds, which hangs on the node's tip and its mempool
// alone.
func (n *member) await(ctx context.Context, ok func() bool) error {
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
func (n *member) confirmed(id wire.Hash) bool {
	_, ok, _, err := n.Server.Chain().Coin(wire.OutPoint{Hash: id})
	return err == nil && ok
}

// knows reports whether the node has a transaction, confirmed or not.
func (n *member) knows(id wire.Hash) bool {
	return n.Server.Mempool().Get(id) != nil || n.confirmed(id)
}

// coins returns an amount in the way that people write it.
func coins(sat int64) string { return params.ShortCoins(sat) }
