package node

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

// TestPlainNet: an error of listening names what could not be listened at, also
// where the system had no address to name.
func TestPlainNet(t *testing.T) {
	listen := func(addr net.Addr, err error) error {
		return &net.OpError{Op: "listen", Net: "tcp", Addr: addr, Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{listen(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, os.NewSyscallError("bind", syscall.EADDRINUSE)), "10.0.0.1:1: address already in use"},
		{listen(nil, &net.DNSError{Err: "no such host", Name: "host.invalid", IsNotFound: true}), "host.invalid: there is no such name"},
		{listen(nil, &net.DNSError{Err: "server misbehaving", Name: "host.invalid"}), "host.invalid: server misbehaving"},
		{listen(nil, errors.New("odd")), "listen tcp: odd"},
	} {
		if got := plainNet(c.err).Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
