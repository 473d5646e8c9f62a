package server

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/peer"
	"starling/transport"
	"starling/wire"
)

// Nodes of other networks show themselves in three ways. One that is dialled
// closes the link at the greeting, whose magic it does not know. One that dials
// greets with a magic of its own. And one that has the same magic but another
// first block names that block at the end of its locators.

// unheard explains the end of a link that this node has made and over which
// nothing was heard.
func unheard(err error) error {
	var d *peer.Disconnect
	if !errors.As(err, &d) || d.Reason != peer.RemoteClosed && d.Reason != peer.LinkLost {
		return err
	}
	return &peer.Disconnect{Reason: peer.RemoteClosed, Err: d.Err,
		Detail: "it heard our greeting and said nothing, as a node of another network does, or one that is full or has banned us"}
}

// checkGenesis looks whether a full node's chain begins with another block, which
// full nodes name at the end of each locator; other programs may name no more
// than they need. A session that this node has made ends. One that the other
// side has made is for that side to end, so that its operator learns why; this
// side tells of it.
func (s *session) checkGenesis(locator []wire.Hash) error {
	if len(locator) == 0 || !s.peer.Remote().Services.Has(wire.NodeNetwork) {
		return nil
	}
	first, ours := locator[len(locator)-1], s.node.cfg.Network.GenesisHash
	if first == ours || s.node.chain.Headers().Lookup(first) != nil {
		return nil
	}
	err := &GenesisError{Theirs: first, Ours: ours}
	if s.peer.Kind() == peer.Inbound {
		s.node.stranger(s, err)
		return nil
	}
	return &peer.Disconnect{Reason: peer.WrongNetwork, Err: err}
}

// GenesisError says that a peer's chain begins with another block than ours.
type GenesisError struct{ Theirs, Ours wire.Hash }

// Error implements the error interface.
func (e *GenesisError) Error() string {
	return fmt.Sprintf("its chain begins with block %s, ours with %s", e.Theirs, e.Ours)
}

// level returns how loud the beginning and the end of a session are to be told:
// those with a peer that was of another network the last time, and is dialled
// again and again, are not news.
func (s *session) level() slog.Level {
	if s.stale {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// wasForeign reports whether the last link to an address ended because the peer
// was of another network.
func (n *Server) wasForeign(addr ma.Multiaddr) bool {
	return errors.Is(n.conns.LastError(addr), peer.WrongNetwork)
}

// strangersEvery is how often the node tells of strangers who connect. On
// Bitcoin's networks there are many, and they are
// no concern of the operator's; on a network of one's own the first one says
// what is wrong with somebody's settings.
const strangersEvery = time.Hour

// strangers counts nodes of other networks that have connected.
type strangers struct {
	mu     sync.Mutex
	told   time.Time
	untold int
}

// another counts one more and reports whether to tell, and of how many.
func (s *strangers) another(now time.Time) (count int, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.untold++
	if !s.told.IsZero() && now.Sub(s.told) < strangersEvery {
		return 0, false
	}
	count, s.told, s.untold = s.untold, now, 0
	return count, true
}

// stranger tells of a node of another network that has connected to this one.
func (n *Server) stranger(s *session, why error) {
	if count, tell := n.strangers.another(n.clk.Now()); tell {
		n.log.Warn("a node of another network has connected", "addr", transport.FormatAddr(s.peer.RemoteAddr()), "reason", why, "times", count)
	}
}
