package peer

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/transport"
	"starling/transport/memnet"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler hands what it is given to functions, if there are any.
type handler struct {
	ready  func(ctx context.Context, p *Peer) error
	handle func(ctx context.Context, p *Peer, m wire.Message) error
}

func (h handler) Ready(ctx context.Context, p *Peer) error {
	if h.ready == nil {
		return nil
	}
	return h.ready(ctx, p)
}

func (h handler) Handle(ctx context.Context, p *Peer, m wire.Message) error {
	if h.handle == nil {
		return nil
	}
	return h.handle(ctx, p, m)
}

// links returns the two ends of a link in memory.
func links(t testing.TB, opts memnet.Options) (dialled, accepted transport.Link) {
	t.Helper()
	n := memnet.New(opts)
	a, b := n.Host(netip.MustParseAddr("10.0.0.1")), n.Host(netip.MustParseAddr("10.0.0.2"))
	l, err := b.Listen(t.Context(), ma.StringCast("/ip4/10.0.0.2/tcp/8333"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err = a.Dial(t.Context(), l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return dialled, accepted
}

// session is a session that runs.
type session struct {
	*Peer
	end chan *Disconnect
}

func run(ctx context.Context, link transport.Link, cfg Config) *session {
	if cfg.Handler == nil {
		cfg.Handler = handler{}
	}
	s := &session{New(link, cfg), make(chan *Disconnect, 1)}
	go func() { s.end <- s.Run(ctx).(*Disconnect) }()
	return s
}

// stop ends the session and waits until it is gone.
func (s *session) close() { s.Disconnect(Requested, ""); <-s.end }

// script is the other side of a session, played by hand.
type script struct {
	t testing.TB
	transport.Link
}

func (s script) send(ms ...wire.Message) {
	s.t.Helper()
	for _, m := range ms {
		if _, err := s.Send(m.Command(), m.AppendPayload(nil)); err != nil {
			s.t.Fatalf("sending %s: %v", m.Command(), err)
		}
	}
	s.Flush()
}

func (s script) receive() wire.Message {
	s.t.Helper()
	m, err := s.Receive()
	if err != nil {
		s.t.Fatal(err)
	}
	msg, err := wire.Decode(m.Command, m.Payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return msg
}

// expect receives messages of the given commands and returns the last one.
func (s script) expect(commands ...string) (last wire.Message) {
	s.t.Helper()
	for _, want := range commands {
		if last = s.receive(); last.Command() != want {
			s.t.Fatalf("got %s, want %s", last.Command(), want)
		}
	}
	return last
}

func version() *wire.MsgVersion {
	return &wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/script:1/",
		Timestamp: time.Now().Unix(), StartHeight: 77, Relay: true, Nonce: 12345}
}

// dial plays a peer that dials a session and shakes hands.
func dial(t testing.TB, ctx context.Context, opts memnet.Options, cfg Config) (script, *session) {
	t.Helper()
	x, y := links(t, opts)
	s, p := script{t, x}, run(ctx, y, cfg)
	s.send(version(), &wire.MsgVerack{})
	s.expect("version", "wtxidrelay", "sendaddrv2", "verack", "ping")
	return s, p
}

// TestForeignUserAgent: a peer may call itself anything, and what is kept of it
// is what Bitcoin Core keeps.
func TestForeignUserAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := links(t, memnet.Options{})
		s, p := script{t, x}, run(t.Context(), y, Config{Kind: Inbound, Nonces: &Nonces{}})
		v := version()
		v.UserAgent = "/evil\x1b[2J\a\n\u202e<b>:1.0(é)/"
		s.send(v, &wire.MsgVerack{})
		s.expect("version", "wtxidrelay", "sendaddrv2", "verack", "ping")
		if got, want := p.Remote().UserAgent, "/evil2Jb:1.0()/"; got != want {
			t.Errorf("the user agent is %q, want %q", got, want)
		}
		p.close()
	})
}

