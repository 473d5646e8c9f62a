package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// NewResolver returns a resolver that asks the DNS server at host:port, or the
// system's if that is empty.
func NewResolver(server string) *net.Resolver {
	if server == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}}
}

// explain shortens an error of a look-up to what is wrong.
func explain(err error) error {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return err
	case dns.IsTimeout:
		return errors.New("the DNS server does not answer in time")
	case dns.IsNotFound:
		return errors.New("there is no such name, or it has no addresses")
	}
	return fmt.Errorf("asking the DNS server failed: %s", dns.Err)
}
