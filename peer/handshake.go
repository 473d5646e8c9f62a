package peer

import (
	"context"
	"net/netip"
	"time"

	"starling/internal/plain"
	"starling/transport"
	"starling/wire"
)

// Remote is what the other side said of itself in the handshake.
type Remote struct {
	// Version is its protocol version; Common the lower one of both sides'.
	Version, Common int32
	Services        wire.ServiceFlag
	// UserAgent is how it calls itself, without what may harm who reads it.
	UserAgent   string
	StartHeight int32
	// Relay says whether it wants announcements of transactions from the
	// start (BIP37).
	Relay bool
	// TimeOffset is how far its clock was ahead when its version came.
	TimeOffset time.Duration
	// AddrLocal is how it sees this node; not valid if it did not say.
	AddrLocal netip.AddrPort
	// WTxIDRelay: transactions are announced by witness id, both ways (BIP339).
	WTxIDRelay bool
	// AddrV2: it understands addrv2 (BIP155).
	AddrV2 bool
	// TxRcncl holds its first offer to reconcile transactions (BIP330), if it made
	// one. Nothing follows from it here.
	TxRcncl *wire.MsgSendTxRcncl
	// Features lists the features that it announced (BIP434).
	Features []string
}

// maxFeatures is how many announced features are remembered; the rest is not
// known to this node anyway. They cost at most 16 × 80 bytes.
const maxFeatures = 16

// handshake is the first part of a session. Only the reading goroutine uses
// it.
type handshake struct {
	p      *Peer
	nonce  uint64  // of our version; registered while outbound
	noted  bool    // whether the nonce is registered
	self   bool    // whether the nonce came back to us
	remote *Remote // from the other side's version on
	done   bool
}

// start opens the handshake, if it is for this side to open it.
func (h *handshake) start() error {
	h.p.link.SetLimit(h.p.cfg.Limits.HandshakePayload)
	if !h.p.cfg.Kind.Outbound() {
		return nil
	}
	h.nonce, h.noted = h.p.cfg.Nonces.add(), true
	return h.sendVersion()
}

// over ends what the handshake holds and reports whether the connection turned
// out to be one to this node itself.
func (h *handshake) over() bool {
	if h.noted {
		h.noted = false
		h.self = h.p.cfg.Nonces.remove(h.nonce)
	}
	return h.self
}

func (h *handshake) sendVersion() error {
	c := &h.p.cfg
	m := &wire.MsgVersion{
		Version:   wire.ProtocolVersion,
		Services:  c.Services,
		Timestamp: c.Clock.Now().Unix(),
		Nonce:     h.nonce,
		UserAgent: c.UserAgent,
		Relay:     c.Relay && c.Kind.RelaysTxs(),
	}
	if ap, ok := transport.AddrPort(h.p.RemoteAddr()); ok {
		m.AddrRecv = wire.NewNetAddr(ap, 0, 0)
	}
	m.AddrFrom.Services = c.Services
	if c.StartHeight != nil {
		m.StartHeight = c.StartHeight()
	}
	return h.p.Send(m)
}

// handle deals with a message before the handshake is done.
func (h *handshake) handle(ctx context.Context, m transport.Message) error {
	if (h.remote == nil) != (m.Command == wire.CmdVersion) {
		// Before the version nothing else can be understood, and a second one
		// would change what has been answered.
		h.p.passOver(m, nil)
		return nil
	}
	switch m.Command {
	case wire.CmdVersion, wire.CmdVerack, wire.CmdWTxIDRelay, wire.CmdSendAddrV2,
		wire.CmdSendTxRcncl, wire.CmdFeature:
	default:
		// Some nodes cannot wait. What they say now is not heard.
		return nil
	}
	msg, err := wire.Decode(m.Command, m.Payload)
	if err != nil {
		return h.p.unreadable(m, err)
	}
	switch msg := msg.(type) {
	case *wire.MsgVersion:
		return h.version(msg)
	case *wire.MsgWTxIDRelay:
		h.remote.WTxIDRelay = h.remote.Common >= wire.WTxIDRelayVersion
	case *wire.MsgSendAddrV2:
		h.remote.AddrV2 = true
	case *wire.MsgSendTxRcncl:
		if h.remote.TxRcncl == nil {
			h.remote.TxRcncl = msg
		}
	case *wire.MsgFeature:
		if len(h.remote.Features) < maxFeatures {
			h.remote.Features = append(h.remote.Features, msg.ID)
		}
	case *wire.MsgVerack:
		return h.finish(ctx)
	}
	return nil
}

// version deals with the other side's version and answers it.
func (h *handshake) version(m *wire.MsgVersion) error {
	p := h.p
	if p.cfg.Kind == Inbound && p.cfg.Nonces.own(m.Nonce) {
		h.self = true
		return &Disconnect{Reason: SelfConnection}
	}
	if m.Version < wire.MinPeerVersion {
		return &Disconnect{Reason: Obsolete, Detail: "version " + itoa(m.Version) + ", want at least " + itoa(wire.MinPeerVersion)}
	}
	r := &Remote{
		Version: m.Version, Common: min(m.Version, wire.ProtocolVersion),
		Services: m.Services, UserAgent: plain.Name(m.UserAgent), StartHeight: m.StartHeight, Relay: m.Relay,
		TimeOffset: timeOffset(m.Timestamp, p.cfg.Clock.Now()),
	}
	r.AddrLocal, _ = m.AddrRecv.AddrPort()
	h.remote = r
	p.greeted.Store(true)
	if p.cfg.Kind == Feeler {
		// It has shown all that a feeler wants to know.
		p.remote.Store(r)
		h.over()
		p.cfg.Observer.Handshake(p)
		return &Disconnect{Reason: FeelerDone}
	}

	var replies []wire.Message
	if p.cfg.Kind == Inbound {
		h.nonce = randomUint64()
		if err := h.sendVersion(); err != nil {
			return err
		}
	}
	if r.Common >= wire.WTxIDRelayVersion {
		// Older nodes may not know these, and some of them end the session over
		// messages that they do not know.
		replies = append(replies, &wire.MsgWTxIDRelay{}, &wire.MsgSendAddrV2{})
	}
	for _, m := range append(replies, &wire.MsgVerack{}) {
		if err := p.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// timeOffset returns how far a clock that shows the given Unix time is ahead of
// now. Nonsense does not overflow.
func timeOffset(unix int64, now time.Time) time.Duration {
	const most = 1 << 32 // seconds; more than a hundred years
	return time.Duration(min(max(unix-now.Unix(), -most), most)) * time.Second
}

// finish makes the session ready for use.
func (h *handshake) finish(ctx context.Context) error {
	p := h.p
	h.done = true
	p.link.SetLimit(-1)
	now := p.cfg.Clock.Now()
	p.mu.Lock()
	p.ka.pongs = h.remote.Common > wire.PingNonceVersion
	p.ka.pingSent = now // by the ping below; the other goroutine must not send one, too
	p.ka.pingSent = now // by the ping below; the other goroutine must not send one, too
	p.mu.Unlock()
	p.remote.Store(h.remote)
	h.over()
	p.log.Debug("handshake done", "addr", transport.FormatAddr(p.RemoteAddr()), "kind", p.cfg.Kind,
		"version", h.remote.Version, "agent", h.remote.UserAgent, "services", h.remote.Services, "height", h.remote.StartHeight)
	p.cfg.Observer.Handshake(p)
	if err := p.ping(now); err != nil {
		return err
	}
	return p.cfg.Handler.Ready(ctx, p)
}
