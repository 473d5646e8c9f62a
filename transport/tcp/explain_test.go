package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"starling/transport"
)

func TestDialError(t *testing.T) {
	op := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{op(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused: nobody listens there"},
		{op(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}), "there is no such name"},
		{op(&net.DNSError{Err: "server misbehaving", Name: "x", Server: "10.0.0.53:53"}), "the name could not be looked up: server misbehaving"},
		{op(os.ErrDeadlineExceeded), "no answer within 10s"},
		{op(os.NewSyscallError("connect", syscall.ENETUNREACH)), "network is unreachable"},
		{op(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "no route to host"},
	} {
		got := dialError(c.err, 10*time.Second)
		if got.Error() != c.want || !errors.Is(got, c.err) {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

func TestDialRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := multiaddr(l.Addr())
	l.Close()
	_, err = New(Options{}).Dial(context.Background(), addr)
	var dial *DialError
	if !errors.As(err, &dial) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, want a DialError of a refused connection", err)
	}
}

// The text of a lost link is the same the next time, whatever port the system
// gave out.
func TestLostLinkText(t *testing.T) {
	for _, port := range []int{1, 2} {
		err := (&link{}).explain(&net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: port}, Err: os.NewSyscallError("read", syscall.ECONNRESET)})
		if want := fmt.Sprintf("%v: connection reset by peer", transport.ErrReset); err.Error() != want || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