// TestHandshake lets two sessions shake hands.
func TestHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := links(t, memnet.Options{Path: memnet.Path{Latency: 50 * time.Millisecond}})
		var nonces Nonces
		ready := make(chan *Peer, 2)
		cfg := Config{
			Kind: OutboundFull, Nonces: &nonces, UserAgent: "/a:1/", Services: wire.NodeNetwork, Relay: true,
			StartHeight: func() int32 { return 5 },
			Handler:     handler{ready: func(_ context.Context, p *Peer) error { ready <- p; return nil }},
		}
		a := run(t.Context(), x, cfg)
		cfg.Kind, cfg.UserAgent, cfg.Nonces, cfg.StartHeight = Inbound, "/b:1/", &Nonces{}, nil
		b := run(t.Context(), y, cfg)
		<-ready
		<-ready
		wantA := &Remote{Version: 70017, Common: 70017, Services: wire.NodeNetwork, UserAgent: "/b:1/", Relay: true,
			AddrLocal: netip.MustParseAddrPort("10.0.0.1:49152"), WTxIDRelay: true, AddrV2: true}
		wantB := &Remote{Version: 70017, Common: 70017, Services: wire.NodeNetwork, UserAgent: "/a:1/", Relay: true,
			AddrLocal: netip.MustParseAddrPort("10.0.0.2:8333"), WTxIDRelay: true, AddrV2: true, StartHeight: 5}
		byText := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
		if diff := cmp.Diff(wantA, a.Remote(), byText); diff != "" {
			t.Error("dialler's view (-want +got):", diff)
		}
		if diff := cmp.Diff(wantB, b.Remote(), byText); diff != "" {
			t.Error("acceptor's view (-want +got):", diff)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		st := a.Stats()
		if st.Ping != 100*time.Millisecond || st.MinPing != st.Ping || st.PingWait != 0 {
			t.Errorf("ping %v, least %v, waiting %v; want a round trip of 100ms", st.Ping, st.MinPing, st.PingWait)
		}
		if st.BytesOut != b.Stats().BytesIn || st.MessagesOut != 6 || st.BytesOutBy["pong"] != 32 {
			t.Errorf("statistics: %+v and %+v", st, b.Stats())
		}
		if len(nonces.out) != 0 {
			t.Error("a nonce is remembered after the handshake")
		}
		a.close()
		if d := <-b.end; d.Reason != RemoteClosed {
			t.Errorf("the other side's reason: %v", d)
		}
		if err := a.Send(&wire.MsgGetAddr{}); !errors.Is(err, ErrEnded) {
			t.Errorf("sending after the end: %v", err)
		}
	})
}

// TestBadHandshakes plays peers that do not keep to the rules.
func TestBadHandshakes(t *testing.T) {
	old := version()
	old.Version = wire.MinPeerVersion - 1
	ver, ack := wire.Message(version()), wire.Message(&wire.MsgVerack{})
	torn := func(cmd string) wire.Message { return &wire.MsgUnknown{Cmd: cmd, Payload: []byte{5}} }
	many := &wire.MsgInv{Inv: make([]wire.InvVect, wire.MaxInv+1)}
	odd := &wire.MsgUnknown{Cmd: wire.CmdSendCmpct, Payload: []byte{2, 2, 0, 0, 0, 0, 0, 0, 0}}
	for name, tc := range map[string]struct {
		send []wire.Message
		want Reason
	}{
		"nothing":                   {nil, HandshakeTimeout},
		"no verack":                 {[]wire.Message{ver}, HandshakeTimeout},
		"chatter instead of verack": {[]wire.Message{ver, &wire.MsgGetAddr{}, &wire.MsgUnknown{Cmd: "wat"}}, HandshakeTimeout},
		"too old":                   {[]wire.Message{old}, Obsolete},
		"only a torn version":       {[]wire.Message{torn(wire.CmdVersion), ack}, HandshakeTimeout},
		"late wtxidrelay":           {[]wire.Message{ver, ack, &wire.MsgWTxIDRelay{}}, HandshakeOrder},
		"late sendaddrv2":           {[]wire.Message{ver, ack, &wire.MsgSendAddrV2{}}, HandshakeOrder},
		"late feature":              {[]wire.Message{ver, ack, &wire.MsgFeature{ID: "test/one"}}, HandshakeOrder},
		"longer than allowed":       {[]wire.Message{ver, ack, many}, BadMessage},
		"announce neither 0 nor 1":  {[]wire.Message{ver, ack, odd}, BadMessage},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, y := links(t, memnet.Options{})
				start := time.Now()
				p := run(t.Context(), y, Config{})
				s := script{t, x}
				for _, m := range tc.send {
					s.Send(m.Command(), m.AppendPayload(nil))
				}
				d := <-p.end
				if d.Reason != tc.want || !errors.Is(d, tc.want) {
					t.Errorf("got %v, want %v", d, tc.want)
				}
				if tc.want == HandshakeTimeout {
					what := "waited for its verack"
					if name == "nothing" || name == "only a torn version" {
						what = "waited for its version"
					}
					if d.Detail != what {
						t.Errorf("the end says %q, want %q", d, what)
					}
				}
				if took := time.Since(start); tc.want == HandshakeTimeout && took != time.Minute || tc.want != HandshakeTimeout && took != 0 {
					t.Errorf("it took %v", took)
				}
				x.Close()
			})
		})
	}
}

