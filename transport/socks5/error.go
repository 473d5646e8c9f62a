package socks5

import (
	"errors"
	"fmt"
)

// Error says why a proxy made no connection. Err is a [Reply] where the proxy
// is well and the host is not.
type Error struct {
	Proxy string // host:port
	Err   error
}

// Error returns the reason in words.
func (e *Error) Error() string { return "proxy " + e.Proxy + ": " + e.Err.Error() }

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// Errors of the proxy itself.
var (
	// ErrUnreachable: nobody answers at the proxy's address.
	ErrUnreachable = errors.New("it cannot be reached; is it running, and is its address right?")
	// ErrMethod: the proxy takes none of the ways to log in that were offered.
	ErrMethod = errors.New("it takes no connection without a login of another kind; let it take those of this machine without one")
	// ErrLogin: the proxy refused the user name and the password.
	ErrLogin = errors.New("it refused the user name and password that set this connection apart; use a proxy that takes any, as Tor's does, or switch --proxy-randomize off")
	// ErrNoProxy: what answered speaks another protocol.
	ErrNoProxy = errors.New("what answers there is no SOCKS5 proxy; is the port right?")
	// ErrCut: the proxy ended the connection in the middle of its answer.
	ErrCut = errors.New("it closed the connection without an answer")
	// ErrHost: a host that the protocol cannot name.
	ErrHost = errors.New("a host needs a name of 1 to 255 bytes and a port")
)

// Reply is the answer of a proxy that did not connect. It is an error.
type Reply uint8

// The answers of RFC 1928, and those that Tor adds for its own names.
const (
	Granted         Reply = 0x00 // never an error
	Failed          Reply = 0x01
	Forbidden       Reply = 0x02
	NetUnreachable  Reply = 0x03
	HostUnreachable Reply = 0x04
	Refused         Reply = 0x05
	Expired         Reply = 0x06
	NoCommand       Reply = 0x07
	NoAddressType   Reply = 0x08
	OnionUnknown    Reply = 0xf0
	OnionInvalid    Reply = 0xf1
	OnionIntro      Reply = 0xf2
	OnionRendezvous Reply = 0xf3
	OnionAuth       Reply = 0xf4
	OnionBadAuth    Reply = 0xf5
	OnionAddress    Reply = 0xf6
	OnionIntroTime  Reply = 0xf7
)

var replies = map[Reply]string{
	Failed:          "it failed, without saying why; its own log may tell",
	Forbidden:       "its rules do not allow this connection; look at its settings",
	NetUnreachable:  "the network of the host is unreachable from there",
	HostUnreachable: "the host is unreachable from there, or has no such name",
	Refused:         "connection refused: nobody listens there",
	Expired:         "the host did not answer in time",
	NoCommand:       "it cannot make connections (CONNECT); use another proxy",
	NoAddressType:   "it does not know addresses of this kind; use another proxy for them",
	OnionUnknown:    "there is no such onion service now, or its descriptor cannot be found",
	OnionInvalid:    "the onion service's descriptor is invalid",
	OnionIntro:      "the onion service could not be introduced to; it may be down",
	OnionRendezvous: "the onion service did not come to the rendezvous; it may be down",
	OnionAuth:       "the onion service wants a key of its clients",
	OnionBadAuth:    "the onion service does not take the key that Tor has for it",
	OnionAddress:    "the onion address is invalid; it may be mistyped",
	OnionIntroTime:  "the introduction to the onion service took too long",
}

// Error returns the answer in words.
func (r Reply) Error() string {
	if s := replies[r]; s != "" {
		return s
	}
	return fmt.Sprintf("it failed with code %d, which has no meaning in SOCKS5", uint8(r))
}
