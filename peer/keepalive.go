package peer

import "time"

// keepalive decides when to ping and when to give up a peer. It is a pure state
// machine; the time is passed in.
//
// Time during which nothing is read from the peer, because one of its messages
// is being handled or because it has to take what it asked for first, does not
// count against it: a pong may be waiting to be read.
type keepalive struct {
	interval time.Duration // between pings; negative: only against quiet
	timeout  time.Duration // for a pong; negative: never
	silence  time.Duration // without any message; negative: for ever
	pongs    bool          // whether the other side answers pings

	lastSend, lastRecv time.Time

	pingSent  time.Time // of the last ping
	pingWait  bool      // whether its pong is outstanding
	pingNonce uint64

	pausedAt    time.Time     // since when nothing is read; zero while reading
	pausedTotal time.Duration // before that
	pingPaused  time.Duration // pausedTotal when the ping was sent
	recvPaused  time.Duration // pausedTotal when the last message came

	last, min time.Duration // round trips; zero before the first
}

// action is what keepalive wants done.
type action uint8

const (
	nothing action = iota
	sendPing
	pingTimedOut
	silent
)

func (k *keepalive) start(now time.Time) { k.lastSend, k.lastRecv = now, now }

// pause tells that reading stops at now; resume that it goes on.
func (k *keepalive) pause(now time.Time) { k.pausedAt = now }

func (k *keepalive) resume(now time.Time) {
	k.pausedTotal = k.totalPaused(now)
	k.pausedAt = time.Time{}
}

func (k *keepalive) received(now time.Time) { k.lastRecv, k.recvPaused = now, k.pausedTotal }
func (k *keepalive) sent(now time.Time)     { k.lastSend = now }

// pinged tells that a ping goes out.
func (k *keepalive) pinged(now time.Time, nonce uint64) {
	k.pingSent, k.pingNonce = now, nonce
	k.pingWait = k.pongs
	k.pingPaused = k.totalPaused(now)
}

// totalPaused returns for how long nothing was read since the start.
func (k *keepalive) totalPaused(now time.Time) time.Duration {
	d := k.pausedTotal
	if !k.pausedAt.IsZero() && now.After(k.pausedAt) {
		d += now.Sub(k.pausedAt)
	}
	return d
}

// unasked tells that a pong came in that answers no ping in particular: without
// a nonce, or with none in it. The ping that is outstanding is given up, as Bitcoin
// Core does, because such a node will not answer it any better.
func (k *keepalive) unasked() { k.pingWait = false }

// ponged tells that a pong came in and reports whether it answers the ping
// that is outstanding, and after how long.
func (k *keepalive) ponged(now time.Time, nonce uint64) (time.Duration, bool) {
	if !k.pingWait || nonce != k.pingNonce {
		return 0, false
	}
	k.pingWait = false
	k.last = max(now.Sub(k.pingSent), 0)
	if k.min == 0 || k.last < k.min {
		k.min = k.last
	}
	return k.last, true
}

// due returns when tick has to be called next.
func (k *keepalive) due(now time.Time) time.Time {
	paused := k.totalPaused(now)
	t := now.Add(never)
	if k.silence >= 0 {
		t = k.lastRecv.Add(k.silence + paused - k.recvPaused)
	}
	first := func(u time.Time) {
		if u.Before(t) {
			t = u
		}
	}
	if k.pingWait && k.timeout >= 0 {
		first(k.pingSent.Add(k.timeout + paused - k.pingPaused))
		return t
	}
	if k.interval >= 0 {
		first(k.pingSent.Add(k.interval))
	}
	first(k.lastSend.Add(MaxQuiet))
	return t
}

// tick returns what is due at now.
func (k *keepalive) tick(now time.Time) action {
	paused := k.totalPaused(now)
	reached := func(t time.Time) bool { return !now.Before(t) }
	waits := k.pingWait && k.timeout >= 0 // for a pong; no second ping meanwhile
	switch {
	case waits && reached(k.pingSent.Add(k.timeout+paused-k.pingPaused)):
		return pingTimedOut
	case k.silence >= 0 && reached(k.lastRecv.Add(k.silence+paused-k.recvPaused)):
		return silent
	case !waits && k.interval >= 0 && reached(k.pingSent.Add(k.interval)),
		!waits && reached(k.lastSend.Add(MaxQuiet)):
		return sendPing
	}
	return nothing
}
