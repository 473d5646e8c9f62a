package socks5

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// The numbers of the protocol.
const (
	version      = 5
	loginVersion = 1

	methodNone  = 0x00
	methodLogin = 0x02
	noMethod    = 0xff

	connect = 1

	typeIPv4 = 1
	typeName = 3
	typeIPv6 = 4

	// maxName is the longest name, user name or password: its length is one
	// byte.
	maxName = 255
	// maxReply is the longest answer: four bytes, a name with its length, a
	// port. It bounds what is read of a proxy at a time.
	maxReply = 4 + 1 + maxName + 2
)

// Proxy is a SOCKS5 proxy. It is safe for concurrent use.
type Proxy struct {
	// Address is the proxy's, host:port.
	Address string
	// Isolate has each connection log in by a name and a password drawn at random,
	// if the proxy takes logins.
	Isolate bool
}

// Dial has the proxy connect to a host, which is an IP address or a name. The
// context bounds the dialling, not the life of the connection. All errors are
// of type [*Error], but for the context's own.
func (p *Proxy) Dial(ctx context.Context, host, port string) (net.Conn, error) {
	request, err := p.request(host, port)
	if err != nil {
		return nil, &Error{p.Address, err}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.Address)
	if err != nil {
		if ended := ended(ctx, err); ended != nil {
			return nil, ended
		}
		return nil, &Error{p.Address, fmt.Errorf("%w (%w)", ErrUnreachable, reason(err))}
	}
	if err := p.negotiate(ctx, conn, request); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// reason returns what went wrong without the addresses around it, which differ
// from one time to the next.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err
}

// ended returns the error of a context that is over, in whose last moment a
// deadline may have struck before it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := ctx.Deadline(); ok && errors.Is(err, os.ErrDeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return nil
}

// negotiate carries out the exchange within the time that ctx has.
func (p *Proxy) negotiate(ctx context.Context, conn net.Conn, request []byte) error {
	if at, ok := ctx.Deadline(); ok {
		conn.SetDeadline(at)
	}
	past := time.Unix(1, 0)
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(past) })
	err := p.exchange(conn, request)
	if !stop() {
		return ctx.Err() // whatever else: the deadline is in the past, or will be
	}
	if err != nil {
		if ended := ended(ctx, err); ended != nil {
			return ended
		}
		return &Error{p.Address, plainly(err)}
	}
	return conn.SetDeadline(time.Time{})
}

// plainly gives the ways in which a proxy may hang up one name.
func plainly(err error) error {
	for _, hungUp := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, hungUp) {
			return ErrCut
		}
	}
	return reason(err)
}

// exchange logs in and asks for the connection.
func (p *Proxy) exchange(conn io.ReadWriter, request []byte) error {
	hello := []byte{version, 1, methodNone}
	if p.Isolate {
		hello = []byte{version, 2, methodNone, methodLogin}
	}
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	method, err := readMethod(conn)
	switch {
	case err != nil:
		return err
	case method == methodNone:
	case method == methodLogin && p.Isolate:
		if _, err := conn.Write(login(rand.Text(), rand.Text())); err != nil {
			return err
		}
		if err := readLogin(conn); err != nil {
			return err
		}
	case method == noMethod:
		return ErrMethod
	default:
		return ErrNoProxy // one that was not offered
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	return readReply(conn)
}

// login returns the message of RFC 1929.
func login(user, password string) []byte {
	b := append([]byte{loginVersion, byte(len(user))}, user...)
	b = append(b, byte(len(password)))
	return append(b, password...)
}

// request returns the message that asks for a connection.
func (p *Proxy) request(host, port string) ([]byte, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, ErrHost
	}
	b := []byte{version, connect, 0}
	switch ip, err := netip.ParseAddr(host); {
	case err != nil && (host == "" || len(host) > maxName), err == nil && ip.Zone() != "":
		return nil, ErrHost
	case err != nil:
		b = append(b, typeName, byte(len(host)))
		b = append(b, host...)
	case ip.Unmap().Is4():
		b = append(append(b, typeIPv4), ip.Unmap().AsSlice()...)
	default:
		b = append(append(b, typeIPv6), ip.AsSlice()...)
	}
	return append(b, byte(n>>8), byte(n)), nil
}

// readMethod reads which way to log in the proxy has chosen.
func readMethod(r io.Reader) (byte, error) {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	if b[0] != version {
		return 0, ErrNoProxy
	}
	return b[1], nil
}

// readLogin reads whether a login was taken.
func readLogin(r io.Reader) error {
	var b [2]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	switch {
	case b[0] != loginVersion:
		return ErrNoProxy
	case b[1] != 0:
		return ErrLogin
	}
	return nil
}

// readReply reads what came of the request, to its last byte and no further.
// The address in it, where the proxy comes from, is of no use. What stands
// behind an answer that is none is not read: some proxies send nothing there.
func readReply(r io.Reader) error {
	var b [maxReply]byte
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return err
	}
	if b[0] != version {
		return ErrNoProxy
	}
	if r := Reply(b[1]); r != Granted {
		return r
	}
	rest := 0
	switch b[3] {
	case typeIPv4:
		rest = 4 + 2
	case typeIPv6:
		rest = 16 + 2
	case typeName:
		if _, err := io.ReadFull(r, b[4:5]); err != nil {
			return err
		}
		rest = int(b[4]) + 2
	default:
		return ErrNoProxy
	}
	_, err := io.ReadFull(r, b[5:][:rest])
	return err
}