// TestPassedOver: what is out of its place or cannot be read, and yet may come
// from an honest program with a fault, is passed over, as Bitcoin Core does.
func TestPassedOver(t *testing.T) {
	ver, ack := wire.Message(version()), wire.Message(&wire.MsgVerack{})
	torn := func(cmd string) wire.Message { return &wire.MsgUnknown{Cmd: cmd, Payload: []byte{5}} }
	for name, send := range map[string][]wire.Message{
		"verack first":         {ack, ver, ack},
		"ping first":           {&wire.MsgPing{Nonce: 1, HasNonce: true}, ver, ack},
		"unknown first":        {&wire.MsgUnknown{Cmd: "wat"}, ver, ack},
		"wtxidrelay first":     {&wire.MsgWTxIDRelay{}, ver, ack},
		"torn version first":   {torn(wire.CmdVersion), ver, ack},
		"torn feature":         {ver, torn(wire.CmdFeature), ack},
		"two versions":         {ver, ver, ack},
		"version after verack": {ver, ack, ver},
		"two veracks":          {ver, ack, ack},
		"torn inv":             {ver, ack, torn(wire.CmdInv)},
		"torn ping":            {ver, ack, torn(wire.CmdPing)},
		"torn version later":   {ver, ack, torn(wire.CmdVersion)},
		"two sendtxrcncl":      {ver, &wire.MsgSendTxRcncl{Version: 1}, &wire.MsgSendTxRcncl{Version: 1}, ack},
		"late sendtxrcncl":     {ver, ack, &wire.MsgSendTxRcncl{Version: 1}},
		"count above the rest": {ver, ack, &wire.MsgUnknown{Cmd: wire.CmdInv, Payload: []byte{0xfe, 0xff, 0xff, 0xff, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, y := links(t, memnet.Options{})
				handled := 0
				p := run(t.Context(), y, Config{Handler: handler{handle: func(context.Context, *Peer, wire.Message) error { handled++; return nil }}})
				s := script{t, x}
				s.send(send...)
				s.expect("version", "wtxidrelay", "sendaddrv2", "verack", "ping")
				s.send(&wire.MsgPing{Nonce: 7, HasNonce: true})
				if pong := s.expect("pong").(*wire.MsgPong); pong.Nonce != 7 {
					t.Errorf("pong %d, want 7", pong.Nonce)
				}
				if r := p.Remote(); r.StartHeight != 77 || r.WTxIDRelay {
					t.Errorf("the peer is remembered as %+v", r)
				}
				if handled != 0 {
					t.Errorf("%d messages were handled", handled)
				}
				p.close()
			})
		})
	}
}

// TestOldPeer shakes hands with a peer that knows nothing of what came later.
func TestOldPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := links(t, memnet.Options{})
		p := run(t.Context(), x, Config{Kind: Manual})
		s := script{t, y}
		s.expect("version")
		v := version()
		v.Version = 31800
		s.send(v, &wire.MsgVerack{})
		s.expect("verack")
		if ping := s.receive().(*wire.MsgPing); ping.HasNonce {
			t.Error("a peer from before BIP31 got a ping with a nonce")
		}
		// It does not answer pings, and that is no offence.
		for range 20 {
			s.expect("ping")
			s.send(&wire.MsgGetAddr{})
		}
		if p.Remote().WTxIDRelay || p.Stats().PingWait != 0 {
			t.Errorf("%+v", p.Remote())
		}
		p.close()
	})
}

func TestFeatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := links(t, memnet.Options{})
		p := run(t.Context(), y, Config{})
		s := script{t, x}
		s.send(version(), &wire.MsgWTxIDRelay{}, &wire.MsgSendAddrV2{}, &wire.MsgSendTxRcncl{Version: 1, Salt: 7})
		for range 100 {
			s.send(&wire.MsgFeature{ID: "test/one", Data: []byte{1}})
		}
		s.send(&wire.MsgVerack{})
		s.expect("version", "wtxidrelay", "sendaddrv2", "verack", "ping")
		r := p.Remote()
		if !r.WTxIDRelay || !r.AddrV2 || r.TxRcncl == nil || r.TxRcncl.Salt != 7 || len(r.Features) != maxFeatures {
			t.Errorf("%+v", r)
		}
		p.close()
	})
}

func TestSelfConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := links(t, memnet.Options{Path: memnet.Path{Latency: time.Second}})
		var nonces Nonces
		a := run(t.Context(), x, Config{Kind: OutboundFull, Nonces: &nonces})
		b := run(t.Context(), y, Config{Kind: Inbound, Nonces: &nonces})
		if d := <-b.end; d.Reason != SelfConnection {
			t.Errorf("accepting end: %v", d)
		}
		if d := <-a.end; d.Reason != SelfConnection {
			t.Errorf("dialling end: %v", d)
		}
		if len(nonces.out) != 0 {
			t.Error("a nonce is remembered after the end")
		}
	})
}

func TestFeeler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := links(t, memnet.Options{})
		p := run(t.Context(), x, Config{Kind: Feeler, Relay: true})
		s := script{t, y}
		if v := s.expect("version").(*wire.MsgVersion); v.Relay {
			t.Error("a feeler asks for transactions")
		}
		s.send(version()) // the verack is not waited for
		if d := <-p.end; d.Reason != FeelerDone {
			t.Error(d)
		}
	})
}

// TestPing follows the pings of a session through the hours.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, p := dial(t, t.Context(), memnet.Options{}, Config{})
		// The first ping came right after the handshake and is answered late.
		time.Sleep(3 * time.Minute)
		if got := p.Stats().PingWait; got != 3*time.Minute {
			t.Errorf("waiting for %v, want 3m", got)
		}
		// A pong that answers nothing changes nothing.
		s.send(&wire.MsgPong{Nonce: 1, HasNonce: true})
		synctest.Wait()
		if p.Stats().Ping != 0 {
			t.Error("a pong out of the blue was taken for an answer")
		}
		p.mu.Lock()
		nonce := p.ka.pingNonce
		p.mu.Unlock()
		s.send(&wire.MsgPong{Nonce: nonce, HasNonce: true})
		// The next one is due at once, as the interval has passed.
		for i := range 10 {
			ping := s.expect("ping").(*wire.MsgPing)
			if got, want := time.Since(start), 3*time.Minute+time.Duration(i)*2*time.Minute; got != want {
				t.Errorf("ping %d came after %v, want %v", i, got, want)
			}
			if i == 9 {
				break // unanswered
			}
			s.send(&wire.MsgPong{Nonce: ping.Nonce, HasNonce: true})
		}
		start = time.Now()
		// Other messages do not make up for the pong.
		for range 19 {
			time.Sleep(time.Minute)
			s.send(&wire.MsgGetAddr{})
		}
		d := <-p.end
		if d.Reason != PingTimeout || time.Since(start) != 20*time.Minute {
			t.Errorf("got %v after %v, want a ping timeout after 20m", d, time.Since(start))
		}
	})
}

// TestQuiet turns pings and their timeout off: the old rules remain.
func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, p := dial(t, t.Context(), memnet.Options{}, Config{PingInterval: -1, PingTimeout: -1})
		for i := range 2 {
			s.expect("ping")
			if got, want := time.Since(start), time.Duration(i+1)*MaxQuiet; got != want {
				t.Errorf("something was said after %v, want %v", got, want)
			}
		}
		d := <-p.end
		if d.Reason != Silent || time.Since(start) != DefaultSilenceTimeout {
			t.Errorf("got %v after %v", d, time.Since(start))
		}
	})
}

