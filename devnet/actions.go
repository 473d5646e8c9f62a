package devnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"starling/address"
	"starling/chain/headertree"
	"starling/wallet"
	"starling/wire"
)

const (
	// spreadPatience is how long an action waits until its blocks have reached
	// all nodes that no partition keeps away.
	spreadPatience = 30 * time.Second
	// gatherPatience is how long it waits for transactions before.
	gatherPatience = 2 * time.Second
	// maxAgain is how many transactions of each node are announced again when a
	// partition has ended.
	maxAgain = 1000
	// maxMine is how many blocks one action makes.
	maxMine = 10_000
	// generateTries is more than enough nonces where every second one will do.
	generateTries = 1 << 30
)

// Status says how the network stands.
type Status struct {
	Height    int32        `json:"height"` // of the highest node
	Blocks    int          `json:"blocks"` // found since the start
	Payments  int64        `json:"payments"`
	Failures  int64        `json:"failures"` // payments that could not be made
	Mine      string       `json:"mine"`
	HashRate  float64      `json:"hashes_per_second"`
	Path      Path         `json:"path"`
	Partition [][]string   `json:"partition,omitempty"`
	Nodes     []NodeStatus `json:"nodes"`
}

// NodeStatus says how a node stands.
type NodeStatus struct {
	Name    string `json:"name"`
	Height  int32  `json:"height"`
	Hash    string `json:"hash"` // of the tip
	Peers   int    `json:"peers"`
	Cut     int    `json:"cut"` // of these, across a partition
	Mempool int    `json:"mempool"`
	Balance string `json:"balance"`
	RPC     string `json:"rpc"`
	Stopped bool   `json:"stopped,omitempty"` // then nothing else is known
}

// Status returns how the network stands.
func (d *Net) Status() Status {
	s := Status{
		Payments: d.payments.Load(), Failures: d.failures.Load(), Mine: d.cfg.Mode.String(),
		Path: d.faults.Path(), Partition: d.names(d.faults.Groups()),
	}
	d.mu.Lock()
	s.Blocks = d.blocks
	d.mu.Unlock()
	for _, n := range d.nodes {
		_, leave, err := n.use(context.Background())
		if err != nil {
			s.Nodes = append(s.Nodes, NodeStatus{Name: n.name, RPC: n.rpc, Stopped: true})
			continue
		}
		tip := n.tip()
		s.Height = max(s.Height, tip.Height)
		ns := NodeStatus{
			Name: n.name, Height: tip.Height, Hash: tip.Hash.String(), Peers: len(n.Server.Peers()),
			Cut: d.faults.CutLinks(n.index), Mempool: n.Server.Mempool().Len(), RPC: n.RPCAddr().String(),
		}
		if w, err := n.wallet(); err == nil {
			b := w.Balance()
			ns.Balance = coins(b.Trusted + b.Pending)
		}
		if n.Worker != nil {
			rate, _ := n.Worker.HashRate()
			s.HashRate += rate
		}
		leave()
		s.Nodes = append(s.Nodes, ns)
	}
	return s
}

// find returns a node by its name.
func (d *Net) find(name string) (*member, error) {
	var names []string
	for _, n := range d.nodes {
		if n.name == name {
			return n, nil
		}
		names = append(names, n.name)
	}
	return nil, fmt.Errorf("no node is called %q; there are %s", name, strings.Join(names, ", "))
}

// or returns a node by its name, or another one if the name is empty.
func (d *Net) or(name string, other *member) (*member, error) {
	if name == "" {
		return other, nil
	}
	return d.find(name)
}

// names turns groups of places into groups of names.
func (d *Net) names(groups [][]int) [][]string {
	var all [][]string
	for _, g := range groups {
		var names []string
		for _, i := range g {
			names = append(names, d.nodes[i].name)
		}
		all = append(all, names)
	}
	return all
}

