package devnet

import (
	"context"
	"time"

	"starling/chain/headertree"
	"starling/wallet"
)

// Event is something that has happened. Which fields are set hangs on its
// kind: ready, block, reorg, payment, partition, heal, path, stopped, started,
// stopping. All of a network stops with the last one, one node with stopped.
type Event struct {
	Time time.Time `json:"time"`
	Kind string    `json:"event"`
	Node string    `json:"node,omitempty"` // whose tip moved, for reorg; or which has stopped or started

	Ready *Description `json:"ready,omitempty"`

	Height int32  `json:"height,omitempty"` // of a block or, for reorg, of the new tip
	Hash   string `json:"hash,omitempty"`   // of the same
	Txs    int    `json:"txs,omitempty"`    // in a block
	Depth  int32  `json:"depth,omitempty"`  // of reorg: how many blocks were taken back

	Payment *PaymentInfo `json:"payment,omitempty"`
	Groups  [][]string   `json:"groups,omitempty"` // of partition
	Path    *Path        `json:"path,omitempty"`
}

// PaymentInfo is a payment that was handed in.
type PaymentInfo struct {
	TxID   string `json:"txid"`
	From   string `json:"from"`
	To     string `json:"to"`
	Amount string `json:"amount"` // in coins
	Fee    int64  `json:"fee"`    // in satoshi
}

// Description is what one needs to use the network.
type Description struct {
	Dir     string     `json:"dir"`
	Network string     `json:"network"` // the network's file
	Kept    bool       `json:"kept"`    // whether the directory stays
	Mine    string     `json:"mine"`
	Nodes   []NodeInfo `json:"nodes"`
	// Seconds from the program's start to the first block and to the first
	// confirmed payment; 0 if the network was there before.
	FirstBlock   float64 `json:"first_block,omitempty"`
	FirstPayment float64 `json:"first_payment,omitempty"`
}

// NodeInfo is what one needs to use a node.
type NodeInfo struct {
	Name     string `json:"name"`
	P2P      string `json:"p2p"`
	RPC      string `json:"rpc"`
	DataDir  string `json:"datadir"`                // what --datadir is for commands
	NetDir   string `json:"network_dir"`            // in it: the blocks, the wallets
	Cookie   string `json:"cookie"`                 // file with a user and password for RPC
	Wallet   string `json:"wallet"`                 // its wallet's name
	User     string `json:"rpc_user,omitempty"`     // also let in, if asked for
	Password string `json:"rpc_password,omitempty"` // the same
	Mines    bool   `json:"mines"`
	Stopped  bool   `json:"stopped,omitempty"` // then its wallet is not known
	Mnemonic string `json:"mnemonic"`          // seed phrase of its wallet
	Address  string `json:"address"`           // of its wallet, with money on it
	Balance  string `json:"balance"`           // in coins
}

// emit tells of an event.
func (d *Net) emit(e Event) {
	if d.cfg.Events == nil {
		return
	}
	e.Time = d.clk.Now()
	d.telling.Lock()
	defer d.telling.Unlock()
	d.cfg.Events(e)
}

// describe gathers what one needs to use the network.
func (d *Net) describe(ctx context.Context) *Description {
	r := &Description{Dir: d.dir, Network: d.networkPath(), Kept: d.cfg.State != "", Mine: d.cfg.Mode.String()}
	for _, n := range d.nodes {
		info := NodeInfo{Name: n.name, P2P: n.p2p, RPC: n.rpc, DataDir: n.dir,
			NetDir: n.netDir, Cookie: n.cookie(), Wallet: wallet.DefaultName, User: d.cfg.RPCUser, Password: d.cfg.RPCPassword,
			Mines: n.index == d.minerIndex() && d.cfg.Mode.kind != hand}
		ctx, leave, err := n.use(ctx)
		if err != nil {
			info.Stopped = true
			r.Nodes = append(r.Nodes, info)
			continue
		}
		if w, err := n.wallet(); err == nil {
			_ = w.Sync(ctx) // as far as it gets
			info.Mnemonic, _, _ = w.Mnemonic()
			info.Address = funded(w)
			info.Balance = coins(w.Balance().Trusted)
		}
		leave()
		r.Nodes = append(r.Nodes, info)
	}
	return r
}

// funded returns the address of a wallet that holds the most.
func funded(w *wallet.Wallet) (address string) {
	sums := make(map[string]int64)
	var best int64
	for _, c := range w.Coins(wallet.CoinFilter{}) {
		sums[c.Address] += c.Value
		if s := sums[c.Address]; s > best {
			address, best = c.Address, s
		}
	}
	return address
}

// watch tells of each block the first time that a node has it at its tip, and
// of each reorganisation of the node, until ctx ends.
func (d *Net) watch(ctx context.Context, n *member) {
	c := n.Server.Chain()
	last := c.Tip()
	for {
		changed := c.TipChanged()
		if tip := c.Tip(); tip != last {
			d.moved(n, last, tip)
			last = tip
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// remember has the blocks that a node knows at the start be no news when other nodes
// fetch them, or this one connects them again after a crash.
func (d *Net) remember(n *member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for b := n.Server.Chain().Headers().Best(); b != nil && !d.seen[b.Hash]; b = b.Parent {
		d.seen[b.Hash] = true
	}
}

// moved tells of what a node's new tip means.
func (d *Net) moved(n *member, from, to *headertree.Node) {
	fork := headertree.Fork(from, to)
	if fork != from {
		d.emit(Event{Kind: "reorg", Node: n.name, Height: to.Height, Hash: to.Hash.String(), Depth: from.Height - fork.Height})
	}
	for h := fork.Height + 1; h <= to.Height; h++ {
		b := to.Ancestor(h)
		d.mu.Lock()
		known := d.seen[b.Hash]
		d.seen[b.Hash] = true
		if !known {
			d.blocks++
		}
		d.mu.Unlock()
		if !known {
			d.sawBlock()
			d.emit(Event{Kind: "block", Height: h, Hash: b.Hash.String(), Txs: int(b.Txs())})
		}
	}
}
