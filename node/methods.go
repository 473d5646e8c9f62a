package node

import (
	"errors"
	"log/slog"

	"starling/rpc/chainrpc"
	"starling/rpc/jsonrpc"
	"starling/rpc/mempoolrpc"
	"starling/rpc/miningrpc"
	"starling/rpc/netrpc"
	"starling/rpc/noderpc"
	"starling/rpc/txfind"
	"starling/rpc/txrpc"
	"starling/rpc/walletrpc"

	"starling/rpc"
)

// early is what the methods need that are answered while the node starts.
func (n *Node) early() noderpc.Deps {
	return noderpc.Deps{Network: n.cfg.Server.Network, Clock: n.Clock, Logs: n.cfg.Levels, Stop: n.cfg.Stop}
}

// groups is what all methods need, of a node whose parts are open.
func (n *Node) groups() rpc.Groups {
	s, c, pool := n.Server, n.Server.Chain(), n.Server.Mempool()
	net := c.Network()
	txs := &txfind.Finder{Chain: c, Pool: pool}
	own := n.early()
	own.Uptime, own.Active = s.Uptime, func() []jsonrpc.ActiveCall { return nil }
	if n.RPC != nil {
		own.Active = n.RPC.Active
	}
	if n.TxIndex != nil {
		txs.Index, own.TxIndex = n.TxIndex, n.TxIndex
	}
	blocks := chainrpc.Deps{Chain: c, Txs: txs, Log: n.part("rpc")}
	if n.Filters != nil {
		own.Filters, blocks.Filters = n.Filters, n.Filters
	}
	return rpc.Groups{
		Node:    own,
		Chain:   blocks,
		Txs:     txrpc.Deps{Network: net, Tip: c.Tip, Txs: txs},
		Mempool: mempoolrpc.Deps{Pool: pool, Coins: c, Relay: s, Orphans: s.TxDownload(), Fees: s.Fees()},
		Mining: miningrpc.Deps{
			Chain: c, Miner: n.Miner, Worker: n.Worker, Clock: n.Clock, Txs: txs,
			Peers: func() int { return len(s.Peers()) },
		},
		Net:    netrpc.Deps{Network: net, Peers: s, Conns: s.Conns(), Fees: pool, Chain: c, Tap: n.messages, Clock: n.Clock},
		Wallet: walletrpc.Deps{Network: net, Wallets: n.Wallets, Chain: c, Txs: txs},
	}
}

// fixedLevels are log levels of a node whose levels nobody can change.
type fixedLevels struct{}

// Names implements [noderpc.LogLevels].
func (fixedLevels) Names() []string { return nil }

// Level implements [noderpc.LogLevels].
func (fixedLevels) Level(string) slog.Level { return slog.LevelInfo }

// Set implements [noderpc.LogLevels].
func (fixedLevels) Set(string, slog.Level) error {
	return errors.New("the log levels of this node are fixed")
}
