package tcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/transport"
	"starling/transport/bip324"
	"starling/wire"
)

// accepted returns a link whose framing is still to be found out, and the bare
// connection of who has dialled it.
func accepted(t testing.TB, stall time.Duration) (*link, net.Conn) {
	t.Helper()
	k, raw := pipe(t, stall)
	k.speaks.Store(nil)
	k.known = make(chan struct{})
	return k, raw
}

// other speaks version 2 on a bare connection, as the side that has dialled.
type other struct {
	t testing.TB
	net.Conn
	*bip324.Session
	garbage []byte
}

// greet makes the handshake as far as this side's garbage, which has no
// terminator yet, while k takes its part in it. What k receives then is sent to
// the channel.
func greet(t testing.TB, k *link, raw net.Conn, garbage int) (*other, chan received) {
	t.Helper()
	key, err := bip324.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	o := &other{t: t, Conn: raw, garbage: bytes.Repeat([]byte{7}, garbage)}
	got := make(chan received, 1)
	go func() {
		m, err := k.Receive()
		got <- received{m, err}
	}()
	o.write(key.Public[:], o.garbage)
	var theirs [bip324.KeySize]byte
	if _, err := io.ReadFull(raw, theirs[:]); err != nil {
		t.Fatal(err)
	}
	if o.Session, err = key.Session(&theirs, true, magic); err != nil {
		t.Fatal(err)
	}
	return o, got
}

type received struct {
	transport.Message
	err error
}

func (o *other) write(parts ...[]byte) {
	o.t.Helper()
	if _, err := o.Write(bytes.Join(parts, nil)); err != nil {
		o.t.Fatal(err)
	}
}

// seal returns a packet.
func (o *other) seal(decoy bool, contents ...[]byte) []byte {
	return o.Sealer.Seal(nil, decoy, nil, contents...)
}

// ready returns what ends the handshake.
func (o *other) ready() []byte {
	return o.Sealer.Seal(o.SendTerminator[:], false, o.garbage)
}

var ping = []byte{18, 1, 2, 3, 4, 5, 6, 7, 8}

func isPing(r received) bool {
	return r.err == nil && r.Command == wire.CmdPing && bytes.Equal(r.Payload, ping[1:])
}

// TestDetecting has version 1 and version 2 spoken to a link that can do both.
func TestDetecting(t *testing.T) {
	version := wire.AppendFrame(nil, magic, &wire.MsgVersion{UserAgent: "/x/"})
	abroad := wire.AppendFrame(nil, [4]byte{9, 9, 9, 9}, &wire.MsgVersion{UserAgent: "/x/"})
	for _, piece := range []int{1, 15, 16, 17, len(version)} {
		k, raw := accepted(t, time.Minute)
		if p := k.Info().Protocol; p != "detecting" {
			t.Errorf("the link speaks %s before anything has come", p)
		}
		go func() {
			for b := version; len(b) > 0; b = b[min(piece, len(b)):] {
				raw.Write(b[:min(piece, len(b))])
			}
		}()
		m, err := k.Receive()
		if err != nil || m.Command != wire.CmdVersion || m.Size != len(version) {
			t.Fatalf("in pieces of %d: %q of %d bytes, %v", piece, m.Command, m.Size, err)
		}
		if i := k.Info(); i.Protocol != "v1" || i.SessionID != "" {
			t.Errorf("got %+v", i)
		}
	}
	k, raw := accepted(t, time.Minute)
	raw.Write(abroad)
	if _, err := k.Receive(); !errors.Is(err, transport.ErrWrongNetwork) {
		t.Errorf("another network: %v", err)
	}
	// A key may begin as version 1 does, and is one as soon as it differs.
	k, raw = accepted(t, time.Minute)
	go k.Receive()
	raw.Write(append(magic[:], "version\x00\x00\x00\x00\x01"+strings.Repeat("x", bip324.KeySize-16)...))
	if _, err := io.ReadFull(raw, make([]byte, bip324.KeySize)); err != nil {
		t.Error("a key that begins like a message is not answered:", err)
	}
	k, raw = accepted(t, time.Minute)
	o, got := greet(t, k, raw, 100)
	o.write(o.ready(), o.seal(false, ping))
	if r := <-got; !isPing(r) {
		t.Fatalf("%+v", r)
	}
	if i := k.Info(); i.Protocol != "v2" || len(i.SessionID) != 64 || strings.Trim(i.SessionID, "0") == "" {
		t.Errorf("got %+v", i)
	}
}

