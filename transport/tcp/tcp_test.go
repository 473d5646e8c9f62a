package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"starling/transport"
	"starling/transport/transporttest"
	"starling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var magic = [4]byte{0xfa, 0xbf, 0xb5, 0xda}

// TestSuite runs the suite over links in the clear, over encrypted ones, and
// where only one side can encrypt.
func TestSuite(t *testing.T) {
	for name, v2 := range map[string][2]bool{
		"v1": {false, false}, "v2": {true, true}, "v2 to v1": {true, false}, "v1 to v2": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transporttest.Run(t, transporttest.Config{
				Foreign: ma.StringCast("/ip4/127.0.0.1/udp/1/quic-v1"),
				New: func(t testing.TB, stall time.Duration) (a, b transport.Transport, listen ma.Multiaddr) {
					a = New(Options{Magic: magic, V2: v2[0], Stall: stall})
					b = New(Options{Magic: magic, V2: v2[1], Stall: stall})
					return a, b, ma.StringCast("/ip4/127.0.0.1/tcp/0")
				},
			})
		})
	}
}

// pipe returns a link and the bare connection at its other end.
func pipe(t testing.TB, stall time.Duration) (*link, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	k := newLink(c, &Options{Magic: magic, Stall: stall}).speak(v1{magic})
	t.Cleanup(func() { raw.Close(); k.Close() })
	return k, raw
}