// Partition splits the network into groups of nodes, by name. Those in no
// group form one more. The groups are returned.
func (d *Net) Partition(groups [][]string) ([][]string, error) {
	rest := make([]int, len(d.nodes))
	for i := range rest {
		rest[i] = i
	}
	var places [][]int
	for _, g := range groups {
		var place []int
		for _, name := range g {
			n, err := d.find(name)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(rest, n.index) {
				return nil, fmt.Errorf("node %s is named twice", name)
			}
			rest = slices.DeleteFunc(rest, func(i int) bool { return i == n.index })
			place = append(place, n.index)
		}
		if len(place) > 0 {
			places = append(places, place)
		}
	}
	if len(rest) > 0 {
		places = append(places, rest)
	}
	if len(places) < 2 {
		return nil, errors.New("all nodes would be in one group; name some of them, or several groups")
	}
	if err := d.faults.Partition(places); err != nil {
		return nil, err
	}
	named := d.names(places)
	d.emit(Event{Kind: "partition", Groups: named})
	return named, nil
}

// Heal ends a partition, has links that broke made again, and waits until all
// nodes stand on a best chain.
func (d *Net) Heal(ctx context.Context) error {
	d.faults.Heal()
	var best *headertree.Node
	var at *member
	d.each(ctx, func(_ context.Context, n *member) {
		for _, a := range n.peers {
			// An error says that there is a link, or will be.
			_ = n.Server.Conns().TryOnce(a)
		}
		if tip := n.tip(); best == nil || best.Work.Lt(&tip.Work) {
			best, at = tip, n
		}
	})
	d.emit(Event{Kind: "heal"})
	if best == nil {
		return nil
	}
	if err := d.spread(ctx, at); err != nil {
		return err
	}
	// Payments of the side that lost are in its pools again. Nodes do not tell
	// each other of them a second time, or only after minutes.
	d.each(ctx, func(_ context.Context, n *member) {
		for i, e := range n.Server.Mempool().Entries() {
			if i == maxAgain {
				break
			}
			n.Server.AnnounceTx(e.TxID)
		}
	})
	return nil
}

// ChangePath changes latency, loss or both.
func (d *Net) ChangePath(change PathChange) error {
	if err := change.Check(); err != nil {
		return err
	}
	p := d.faults.ChangePath(change)
	d.emit(Event{Kind: "path", Path: &p})
	return nil
}

// Mine makes n blocks on a node, by default the miner, and waits until they
// have reached all nodes that no partition keeps away.
func (d *Net) Mine(ctx context.Context, name string, n int) ([]wire.Hash, error) {
	if n < 1 || n > maxMine {
		return nil, fmt.Errorf("want from 1 to %d blocks", maxMine)
	}
	at, err := d.or(name, d.miner())
	if err != nil {
		return nil, err
	}
	ctx, leave, err := at.use(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	d.gather(ctx, at)
	hashes, err := d.mine(ctx, at, n)
	if err != nil {
		return hashes, err
	}
	return hashes, d.spread(ctx, at)
}

// gather gives the transactions that nodes have and no partition keeps away a
// moment to reach a node, so that a block that is made after a payment holds
// it.
func (d *Net) gather(ctx context.Context, at *member) {
	ctx, cancel := context.WithTimeout(ctx, gatherPatience)
	defer cancel()
	near := d.reachable(at)
	d.each(ctx, func(ctx context.Context, n *member) {
		if !near[n.index] {
			return
		}
		for _, e := range n.Server.Mempool().Entries() {
			if at.await(ctx, func() bool {
				return at.Server.Mempool().Get(e.TxID) != nil || n.Server.Mempool().Get(e.TxID) == nil
			}) != nil {
				return
			}
		}
	})
}

// mine makes blocks on a node that pay its wallet.
func (d *Net) mine(ctx context.Context, at *member, n int) ([]wire.Hash, error) {
	script, err := at.Payout()
	if err != nil {
		return nil, err
	}
	return at.Miner.Generate(ctx, script, n, generateTries)
}

// reachable returns the places of the nodes to which a way leads from a node,
// over nodes that run and across no partition.
func (d *Net) reachable(from *member) map[int]bool {
	near := map[int]bool{from.index: true}
	for grown := true; grown; {
		grown = false
		for _, n := range d.nodes {
			for _, j := range n.dials {
				if near[n.index] == near[j] || n.life.ended() || d.nodes[j].life.ended() {
					continue
				}
				if cut, _ := d.faults.cut(n.index, j); !cut {
					near[n.index], near[j], grown = true, true, true
				}
			}
		}
	}
	return near
}

// spread waits until all nodes that can be reached have the tip that a node has
// now, or one with as much work.
func (d *Net) spread(ctx context.Context, from *member) (err error) {
	near, tip := d.reachable(from), from.tip()
	ctx, cancel := context.WithTimeout(ctx, spreadPatience)
	defer cancel()
	d.each(ctx, func(own context.Context, n *member) {
		if err != nil || !near[n.index] {
			return
		}
		if n.await(own, func() bool { return !n.tip().Work.Lt(&tip.Work) }) != nil && !n.life.ended() {
			err = fmt.Errorf("block %v has not reached node %s after %v", tip.Hash, n.name, spreadPatience)
		}
	})
	return err
}

// Reorg replaces the last blocks, depth of them, by a longer branch that a
// node makes, by default the first, and waits until all nodes that no partition
// keeps away have followed.
func (d *Net) Reorg(ctx context.Context, name string, depth int) (hashes []wire.Hash, err error) {
	at, err := d.or(name, d.nodes[0])
	if err != nil {
		return nil, err
	}
	ctx, leave, err := at.use(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	c, tip := at.Server.Chain(), at.tip()
	if depth < 1 || int64(depth) > int64(tip.Height) {
		return nil, fmt.Errorf("want from 1 to %d blocks, as many as there are", tip.Height)
	}
	// The node forgets the blocks, makes others, and only then hears of the old
	// ones again.
	old := tip.Ancestor(tip.Height - int32(depth) + 1)
	if err := c.Invalidate(ctx, old); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Reconsider(context.WithoutCancel(ctx), old)) }()
	if err := c.Settle(ctx); err != nil { // on whatever is best without them
		return nil, err
	}
	for more := depth + 1; ; more = 1 {
		made, err := d.mine(ctx, at, more)
		if err != nil {
			return hashes, err
		}
		hashes = append(hashes, made...)
		if !d.outdone(at) {
			break
		}
	}
	return hashes, d.spread(ctx, at)
}

