package server

import (
	"context"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr/netaddr"
	"starling/connmgr"
	"starling/netsync"
	"starling/peer"
	"starling/relay/compact"
	"starling/transport"
	"starling/wire"
)

// session is one session and what the node knows of it beyond what the
// session itself does.
type session struct {
	node *Server
	peer *peer.Peer
	host netip.Addr // not valid if its transport has no IP addresses
	// group stands for the network group of whoever opened the link; kept, as it is
	// compared with that of every newcomer.
	group uint64
	up    func() // told when the handshake is done; may be nil

	dialled netaddr.Addr // where it was dialled, if it was, at an address of a node

	stale bool // its peer was of another network the last time

	askedPool    atomic.Bool // it was asked for its mempool
	answeredPool atomic.Bool // it has asked for this node's

	// Times when it last gave something new, in nanoseconds since 1970; 0 for
	// never.
	lastBlock, lastTx atomic.Int64

	bloom atomic.Pointer[bloomFilter] // nil until it loads one

	repeats repeats // of what it was sent

	partials map[wire.Hash]*compact.Partial // compact blocks that lack transactions; handler only
}

// sessions is the list of all sessions, also of those that are not ready yet.
type sessions struct {
	mu      sync.Mutex
	next    uint64 // number of the next one
	byID    map[uint64]*session
	seed    maphash.Seed  // of network groups
	removed chan struct{} // closed and replaced whenever one is removed
}

func (s *sessions) init() {
	s.byID = make(map[uint64]*session)
	s.seed = maphash.MakeSeed()
	s.removed = make(chan struct{})
}

// get returns a session, or nil if it has ended.
func (s *sessions) get(id uint64) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// all returns all sessions, the oldest first.
func (s *sessions) all() []*session {
	s.mu.Lock()
	list := make([]*session, 0, len(s.byID))
	for _, c := range s.byID {
		list = append(list, c)
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b *session) int { return int(int64(a.peer.ID()) - int64(b.peer.ID())) })
	return list
}

// hash returns a number for a session that nobody can foresee.
func (s *sessions) hash(id uint64) uint64 { return maphash.Comparable(s.seed, id) }

// count calls each with all sessions in no order, so it must do nothing but count.
func (s *sessions) count(each func(*session)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.byID {
		each(c)
	}
}

// remove takes a session that has ended off the list.
func (s *sessions) remove(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
	close(s.removed)
	s.removed = make(chan struct{})
}

// onRemoved returns a channel that is closed when a session has ended.
func (s *sessions) onRemoved() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removed
}

// newSession makes a session over a link and puts it in the list. What the caller
// knows of it is in s already: once it is in the list others read it.
func (n *Server) newSession(link transport.Link, kind peer.Kind, perm peer.Permissions, s *session) {
	s.node = n
	s.host, _ = transport.IP(link.RemoteAddr())
	s.group = n.groupOf(link.RemoteAddr())
	l := &n.sessions
	l.mu.Lock()
	defer l.mu.Unlock()
	id := l.next
	l.next++
	s.peer = peer.New(link, peer.Config{
		ID: id, Kind: kind, Permissions: perm,
		Handler: s, Observer: observer{n}, Clock: n.clk, Log: n.cfg.Logs("peer"), Nonces: &n.nonces,
		Services: n.services(perm), UserAgent: n.cfg.UserAgent,
		StartHeight:      func() int32 { return n.chain.Tip().Height },
		Relay:            n.wantsTxs(kind, perm),
		Limits:           n.cfg.Limits,
		HandshakeTimeout: n.cfg.HandshakeTimeout,
		PingInterval:     n.cfg.PingInterval, PingTimeout: n.cfg.PingTimeout,
		SilenceTimeout: n.cfg.SilenceTimeout,
	})
	l.byID[id] = s
}

// runSession carries a session to its end and clears up after it.
func (n *Server) runSession(ctx context.Context, s *session) error {
	err := s.peer.Run(ctx)
	n.sessions.remove(s.peer.ID())
	n.gossipDown(s)
	n.left(s)
	n.perform(n.sync.PeerDown(n.clk.Now(), s.id()))
	n.txPeerDown(s)
	n.judgeEnd(s, err)
	return err
}

