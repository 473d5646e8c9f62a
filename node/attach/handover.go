package attach

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"starling/node"
	"starling/peer"
	"starling/wire"
)

const (
	// handPatience is how long a short session lasts at most. A link on another
	// continent is made, and the transaction fetched, in a few round trips.
	handPatience = 15 * time.Second
	// alonePatience is how long it lasts if no other node answers.
	alonePatience = 3 * time.Second
	// stuckPatience is how long a node that is behind waits for its next block.
	stuckPatience = 10 * time.Second
	// handEvery is how often the session is looked at.
	handEvery = 20 * time.Millisecond
	// maxHanded bounds what is remembered of a session.
	maxHanded = 1000
)

// handover notes which transactions peers have fetched from a node that runs
// for one command only, so that the command does not end before they have.
type handover struct {
	peer.NoObserver

	mu    sync.Mutex
	to    map[wire.Hash]*peer.Peer
	pongs map[*peer.Peer]int
}

func newHandover() *handover {
	return &handover{to: make(map[wire.Hash]*peer.Peer), pongs: make(map[*peer.Peer]int)}
}

// Message implements [peer.Observer].
func (h *handover) Message(p *peer.Peer, dir peer.Direction, command string, payload []byte, _ int) {
	if dir != peer.Out || command != wire.CmdTx {
		return
	}
	tx, err := wire.ParseTx(append([]byte(nil), payload...))
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.to) < maxHanded {
		h.to[tx.TxID()] = p
	}
}

// Ping implements [peer.Observer].
func (h *handover) Ping(p *peer.Peer, _ time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pongs[p]++
}

// look returns who has fetched a transaction, or nil, and how many pings of
// ours that peer has answered.
func (h *handover) look(txid wire.Hash) (p *peer.Peer, pongs int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p = h.to[txid]
	return p, h.pongs[p]
}

// wait waits until a peer has fetched a transaction and taken it in, and
// returns its address; "" if none does in time.
func (h *handover) wait(ctx context.Context, n *node.Node, txid wire.Hash) (string, error) {
	var to *peer.Peer
	first, asked := 0, 0 // answers before the peer had it, and at the last ping
	patience, alone := handPatience, alonePatience
	for ; patience > 0 && alone > 0; patience -= handEvery {
		p, pongs := h.look(txid)
		switch {
		case p == nil:
			if len(greeted(n)) == 0 {
				alone -= handEvery
			}
		case to != p:
			// Peers answer in order, so who answers a ping has handled what
			// went before it. The first answer may be to an older ping.
			to, first, asked = p, pongs, pongs
			n.Server.PingAll()
		case pongs >= first+2:
			return to.RemoteAddr().String(), nil
		case pongs > asked:
			asked = pongs
			n.Server.PingAll()
		}
		if err := pause(ctx, handEvery); err != nil {
			return "", err
		}
	}
	if to != nil {
		return to.RemoteAddr().String(), nil // it has the transaction, if not yet looked at
	}
	return "", nil
}

// greeted returns the peers whose handshake is done.
func greeted(n *node.Node) []*peer.Peer {
	var all []*peer.Peer
	for _, p := range n.Server.Peers() {
		if p.Peer.Remote() != nil {
			all = append(all, p.Peer)
		}
	}
	return all
}

// sight is how far a node has got with what its peers have.
type sight int

const (
	caughtUp sight = iota
	alone          // it has met none
	behind         // they have blocks that it did not get in time
)

// catchUp waits until the node has all blocks that its peers had when they were
// met, so that it does not pay with what it knows of yesterday. It gives up if
// there are no peers or no progress.
func catchUp(ctx context.Context, n *node.Node) (sight, error) {
	c := n.Server.Chain()
	last, patience, met := c.Tip(), alonePatience, false
	for ; patience > 0; patience -= handEvery {
		peers := greeted(n)
		if len(peers) > 0 && !met {
			met, patience = true, stuckPatience
		}
		tip := c.Tip()
		short := slices.ContainsFunc(peers, func(p *peer.Peer) bool { return p.Remote().StartHeight > tip.Height })
		if met && !short && c.Headers().Best() == tip {
			return caughtUp, nil
		}
		if tip != last {
			last, patience = tip, stuckPatience
		}
		if err := pause(ctx, handEvery); err != nil {
			return behind, err
		}
	}
	if met {
		return behind, nil
	}
	return alone, nil
}

// tell says of a node that has not caught up that it may not know all.
func (s sight) tell(log *slog.Logger, height int32) {
	switch s {
	case alone:
		log.Warn("no peer could be reached; what others have mined since is not known", "height", height)
	case behind:
		log.Warn("the peers have blocks that did not come in time; what they hold is not known", "height", height)
	}
}
