//go:build !unix

package tcp

import "net"

// quiet is nothing here: a socket keeps its buffer while it waits.
type quiet struct{ conn net.Conn }

func (s *socket) initQuiet(net.Conn) {}

func (s *socket) awaitQuietly() error { return nil }