// TestNoAnswerToHalfAKey sends all but the last byte of a key, which must not
// be answered.
func TestNoAnswerToHalfAKey(t *testing.T) {
	k, raw := accepted(t, time.Minute)
	raw.Write(bytes.Repeat([]byte{1}, bip324.KeySize-1))
	raw.(*net.TCPConn).CloseWrite()
	if _, err := k.Receive(); !errors.Is(err, transport.ErrReset) {
		t.Errorf("got %v", err)
	}
	if _, err := k.Send(wire.CmdPing, nil); !errors.Is(err, transport.ErrReset) {
		t.Errorf("sending: %v", err)
	}
	k.Close()
	if b, _ := io.ReadAll(raw); len(b) > 0 {
		t.Errorf("it was answered with %d bytes", len(b))
	}
}

// TestAnswerIsNotLonger: what a key is answered with follows what came with it, so
// that nobody has this node send much for little.
func TestAnswerIsNotLonger(t *testing.T) {
	const rest = bip324.KeySize + bip324.TerminatorSize + bip324.Overhead
	for garbage, most := range map[int]int{0: freeGarbage, 1000: 1000, bip324.MaxGarbage: bip324.MaxGarbage} {
		longest := 0
		for range 50 {
			k, raw := accepted(t, time.Minute)
			go func() { k.Receive(); k.Close() }()
			raw.Write(make([]byte, bip324.KeySize+garbage)) // in one piece
			raw.(*net.TCPConn).CloseWrite()
			b, _ := io.ReadAll(raw)
			longest = max(longest, len(b)-rest)
			raw.Close()
		}
		if longest > most || longest < most/2 {
			t.Errorf("with %d bytes of garbage up to %d came back, want up to %d", garbage, longest, most)
		}
	}
}

// TestPassedOver puts decoys, and types that nobody has defined, where they may
// be. They count, and no more.
func TestPassedOver(t *testing.T) {
	for _, garbage := range []int{0, 1, bip324.MaxGarbage} {
		k, raw := accepted(t, time.Minute)
		o, got := greet(t, k, raw, garbage)
		sent := [][]byte{
			o.Sealer.Seal(o.SendTerminator[:], true, o.garbage, []byte("a decoy vouches for the garbage")),
			o.seal(true), o.seal(false, []byte("\x12what the version packet holds is no ping")),
			o.seal(true, ping), o.seal(false), o.seal(false, []byte{200, 1}), o.seal(false, []byte("\x00too short")),
			o.seal(false, ping),
		}
		all := bytes.Join(sent, nil)
		o.write(all)
		r := <-got
		if !isPing(r) {
			t.Fatalf("garbage of %d bytes: %+v", garbage, r)
		}
		if want := bip324.KeySize + garbage + len(all); r.Size != want {
			t.Errorf("%d bytes counted, %d came", r.Size, want)
		}
		again := o.seal(false, ping)
		o.write(again)
		if m, err := k.Receive(); err != nil || m.Size != len(again) {
			t.Errorf("then %d bytes of %d, %v", m.Size, len(again), err)
		}
	}
}