// TestOrder checks that messages are handled one at a time in order, and that
// a pong waits for all that came before its ping, made-to-order messages included.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := 0
		h := handler{handle: func(ctx context.Context, p *Peer, m wire.Message) error {
			switch m := m.(type) {
			case *wire.MsgGetAddr:
				if busy++; busy != 1 {
					t.Error("two messages were handled at once")
				}
				time.Sleep(time.Minute)
				busy--
				return p.Send(&wire.MsgAddr{})
			case *wire.MsgGetData:
				left := len(m.Inv)
				return p.SendLater(0, func(context.Context) (wire.Message, error) {
					time.Sleep(time.Second)
					if left--; left < 0 {
						return nil, nil
					}
					return &wire.MsgBlock{Raw: make([]byte, 81)}, nil
				})
			}
			return nil
		}}
		s, p := dial(t, t.Context(), memnet.Options{}, Config{Handler: h})
		ping := func(n uint64) wire.Message { return &wire.MsgPing{Nonce: n, HasNonce: true} }
		s.send(ping(1), &wire.MsgGetAddr{}, &wire.MsgGetAddr{}, ping(2),
			&wire.MsgGetData{Inv: make([]wire.InvVect, 3)}, ping(3), &wire.MsgGetData{Inv: make([]wire.InvVect, 1)}, ping(4))
		var got []string
		for range 11 {
			m := s.receive()
			if b, ok := m.(*wire.MsgPong); ok {
				got = append(got, "pong"+string('0'+rune(b.Nonce)))
			} else if m.Command() != "ping" {
				got = append(got, m.Command())
			}
			if len(got) == 10 {
				break
			}
		}
		want := []string{"pong1", "addr", "addr", "pong2", "block", "block", "block", "pong3", "block", "pong4"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("(-want +got):", diff)
		}
		p.close()
	})
}

// TestBackPressure asks for much and does not read it.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		h := handler{handle: func(_ context.Context, p *Peer, m wire.Message) error {
			handled++
			return p.Send(&wire.MsgBlock{Raw: make([]byte, 300_000)})
		}}
		s, p := dial(t, t.Context(), memnet.Options{Stall: 1000 * time.Hour}, Config{Handler: h})
		for range 50 {
			s.send(&wire.MsgGetAddr{})
		}
		synctest.Wait()
		// One answer is in the link's buffer; four more exceed the limit.
		if handled < 4 || handled > 6 {
			t.Errorf("%d messages were handled while nothing was read", handled)
		}
		if q := p.Stats().Queued; q < MaxQueued || q > MaxQueued+400_000 {
			t.Errorf("%d bytes are queued", q)
		}
		for range 50 {
			s.expect("block")
		}
		synctest.Wait()
		if q := p.Stats().Queued; handled != 50 || q != 0 {
			t.Errorf("%d handled, %d bytes left", handled, q)
		}
		p.close()
	})
}

// TestOwed asks for more than may be owed, in small portions. A request of
// nothing counts as something.
func TestOwed(t *testing.T) {
	for _, tc := range []struct {
		name       string
		size, most int
	}{
		{"large requests", MaxOwed/2 + 100, 2},
		{"requests of nothing", 0, MaxOwed/waitCost + 1},
		{"requests of less than nothing", -1 << 40, MaxOwed/waitCost + 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				h := handler{handle: func(_ context.Context, p *Peer, m wire.Message) error {
					asked++
					left := 2
					return p.SendLater(tc.size, func(context.Context) (wire.Message, error) {
						if left--; left < 0 {
							return nil, nil
						}
						return &wire.MsgBlock{Raw: make([]byte, 2000)}, nil
					})
				}}
				s, p := dial(t, t.Context(), memnet.Options{Stall: 1000 * time.Hour, Buffer: 1000}, Config{Handler: h})
				all := tc.most + 2
				go func() {
					for range all {
						s.send(&wire.MsgGetAddr{})
					}
				}()
				synctest.Wait()
				if asked != tc.most {
					t.Errorf("%d requests were taken on, want %d", asked, tc.most)
				}
				if owed := p.Stats().Owed; owed <= MaxOwed {
					t.Errorf("%d bytes are owed", owed)
				}
				for range 2 * all {
					s.expect("block")
				}
				synctest.Wait()
				if p.Stats().Owed != 0 || asked != all {
					t.Errorf("%d are owed, %d asked", p.Stats().Owed, asked)
				}
				p.close()
			})
		})
	}
}

// TestQueueFull tells a peer things until too much waits.
func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := dial(t, t.Context(), memnet.Options{Stall: time.Hour}, Config{})
		sent := 0
		for p.Send(&wire.MsgBlock{Raw: make([]byte, 1_000_000)}) == nil {
			sent++
		}
		if sent < 9 || sent > 12 {
			t.Errorf("%d MB were taken", sent)
		}
		if d := <-p.end; d.Reason != QueueFull {
			t.Error(d)
		}
	})
}

// TestNotReading does not count time in which nothing is read against a
// peer: its pong may be there already.
func TestNotReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler{handle: func(context.Context, *Peer, wire.Message) error {
			time.Sleep(3 * time.Hour)
			return nil
		}}
		s, p := dial(t, t.Context(), memnet.Options{}, Config{Handler: h})
		p.mu.Lock()
		pong := &wire.MsgPong{Nonce: p.ka.pingNonce, HasNonce: true}
		p.mu.Unlock()
		s.send(&wire.MsgGetAddr{}, pong)
		time.Sleep(3*time.Hour + time.Second)
		select {
		case d := <-p.end:
			t.Fatal(d)
		default:
		}
		if p.Stats().Ping == 0 {
			t.Error("the pong was not seen")
		}
		p.close()
	})
}

