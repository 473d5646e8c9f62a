package tcp

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"starling/wire"
)

// pipeConn is a connection that is not the system's, as one through some proxy
// may be.
type pipeConn struct{ net.Conn }

func (pipeConn) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (pipeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

// TestBufferlessIdle shows that a link takes a read buffer when something comes and
// has none while it waits.
func TestBufferlessIdle(t *testing.T) {
	k, raw := pipe(t, time.Minute)
	if k.quiet.conn == nil {
		t.Skip("this system waits with a buffer")
	}
	if k.r != nil {
		t.Fatal("a new link has a read buffer")
	}
	var frames []byte
	for range 2 {
		frames = append(wire.AppendFrameHeader(frames, magic, wire.CmdPing, []byte("12345678")), "12345678"...)
	}
	if _, err := raw.Write(frames); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if m, err := k.Receive(); err != nil || m.Command != wire.CmdPing {
			t.Fatalf("message %d: %q, %v", i, m.Command, err)
		}
	}
	if k.r == nil || k.r.Buffered() > 0 {
		t.Fatal("the messages did not come through a read buffer")
	}
	// It stops waiting at once.
	if err := k.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := k.idle(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("waiting ended with %v", err)
	}
	if k.r != nil {
		t.Error("a link that waits has a read buffer")
	}
}

// TestPipe carries messages over a connection that has no file descriptor.
func TestPipe(t *testing.T) {
	a, b := net.Pipe()
	opts := &Options{Magic: magic, Stall: time.Minute}
	from, to := newLink(pipeConn{a}, opts).speak(v1{magic}), newLink(pipeConn{b}, opts).speak(v1{magic})
	defer from.Close()
	defer to.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := from.Send(wire.CmdTx, make([]byte, 10_000))
		sent <- err
	}()
	m, err := to.Receive()
	if err != nil || m.Command != wire.CmdTx || len(m.Payload) != 10_000 {
		t.Fatalf("received %q of %d bytes, %v", m.Command, len(m.Payload), err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	from.Close()
	if _, err := to.Receive(); err == nil {
		t.Fatal("received from a closed pipe")
	}
}