// TestGolden checks the bytes of a frame: a verack of the main network, as in
// every description of the protocol.
func TestGolden(t *testing.T) {
	k, raw := pipe(t, time.Minute)
	k.speak(v1{[4]byte{0xf9, 0xbe, 0xb4, 0xd9}})
	if n, err := k.Send(wire.CmdVerack, nil); n != 24 || err != nil {
		t.Fatal(n, err)
	}
	k.Flush()
	got := make([]byte, 24)
	if _, err := io.ReadFull(raw, got); err != nil {
		t.Fatal(err)
	}
	if want := "\xf9\xbe\xb4\xd9verack\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x5d\xf6\xe0\xe2"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBadFrames sends what must end the link.
func TestBadFrames(t *testing.T) {
	ping := wire.AppendFrame(nil, magic, &wire.MsgPing{Nonce: 1, HasNonce: true})
	change := func(at int, b ...byte) []byte {
		f := append([]byte(nil), ping...)
		copy(f[at:], b)
		return f
	}
	var bad *wire.DecodeError
	for name, tc := range map[string]struct {
		send []byte
		want func(error) bool
	}{
		"other network":     {change(0, 0xf9), func(err error) bool { return errors.Is(err, transport.ErrWrongNetwork) }},
		"web browser":       {[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), func(err error) bool { return errors.Is(err, transport.ErrWrongNetwork) }},
		"longer than kind":  {change(16, 0, 0, 1, 0), func(err error) bool { return errors.As(err, &bad) }},
		"longer than all":   {change(4, []byte("block\x00\x00\x00\x00\x00\x00\x00\x01\x09\x3d\x00")...), func(err error) bool { return errors.As(err, &bad) }},
		"ends in header":    {ping[:10], func(err error) bool { return errors.Is(err, transport.ErrReset) }},
		"ends in payload":   {ping[:30], func(err error) bool { return errors.Is(err, transport.ErrReset) }},
		"ends before frame": {nil, func(err error) bool { return err == io.EOF }},
	} {
		t.Run(name, func(t *testing.T) {
			k, raw := pipe(t, time.Minute)
			raw.Write(tc.send)
			raw.Close()
			m, err := k.Receive()
			if !tc.want(err) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

// TestDamagedFrames puts damaged frames before a sound one.
func TestDamagedFrames(t *testing.T) {
	ping := wire.AppendFrame(nil, magic, &wire.MsgPing{Nonce: 1, HasNonce: true})
	k, raw := pipe(t, time.Minute)
	// Between the letters of the command, after its end, in it, in the checksum,
	// in the payload.
	for _, at := range []int{6, 15, 5, 20, 24} {
		damaged := append([]byte(nil), ping...)
		damaged[at] ^= 0x81
		if at == 6 {
			damaged[at] = 0
		}
		raw.Write(damaged)
	}
	raw.Write(ping)
	m, err := k.Receive()
	if err != nil || m.Command != wire.CmdPing || !bytes.Equal(m.Payload, ping[24:]) {
		t.Errorf("got %+v, %v", m, err)
	}
	if m.Size != 6*len(ping) {
		t.Errorf("%d bytes counted, %d came", m.Size, 6*len(ping))
	}
}

// TestSlowLoris sends a byte now and then.
func TestSlowLoris(t *testing.T) {
	frame := wire.AppendFrame(nil, magic, &wire.MsgPing{Nonce: 1, HasNonce: true})
	for _, sent := range []int{1, 23, 24, 31} {
		k, raw := pipe(t, 30*time.Millisecond)
		raw.Write(frame[:sent])
		if _, err := k.Receive(); !errors.Is(err, transport.ErrStalled) {
			t.Errorf("after %d bytes: %v, want a stall", sent, err)
		}
	}
	// A second byte in time buys nothing: the deadline is the message's.
	k, raw := pipe(t, 100*time.Millisecond)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range frame {
			if _, err := raw.Write(frame[i : i+1]); err != nil {
				return
			}
			wait, other := net.Pipe()
			wait.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			wait.Read(make([]byte, 1))
			wait.Close()
			other.Close()
		}
	}()
	if _, err := k.Receive(); !errors.Is(err, transport.ErrStalled) {
		t.Errorf("got %v, want a stall", err)
	}
	k.Close()
	<-done
}

// TestClaimedLength checks that what is set aside for a message under way
// follows what has come of it, not what its header speaks of.
func TestClaimedLength(t *testing.T) {
	for _, sent := range []int{0, 1, firstAlloc, firstAlloc + 1, 300_000, 1_100_000} {
		k, raw := pipe(t, 20*time.Millisecond)
		frame := wire.FrameHeader{Magic: magic, Command: wire.CmdBlock, Length: wire.MaxPayloadSize}.Append(nil)
		frame = append(frame, make([]byte, sent)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		go raw.Write(frame)
		if _, err := k.Receive(); !errors.Is(err, transport.ErrStalled) {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		got := after.TotalAlloc - before.TotalAlloc
		t.Logf("%d bytes of a message of 4 MB made the link allocate %d", sent, got)
		// Smaller buffers before the last one are a third of it together.
		if most := uint64(2*firstAlloc + growth*sent*4/3); got > most {
			t.Errorf("after %d bytes the link has allocated %d, want at most %d", sent, got, most)
		}
		raw.Close()
	}
}

// TestIdleCost checks that a link that has sent and received keeps no write
// buffer.
func TestIdleCost(t *testing.T) {
	k, raw := pipe(t, time.Minute)
	go io.Copy(io.Discard, raw)
	for range 100 {
		if _, err := k.Send(wire.CmdTx, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Flush(); err != nil {
		t.Fatal(err)
	}
	if k.w != nil || k.vec[0] != nil {
		t.Error("the link holds on to a buffer after it was flushed")
	}
}

// BenchmarkSend sends payloads of the size of an announcement and of a block.
func BenchmarkSend(b *testing.B) {
	for name, size := range map[string]int{"inv": 37, "block": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			raw, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			c, _ := l.Accept()
			l.Close()
			go io.Copy(io.Discard, raw)
			k := newLink(c, &Options{Magic: magic, Stall: time.Minute}).speak(v1{magic})
			payload := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Send(wire.CmdTx, payload); err != nil {
					b.Fatal(err)
				}
			}
			k.Flush()
			k.Close()
			raw.Close()
		})
	}
}