func (s *session) id() netsync.PeerID { return netsync.PeerID(s.peer.ID()) }

// endPeer ends a session, if there still is one of that number.
func (n *Server) endPeer(id uint64, reason peer.Reason, detail string) bool {
	s := n.sessions.get(id)
	if s != nil {
		s.peer.Disconnect(reason, detail)
	}
	return s != nil
}

// dialer makes links for the connection manager.
type dialer struct{ n *Server }

var _ connmgr.Dialer = dialer{}

// Connect implements [connmgr.Dialer].
func (d dialer) Connect(ctx context.Context, addr ma.Multiaddr, kind peer.Kind, up func()) error {
	for _, t := range d.n.cfg.Transports {
		if !t.CanDial(addr) {
			continue
		}
		dialCtx := ctx
		if d.n.inClear(addr, kind) {
			dialCtx = transport.Plain(ctx)
		}
		link, err := t.Dial(dialCtx, addr)
		if err != nil {
			return err
		}
		host, _ := transport.IP(link.RemoteAddr())
		s := &session{up: up, stale: d.n.wasForeign(addr)}
		s.dialled, _ = netaddr.OfLink(addr)
		d.n.newSession(link, kind, d.n.cfg.Permissions(host, kind), s)
		err = d.n.runSession(ctx, s)
		if s.peer.Remote() == nil {
			return unheard(err)
		}
		if kind == peer.Feeler {
			d.n.reached(s)
		}
		return err
	}
	return transport.ErrAddress
}

// Ready implements [peer.Handler]: the handshake is done.
func (s *session) Ready(ctx context.Context, p *peer.Peer) error {
	n, r := s.node, p.Remote()
	if kind := p.Kind(); kind == peer.OutboundFull || kind == peer.BlockRelayOnly {
		if !n.wanted(r.Services) {
			if s.dialled.IsValid() {
				n.book.SetServices(s.dialled, r.Services) // so that it is not dialled again
			}
			return &peer.Disconnect{Reason: peer.Useless, Detail: "it does not offer the blocks that are needed: " + r.Services.String()}
		}
		if kind == peer.BlockRelayOnly {
			n.anchors.add(s)
		}
	}
	if p.Kind().Outbound() {
		n.reached(s)
	} else if seen := netaddr.FromAddrPort(r.AddrLocal); seen.IsValid() {
		n.local.Seen(seen)
	}
	if s.up != nil {
		s.up()
	}
	if p.Kind() == peer.AddrFetch {
		return n.gossipUp(s)
	}
	n.log.Log(ctx, s.level(), "peer connected", "peer", p.ID(), "addr", transport.FormatAddr(p.RemoteAddr()), "kind", p.Kind(),
		"agent", r.UserAgent, "version", r.Version, "height", r.StartHeight, "services", r.Services)
	if r.Common >= wire.CompactBlocksVersion {
		// Who is to announce by compact blocks shows with the first blocks.
		if err := p.Send(&wire.MsgSendCmpct{Version: wire.CompactBlocksWitness}); err != nil {
			return err
		}
	}
	if r.Common >= wire.SendHeadersVersion {
		if err := p.Send(&wire.MsgSendHeaders{}); err != nil {
			return err
		}
	}
	n.perform(n.sync.PeerUp(n.clk.Now(), s.id(), netsync.PeerInfo{
		Services: r.Services, Version: r.Common, StartHeight: r.StartHeight,
		Outbound: p.Kind().Outbound(), Manual: p.Kind() == peer.Manual,
		BlockRelayOnly: p.Kind() == peer.BlockRelayOnly,
		NoBan:          p.Permissions().Has(peer.PermNoBan),
		Download:       p.Permissions().Has(peer.PermDownload),
		Off:            p.Off,
	}))
	n.txPeerUp(s)
	s.askPool(n.chain.Tip())
	return n.gossipUp(s)
}

func unixNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
