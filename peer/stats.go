package peer

import (
	"maps"
	"strconv"
	"time"

	"starling/wire"
)

// Other is the name under which [Stats] counts messages of unknown type,
// whatever their names, so that nobody can make the table grow. It is Bitcoin
// Core's.
const Other = "*other*"

// traffic counts messages. The tables are made when they are needed.
type traffic struct {
	bytes, messages [2]uint64
	byCommand       [2]map[string]uint64 // bytes
}

func (t *traffic) count(dir Direction, command string, size int) {
	t.bytes[dir] += uint64(size)
	t.messages[dir]++
	if t.byCommand[dir] == nil {
		t.byCommand[dir] = make(map[string]uint64, 8)
	}
	if _, ok := t.byCommand[dir][command]; !ok && !known(command) {
		command = Other
	}
	t.byCommand[dir][command] += uint64(size)
}

// known reports whether the command is one of the protocol's.
func known(command string) bool {
	m, _ := wire.Decode(command, nil)
	_, unknown := m.(*wire.MsgUnknown)
	return !unknown
}

// Prefs is what the other side has asked for since the handshake.
type Prefs struct {
	// SendHeaders: new blocks are announced by headers (BIP130).
	SendHeaders bool
	// FeeFilter is the least fee rate of transactions that it wants to hear
	// of, in satoshi per 1,000 virtual bytes (BIP133).
	FeeFilter int64
	// CompactVersion is the version of compact blocks that it understands, or
	// 0; CompactAnnounce asks for them unasked (BIP152).
	CompactVersion  uint64
	CompactAnnounce bool
}

// compactVersion is the version of compact blocks that this node speaks, with
// witness ids. Others are ignored, as BIP152 wants it.
const compactVersion = 2

// maxFeeFilter is the most that a fee filter can mean: all coins there are.
const maxFeeFilter = 21_000_000 * 100_000_000

// prefer notes what a message says about the other side's wishes.
func (p *Peer) prefer(msg wire.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m := msg.(type) {
	case *wire.MsgSendHeaders:
		p.prefs.SendHeaders = true
	case *wire.MsgFeeFilter:
		if m.FeeRate >= 0 && m.FeeRate <= maxFeeFilter {
			p.prefs.FeeFilter = m.FeeRate
		}
	case *wire.MsgSendCmpct:
		if m.Version == compactVersion {
			p.prefs.CompactVersion, p.prefs.CompactAnnounce = m.Version, m.Announce
		}
	}
}

// Prefs returns what the other side has asked for so far.
func (p *Peer) Prefs() Prefs {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.prefs
}

// Stats is what a session has measured.
type Stats struct {
	// Connected is when the session began, LastSend and LastRecv when the last
	// message went and came; they are zero before the first.
	Connected, LastSend, LastRecv time.Time
	// Bytes on the wire, frames included, and messages.
	BytesIn, BytesOut, MessagesIn, MessagesOut uint64
	// BytesInBy and BytesOutBy are the bytes by command; [Other] stands for
	// all that are not known. They are the caller's.
	BytesInBy, BytesOutBy map[string]uint64
	// Ping is the last round trip, MinPing the shortest one; zero if there was
	// none. PingWait is for how long a pong has been outstanding.
	Ping, MinPing, PingWait time.Duration
	// Queued is how many bytes wait to be sent, Owed how many are kept by
	// requests that wait to be answered.
	Queued, Owed int
}

// Stats returns what the session has measured so far.
func (p *Peer) Stats() Stats {
	now := p.cfg.Clock.Now()
	queued, owed := p.q.waiting()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{
		Connected: p.connected,
		BytesIn:   p.traf.bytes[In], BytesOut: p.traf.bytes[Out],
		MessagesIn: p.traf.messages[In], MessagesOut: p.traf.messages[Out],
		BytesInBy: maps.Clone(p.traf.byCommand[In]), BytesOutBy: maps.Clone(p.traf.byCommand[Out]),
		Ping: p.ka.last, MinPing: p.ka.min,
		Queued: queued, Owed: owed,
	}
	if s.MessagesIn > 0 {
		s.LastRecv = p.ka.lastRecv
	}
	if s.MessagesOut > 0 {
		s.LastSend = p.ka.lastSend
	}
	if p.ka.pingWait {
		s.PingWait = max(now.Sub(p.ka.pingSent), 0)
	}
	return s
}

// MinPing returns the shortest round trip, or zero if there was none.
func (p *Peer) MinPing() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ka.min
}

func itoa(v int32) string { return strconv.Itoa(int(v)) }