// outdone reports whether a node that no partition keeps away has as much work
// as this one, on another branch.
func (d *Net) outdone(at *member) bool {
	tip := at.tip()
	outdone := false
	d.each(context.Background(), func(_ context.Context, n *member) {
		cut, _ := d.faults.cut(at.index, n.index)
		other := n.tip()
		outdone = outdone || !cut && other.Hash != tip.Hash && !other.Work.Lt(&tip.Work)
	})
	return outdone
}

// Pay pays from a node's wallet, by default the first's, to a node's wallet or
// an address. With wait it returns once that is confirmed and all nodes that no
// partition keeps away know it.
func (d *Net) Pay(ctx context.Context, from, to string, amount int64, wait bool) (PaymentInfo, error) {
	var p PaymentInfo
	payer, err := d.or(from, d.nodes[0])
	if err != nil {
		return p, err
	}
	ctx, leave, err := payer.use(ctx)
	if err != nil {
		return p, err
	}
	defer leave()
	script, err := d.payee(to)
	if err != nil {
		return p, err
	}
	w, err := payer.wallet()
	if err != nil {
		return p, err
	}
	e, err := w.Send(ctx, wallet.SpendOptions{Payments: []wallet.Payment{{Script: script, Amount: amount}}})
	if err != nil {
		return p, fmt.Errorf("node %s: %w", payer.name, err)
	}
	p = PaymentInfo{TxID: e.ID.String(), From: payer.name, To: to, Amount: coins(amount), Fee: e.Fee}
	d.payments.Add(1)
	d.emit(Event{Kind: "payment", Payment: &p})
	if !wait {
		return p, nil
	}
	if err := payer.await(ctx, func() bool {
		if w.Sync(ctx) != nil {
			return false
		}
		e, err := w.Entry(e.ID)
		return err == nil && e.Depth > 0
	}); err != nil {
		return p, err
	}
	return p, d.spread(ctx, payer)
}

// payee returns the script of a node's wallet or of an address.
func (d *Net) payee(to string) ([]byte, error) {
	if n, err := d.find(to); err == nil {
		_, leave, err := n.use(context.Background())
		if err != nil {
			return nil, err
		}
		defer leave()
		w, err := n.wallet()
		if err != nil {
			return nil, err
		}
		a, err := w.NewAddress("", "payments")
		if err != nil {
			return nil, err
		}
		return a.Script(), nil
	}
	a, err := address.Decode(to, d.network)
	if err != nil {
		_, unknown := d.find(to)
		return nil, fmt.Errorf("%w; nor is it an address: %w", unknown, err)
	}
	return a.Script(), nil
}