// TestEnds ends sessions in all the ways in which this side can.
func TestEnds(t *testing.T) {
	fail := errors.New("disk on fire")
	for name, tc := range map[string]struct {
		end    func(cancel func(), p *Peer) error // called by the handler
		reason Reason
		cause  error
	}{
		"context":     {func(cancel func(), _ *Peer) error { cancel(); return nil }, Stopped, nil},
		"disconnect":  {func(_ func(), p *Peer) error { p.Disconnect(Requested, "by hand"); return nil }, Requested, nil},
		"offence":     {func(func(), *Peer) error { return &Disconnect{Reason: Misbehaved, Detail: "x"} }, Misbehaved, nil},
		"own failure": {func(func(), *Peer) error { return fail }, Failed, fail},
		"own message too large": {func(_ func(), p *Peer) error {
			return p.Send(&wire.MsgUnknown{Cmd: "large", Payload: make([]byte, wire.MaxPayloadSize+1)})
		}, Failed, transport.ErrTooLarge},
		"first wins": {func(_ func(), p *Peer) error {
			p.Disconnect(Requested, "")
			return fail
		}, Requested, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				h := handler{handle: func(_ context.Context, p *Peer, _ wire.Message) error { return tc.end(cancel, p) }}
				s, p := dial(t, ctx, memnet.Options{}, Config{Handler: h})
				s.send(&wire.MsgGetAddr{})
				d := <-p.end
				if !errors.Is(d, tc.reason) || tc.cause != nil && !errors.Is(d, tc.cause) {
					t.Errorf("got %v, want %v", d, tc.reason)
				}
			})
		})
	}
	t.Run("before run", func(t *testing.T) {
		x, _ := links(t, memnet.Options{})
		p := New(x, Config{Handler: handler{}})
		p.Disconnect(Requested, "")
		if err := p.Run(t.Context()); !errors.Is(err, Requested) {
			t.Error(err)
		}
	})
}

// TestLinkErrors maps what may happen to a link.
func TestLinkErrors(t *testing.T) {
	for err, want := range map[error]Reason{
		transport.ErrReset:        LinkLost,
		transport.ErrStalled:      Stalled,
		transport.ErrWrongNetwork: WrongNetwork,
		transport.ErrTooLarge:     BadFrame,
		&wire.DecodeError{}:       BadFrame,
	} {
		if d := linkError(err); d.Reason != want {
			t.Errorf("%v: %v, want %v", err, d, want)
		}
	}
}

func TestPrefs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := dial(t, t.Context(), memnet.Options{}, Config{})
		s.send(&wire.MsgSendHeaders{}, &wire.MsgFeeFilter{FeeRate: 1000}, &wire.MsgFeeFilter{FeeRate: -1},
			&wire.MsgSendCmpct{Announce: true, Version: 2}, &wire.MsgSendCmpct{Version: 1},
			&wire.MsgUnknown{Cmd: "one"}, &wire.MsgUnknown{Cmd: "two"})
		synctest.Wait()
		want := Prefs{SendHeaders: true, FeeFilter: 1000, CompactVersion: 2, CompactAnnounce: true}
		if got := p.Prefs(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got := p.Stats().BytesInBy; got[Other] != 48 || len(got) != 6 {
			t.Errorf("bytes by command: %v", got)
		}
		p.close()
	})
}

// TestSilenceTimeout sets another time of silence.
func TestSilenceTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ set, want time.Duration }{{5 * time.Minute, 5 * time.Minute}, {-1, 0}} {
			start := time.Now()
			_, p := dial(t, t.Context(), memnet.Options{Stall: 1000 * time.Hour}, Config{PingInterval: -1, PingTimeout: -1, SilenceTimeout: c.set})
			select {
			case d := <-p.end:
				if d.Reason != Silent || time.Since(start) != c.want || !strings.Contains(d.Error(), c.want.String()) {
					t.Errorf("%v: got %v after %v", c.set, d, time.Since(start))
				}
			case <-time.After(10 * time.Hour):
				if c.want != 0 {
					t.Errorf("%v: it goes on", c.set)
				}
			}
		}
	})
}