// TestHandshakeCounts compares what both ends count for the first messages, which
// bear the cost of the handshake.
func TestHandshakeCounts(t *testing.T) {
	tr := New(Options{Magic: magic, V2: true})
	l, err := tr.Listen(t.Context(), ma.StringCast("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// exchange sends and receives two pings and returns what is counted here. Who
	// was dialled is the second to send.
	type counted struct {
		sent, got [2]int
		err       error
	}
	exchange := func(k transport.Link, first bool) (c counted) {
		defer k.Close()
		for i := range c.sent {
			var m transport.Message
			if !first {
				m, c.err = k.Receive()
			}
			if c.err == nil {
				c.sent[i], c.err = k.Send(wire.CmdPing, ping[1:])
			}
			if c.err == nil {
				c.err = k.Flush()
			}
			if first && c.err == nil {
				m, c.err = k.Receive()
			}
			if c.got[i] = m.Size; c.err != nil {
				break
			}
		}
		return c
	}
	other := make(chan counted, 1)
	go func() {
		k, err := l.Accept()
		if err != nil {
			other <- counted{err: err}
			return
		}
		other <- exchange(k, false)
	}()
	k, err := tr.Dial(t.Context(), l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	here, there := exchange(k, true), <-other
	if err := errors.Join(here.err, there.err); err != nil {
		t.Fatal(err)
	}
	if here.sent != there.got || here.got != there.sent {
		t.Errorf("here %+v, there %+v", here, there)
	}
	const packet = bip324.Overhead + 9
	for _, x := range [][2]int{here.sent, here.got} {
		if least := bip324.KeySize + bip324.TerminatorSize + bip324.Overhead + packet; x[0] < least || x[0] > least+bip324.MaxGarbage || x[1] != packet {
			t.Errorf("%v bytes were counted, want at least %d and then %d", x, least, packet)
		}
	}
}

// TestHostilePackets sends what must end the link.
func TestHostilePackets(t *testing.T) {
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	spoilt := func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	for name, tc := range map[string]struct {
		send func(o *other) []byte
		want func(error) bool
	}{
		"garbage without end": {func(*other) []byte { return make([]byte, bip324.MaxGarbage+bip324.TerminatorSize) }, is(bip324.ErrGarbage)},
		"ends in garbage":     {func(*other) []byte { return make([]byte, 100) }, is(transport.ErrWrongNetwork)},
		"ends before version": {func(o *other) []byte { return o.SendTerminator[:] }, is(transport.ErrReset)},
		"garbage changed":     {func(o *other) []byte { o.garbage = []byte("other"); return o.ready() }, is(bip324.ErrForged)},
		"version forged":      {func(o *other) []byte { return spoilt(o.ready()) }, is(bip324.ErrForged)},
		"message forged":      {func(o *other) []byte { return append(o.ready(), spoilt(o.seal(false, ping))...) }, is(bip324.ErrForged)},
		"decoy forged":        {func(o *other) []byte { return append(o.ready(), spoilt(o.seal(true, ping))...) }, is(bip324.ErrForged)},
		"ends in length":      {func(o *other) []byte { return append(o.ready(), 1, 2) }, is(transport.ErrReset)},
		"ends in packet":      {func(o *other) []byte { return append(o.ready(), o.seal(false, ping)[:10]...) }, is(transport.ErrReset)},
		"ends after all":      {func(o *other) []byte { return o.ready() }, is(io.EOF)},
		"long packet": {func(o *other) []byte {
			return append(o.ready(), o.seal(false, make([]byte, wire.MaxPayloadSize+bip324.MaxTypeSize+1))[:3]...)
		}, is(transport.ErrTooLarge)},
		"long version packet": {func(o *other) []byte {
			return o.Sealer.Seal(o.SendTerminator[:], false, o.garbage, make([]byte, wire.MaxPayloadSize+bip324.MaxTypeSize+1))[:19]
		}, is(transport.ErrTooLarge)},
		"longer than all": {func(o *other) []byte {
			return append(o.ready(), o.seal(false, []byte{2}, make([]byte, wire.MaxPayloadSize+1))...)
		}, is(transport.ErrTooLarge)},
		"longer than kind": {func(o *other) []byte { return append(o.ready(), o.seal(false, []byte{18}, make([]byte, 5000))...) }, is(transport.ErrTooLarge)},
	} {
		t.Run(name, func(t *testing.T) {
			k, raw := accepted(t, time.Minute)
			o, got := greet(t, k, raw, 20)
			go func() {
				raw.Write(tc.send(o))
				raw.(*net.TCPConn).CloseWrite()
			}()
			if r := <-got; !tc.want(r.err) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestSlowHandshake stops at each place of the handshake.
func TestSlowHandshake(t *testing.T) {
	const stall = 30 * time.Millisecond
	for _, sent := range []int{1, 15, 16, 63} {
		k, raw := accepted(t, stall)
		raw.Write(make([]byte, sent))
		if _, err := k.Receive(); !errors.Is(err, transport.ErrStalled) {
			t.Errorf("after %d bytes: %v, want a stall", sent, err)
		}
	}
	for _, left := range []int{20, 19, 1} { // of what follows the garbage's end
		k, raw := accepted(t, stall)
		o, got := greet(t, k, raw, 5)
		all := o.ready()
		o.write(all[:len(all)-left])
		if r := <-got; !errors.Is(r.err, transport.ErrStalled) {
			t.Errorf("%d bytes before the end: %v, want a stall", left, r.err)
		}
	}
	k, raw := accepted(t, stall)
	if _, got := greet(t, k, raw, 5); true {
		if r := <-got; !errors.Is(r.err, transport.ErrStalled) {
			t.Errorf("in the garbage: %v, want a stall", r.err)
		}
	}
}

// TestClaimedPacket checks that what is set aside for a packet follows what has
// come of it, not what its length speaks of.
func TestClaimedPacket(t *testing.T) {
	for _, sent := range []int{0, 1, firstAlloc, 300_000} {
		k, raw := accepted(t, 50*time.Millisecond)
		o, got := greet(t, k, raw, 0)
		o.write(o.ready(), o.seal(false, ping))
		if r := <-got; !isPing(r) {
			t.Fatal(r)
		}
		packet := o.seal(false, []byte{2}, make([]byte, wire.MaxPayloadSize))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		go raw.Write(packet[:bip324.LengthSize+sent])
		if _, err := k.Receive(); !errors.Is(err, transport.ErrStalled) {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		t.Logf("%d bytes of a packet of 4 MB made the link allocate %d", sent, allocated)
		if most := uint64(2*firstAlloc + growth*sent*4/3); allocated > most {
			t.Errorf("after %d bytes the link has allocated %d, want at most %d", sent, allocated, most)
		}
	}
}

// TestSendWaits sends on an accepted link before anything has come.
func TestSendWaits(t *testing.T) {
	k, raw := accepted(t, time.Minute)
	if err := k.Flush(); err != nil {
		t.Error(err)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := k.Send(wire.CmdPing, ping[1:])
		sent <- errors.Join(err, k.Flush())
	}()
	raw.Write(wire.AppendFrame(nil, magic, &wire.MsgVersion{}))
	if _, err := k.Receive(); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	want := wire.AppendFrame(nil, magic, &wire.MsgPing{Nonce: 0x0807060504030201, HasNonce: true})
	got := make([]byte, len(want))
	if _, err := io.ReadFull(raw, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("sent %x, %v", got, err)
	}

	k, _ = accepted(t, time.Minute)
	go func() {
		_, err := k.Send(wire.CmdPing, ping[1:])
		sent <- err
	}()
	k.Close()
	if err := <-sent; !errors.Is(err, transport.ErrClosed) {
		t.Errorf("sending on a closed link: %v", err)
	}
}

// host listens for bare connections. Each is given to the next of the functions;
// after the last nobody is there any more.
func host(t *testing.T, serve ...func(net.Conn)) ma.Multiaddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer l.Close()
		for _, s := range serve {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return multiaddr(l.Addr())
}

// refuse takes what a node of version 1 needs to see that this is no frame.
func refuse(c net.Conn) { io.ReadFull(c, make([]byte, wire.FrameHeaderSize)) }

// hold reads until the other side gives up.
func hold(c net.Conn) { io.Copy(io.Discard, c) }

// TestFallBack dials who does not speak version 2.
func TestFallBack(t *testing.T) {
	start := make(chan []byte, 1)
	plain := func(c net.Conn) {
		b := make([]byte, wire.FrameHeaderSize)
		io.ReadFull(c, b)
		start <- b
	}
	for name, first := range map[string]func(net.Conn){
		"closed": refuse, "closed at once": func(net.Conn) {}, "silent": hold,
	} {
		t.Run(name, func(t *testing.T) {
			patience := time.Minute
			if name == "silent" {
				patience = 100 * time.Millisecond
			}
			tr := New(Options{Magic: magic, V2: true, DialTimeout: patience})
			l, err := tr.Dial(t.Context(), host(t, first, plain))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if p := l.Info().Protocol; p != "v1" {
				t.Errorf("the link speaks %s", p)
			}
			l.Send(wire.CmdVerack, nil)
			l.Flush()
			if b := <-start; !bytes.Equal(b, wire.AppendFrame(nil, magic, &wire.MsgVerack{})) {
				t.Errorf("it began with %x", b)
			}
		})
	}
	t.Run("known", func(t *testing.T) {
		l, err := New(Options{Magic: magic, V2: true}).Dial(transport.Plain(t.Context()), host(t, plain))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		l.Send(wire.CmdVerack, nil)
		l.Flush()
		if b := <-start; [4]byte(b) != magic {
			t.Errorf("it began with %x", b)
		}
	})
}

// TestNoFallBack dials who says something and goes, and gives up on who says
// nothing: neither is dialled again.
func TestNoFallBack(t *testing.T) {
	never := func(net.Conn) { t.Error("it was dialled again") }
	tr := New(Options{Magic: magic, V2: true})
	var failed *DialError
	_, err := tr.Dial(t.Context(), host(t, func(c net.Conn) { refuse(c); c.Write([]byte("hello?")) }, never))
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "handshake") {
		t.Errorf("got %v", err)
	}
	_, err = New(Options{Magic: magic, V2: true, DialTimeout: 200 * time.Millisecond}).Dial(t.Context(), host(t, func(c net.Conn) {
		c.Write(make([]byte, 200)) // a key and garbage without an end
		hold(c)
	}, never))
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "another network") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = tr.Dial(ctx, host(t, func(c net.Conn) { refuse(c); cancel(); hold(c) }, never))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestOtherNetwork dials a node of another network, both of which encrypt.
func TestOtherNetwork(t *testing.T) {
	l, err := New(Options{Magic: [4]byte{1, 2, 3, 4}, V2: true}).Listen(t.Context(), ma.StringCast("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there := make(chan error, 1)
	go func() {
		k, err := l.Accept()
		if err == nil {
			_, err = k.Receive()
			k.Close()
		}
		there <- err
	}()
	_, err = New(Options{Magic: magic, V2: true, DialTimeout: 200 * time.Millisecond}).Dial(t.Context(), l.Addr())
	if err == nil || !strings.Contains(err.Error(), "another network") {
		t.Errorf("here: %v", err)
	}
	if err := <-there; !errors.Is(err, transport.ErrWrongNetwork) {
		t.Errorf("there: %v", err)
	}
}

// FuzzAnswer sends whatever there is to a link that finds out what is spoken.
func FuzzAnswer(f *testing.F) {
	f.Add(wire.AppendFrame(nil, magic, &wire.MsgVersion{}))
	f.Add(make([]byte, 70))
	f.Add(make([]byte, 5000))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		here, there := net.Pipe()
		k := newLink(here, &Options{Magic: magic, V2: true, Stall: time.Minute})
		k.known = make(chan struct{})
		go io.Copy(io.Discard, there)
		go func() {
			there.Write(b)
			there.Close()
		}()
		for {
			if _, err := k.Receive(); err != nil {
				break
			}
			if k.Info().Protocol != "v1" {
				t.Error("a message came without a key")
			}
		}
		k.Close()
		there.Close()
	})
}

// FuzzPackets puts bytes where packets should be that the other side has sealed.
func FuzzPackets(f *testing.F) {
	f.Add([]byte("no packet"), uint8(0))
	f.Add(make([]byte, 3000), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, after uint8) {
		k, raw := accepted(t, time.Minute)
		o, got := greet(t, k, raw, 0)
		switch {
		case after%3 == 1:
			o.write(o.SendTerminator[:])
		case after%3 == 2:
			o.write(o.ready())
		}
		go func() {
			raw.Write(b)
			raw.Close()
		}()
		if r := <-got; r.err == nil {
			t.Errorf("received %q", r.Command)
		}
	})
}

// BenchmarkLink sends through a link of each kind to its other end.
func BenchmarkLink(b *testing.B) {
	for _, v2 := range []bool{false, true} {
		for _, x := range []struct {
			name string
			size int
		}{{"inv", 37}, {"tx", 400}, {"block", 1_500_000}} {
			b.Run(map[bool]string{false: "v1/", true: "v2/"}[v2]+x.name, func(b *testing.B) {
				tr := New(Options{Magic: magic, V2: v2})
				l, err := tr.Listen(b.Context(), ma.StringCast("/ip4/127.0.0.1/tcp/0"))
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				done := make(chan int)
				go func() {
					y, err := l.Accept()
					n := 0
					for ; err == nil; n++ {
						_, err = y.Receive()
					}
					done <- n
				}()
				k, err := tr.Dial(b.Context(), l.Addr())
				if err != nil {
					b.Fatal(err)
				}
				payload := make([]byte, x.size)
				b.SetBytes(int64(x.size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := k.Send(wire.CmdTx, payload); err != nil {
						b.Fatal(err)
					}
				}
				k.Flush()
				k.Close()
				<-done
			})
		}
	}
}
