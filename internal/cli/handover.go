package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

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

// catchUp waits until the node has all blocks that its peers had when they were
// met, so that it does not pay with what it knows of yesterday. It gives up if
// there are no peers or no progress.
func catchUp(ctx context.Context, n *node.Node) error {
	c := n.Server.Chain()
	last, patience, met := c.Tip(), alonePatience, false
	for ; patience > 0; patience -= handEvery {
		peers := greeted(n)
		if len(peers) > 0 && !met {
			met, patience = true, stuckPatience
		}
		tip := c.Tip()
		behind := slices.ContainsFunc(peers, func(p *peer.Peer) bool { return p.Remote().StartHeight > tip.Height })
		if met && !behind && c.Headers().Best() == tip {
			return nil
		}
		if tip != last {
			last, patience = tip, stuckPatience
		}
		if err := pause(ctx, handEvery); err != nil {
			return err
		}
	}
	return nil
}

// mineNow makes one block with all that waits.
func mineNow(ctx context.Context, node caller, payTo string, w io.Writer) error {
	var blocks []string
	if err := ask(ctx, node, &blocks, "generatetoaddress", 1, payTo); err != nil {
		return fmt.Errorf("the payment was made but not mined: %w", err)
	}
	var b struct {
		Height int32 `json:"height"`
	}
	if err := ask(ctx, node, &b, "getblockheader", blocks[0]); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "Mined in block %d %s\n", b.Height, blocks[0])
	return err
}

// passOn sees to it that others get to know of a payment, and says how.
func passOn(ctx context.Context, node caller, txid wire.Hash, w io.Writer) error {
	local, ok := node.(*localNode)
	if !ok {
		_, err := fmt.Fprintln(w, "The running node announces it until a block holds it")
		return err
	}
	to, err := local.handOver(ctx, txid)
	switch {
	case err != nil:
		return err
	case to == "":
		_, err = fmt.Fprintln(w, "No other node could be reached; it is kept, and announced when this node runs")
	default:
		_, err = fmt.Fprintf(w, "Handed to %s\n", to)
	}
	return err
}

// pays reports whether a command makes a payment that others should hear of.
func pays(c *cobra.Command) bool {
	mine, _ := c.Flags().GetBool("mine")
	return !mine && slices.Contains([]string{"send", "sweep", "bump"}, c.Name())
}
