package server

import (
	"time"

	"starling/peer"
	"starling/peer/await"
)

// observer is told by all sessions what happens. It counts bytes and passes
// all on to the observers of the configuration.
type observer struct{ n *Server }

var _ peer.Observer = observer{}

// Message implements [peer.Observer].
func (o observer) Message(p *peer.Peer, dir peer.Direction, command string, payload []byte, size int) {
	o.n.totals[dir].Add(uint64(size))
	for _, to := range o.n.cfg.PeerObservers {
		to.Message(p, dir, command, payload, size)
	}
}

// Handled implements [peer.Observer].
func (o observer) Handled(p *peer.Peer, command string, took time.Duration) {
	for _, to := range o.n.cfg.PeerObservers {
		to.Handled(p, command, took)
	}
}

// Handshake implements [peer.Observer].
func (o observer) Handshake(p *peer.Peer) {
	for _, to := range o.n.cfg.PeerObservers {
		to.Handshake(p)
	}
}

// Ping implements [peer.Observer].
func (o observer) Ping(p *peer.Peer, took time.Duration) {
	for _, to := range o.n.cfg.PeerObservers {
		to.Ping(p, took)
	}
}

// Unanswered implements [peer.Observer].
func (o observer) Unanswered(p *peer.Peer, r await.Rule) {
	for _, to := range o.n.cfg.PeerObservers {
		to.Unanswered(p, r)
	}
}

// Disconnected implements [peer.Observer].
func (o observer) Disconnected(p *peer.Peer, d *peer.Disconnect) {
	o.n.tally.ended(string(d.Reason))
	for _, to := range o.n.cfg.PeerObservers {
		to.Disconnected(p, d)
	}
}
