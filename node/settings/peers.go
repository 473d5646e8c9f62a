package settings

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"starling/internal/layered"
	"starling/params"
	"starling/server"
	"starling/transport"
)

// peerOptions are the settings about peers.
func peerOptions() []layered.Option {
	return []layered.Option{
		{Name: "listen", Value: "HOST:PORT", Kind: layered.List, Help: "where peers may connect, also as a multiaddress such as /ip4/127.0.0.1/tcp/8333; may be repeated; 0 for nowhere (default the network's port on every interface)"},
		{Name: "connect", Value: "HOST:PORT", Kind: layered.List, Help: "connect only to these peers, also multiaddresses; may be repeated; 0 for none"},
		{Name: "addnode", Value: "HOST:PORT", Kind: layered.List, Help: "keep a connection to this peer, also a multiaddress, beside others; may be repeated"},
		{Name: "max-connections", Value: "N", Kind: layered.Number, Default: int64(125), Least: 0, Most: 100_000, Help: "how many peers at most"},
		{Name: "max-inbound", Value: "N", Kind: layered.Number, Default: int64(0), Least: 0, Most: 100_000, Help: "how many of them may connect to this node (0 for all that max-connections leaves)"},
		{Name: "max-per-host", Value: "N", Kind: layered.Number, Default: int64(0), Least: -1, Most: 100_000, Help: "how many connections one host may open (0 for an eighth of all, at least 16; -1 for any number)"},
		{Name: "max-per-group", Value: "N", Kind: layered.Number, Default: int64(0), Least: -1, Most: 100_000, Help: "the same for a network group, such as the addresses of one operator (0 for half of all, at least 32)"},
		{Name: "max-upload-target", Value: "MIB", Kind: layered.Number, Default: int64(0), Least: 0, Most: 1 << 30, Help: "MiB to send in a day before blocks older than a week are not sent any more (0 for any number)"},
		{Name: "dial-timeout", Value: "TIME", Kind: layered.Duration, Default: "10s", Least: 1, Most: maxSeconds, Help: "how long to wait for a peer that is dialled; three times as long through a proxy"},
		{Name: "handshake-timeout", Value: "TIME", Kind: layered.Duration, Default: "60s", Least: 1, Most: maxSeconds, Help: "how long a new connection may take to introduce itself"},
		{Name: "ping-interval", Value: "TIME", Kind: layered.Duration, Default: "2m", Least: 1, Most: maxSeconds, Help: "how often peers are pinged (on networks of one's own as their file says, 30s for new ones)"},
		{Name: "ping-timeout", Value: "TIME", Kind: layered.Duration, Default: "20m", Least: 1, Most: maxSeconds, Help: "how long a peer may take to answer a ping (on networks of one's own as their file says, 90s for new ones)"},
		{Name: "silence-timeout", Value: "TIME", Kind: layered.Duration, Default: "90m", Least: 1, Most: maxSeconds, Help: "after how long without any message a peer is given up"},
		{Name: "banscore", Value: "N", Kind: layered.Number, Default: int64(100), Least: 1, Most: 1_000_000, Help: "the score at which a misbehaving peer is banned"},
		{Name: "bantime", Value: "TIME", Kind: layered.Duration, Default: "24h", Least: 1, Most: maxSeconds, Help: "how long a ban lasts; a plain number is seconds"},
		{Name: "exempt-local", Kind: layered.Bool, Default: true, Help: "ban no local or private address for its score, as many peers may be behind it, and count none of them as a network group, nor tell it to others"},
		{Name: "v2transport", Kind: layered.Bool, Default: true, Help: "encrypt connections with peers that can, and take encrypted ones (BIP324)"},
		{Name: "user-agent-comment", Value: "TEXT", Kind: layered.List, Help: "added to the name that peers see; may be repeated"},
	}
}

// settlePeers fills in how peers are treated, and what they are told.
func (s *Settings) settlePeers() error {
	c := &s.Server
	// At 0 there is room for none, but 0 would be the default.
	c.MaxPeers = max(int(s.Number("max-connections")), 1)
	if in := s.Number("max-inbound"); in > s.Number("max-connections") {
		return s.Fail("max-inbound", "%d is more than all connections that there may be, which max-connections sets to %d", in, s.Number("max-connections"))
	}
	c.MaxInbound, c.MaxPerHost, c.MaxPerGroup = int(s.Number("max-inbound")), int(s.Number("max-per-host")), int(s.Number("max-per-group"))
	c.MaxUpload = uint64(s.Number("max-upload-target")) << 20
	c.DialTimeout = s.Duration("dial-timeout")
	c.HandshakeTimeout = s.Duration("handshake-timeout")
	if n := c.Network; !params.BuiltIn(n.Name) {
		s.SetDefault("ping-interval", n.PingInterval)
		s.SetDefault("ping-timeout", n.PingTimeout)
	}
	c.PingInterval, c.PingTimeout = s.Duration("ping-interval"), s.Duration("ping-timeout")
	c.SilenceTimeout = s.Duration("silence-timeout")
	if c.SilenceTimeout < c.PingInterval {
		// A peer with nothing to tell would be given up before it is pinged.
		return s.Fail("silence-timeout", "%v is less than the time between pings, %v", c.SilenceTimeout, c.PingInterval)
	}
	c.BanScore, c.BanTime, c.CountLocal = float64(s.Number("banscore")), s.Duration("bantime"), !s.Bool("exempt-local")
	c.V2 = s.Bool("v2transport")
	c.UserAgent = server.DefaultUserAgent
	comments := s.List("user-agent-comment")
	for _, t := range comments {
		if strings.ContainsAny(t, "/:()") || len(t) > 100 || strings.ContainsFunc(t, func(r rune) bool { return r < ' ' || r > '~' }) {
			// Others print it on their terminals.
			return s.Fail("user-agent-comment", "%q has characters that are not allowed, or is too long", t)
		}
	}
	if len(comments) > 0 {
		// As BIP14 has it.
		c.UserAgent = strings.TrimSuffix(c.UserAgent, "/") + "(" + strings.Join(comments, "; ") + ")/"
	}
	return nil
}

// none is the word that switches a list of addresses off.
const none = "0"

// settleAddresses fills in where the node listens and whom it connects to.
func (s *Settings) settleAddresses() error {
	port := strconv.Itoa(int(s.Server.Network.DefaultPort))
	s.RPCListen = s.Text("rpc-listen")
	if s.RPCListen == "" {
		s.RPCListen = "127.0.0.1"
		if s.NodeID != 0 {
			s.RPCListen = net.JoinHostPort(s.RPCListen, strconv.Itoa(s.NodeID+rpcOffset))
		}
	}
	var err error
	if s.RPCListen, err = hostPort(s.RPCListen, strconv.Itoa(int(s.Server.Network.RPCPort))); err != nil {
		return s.Fail("rpc-listen", "%v", err)
	}
	if s.Metrics = s.Text("metrics-listen"); s.Metrics != "" {
		if s.Metrics, err = hostPort(s.Metrics, "9332"); err != nil {
			return s.Fail("metrics-listen", "%v", err)
		}
	}
	if s.Listen, err = s.addresses("listen", port); err != nil {
		return err
	}
	if len(s.List("listen")) == 0 {
		s.Listen = []string{":" + port}
		switch {
		case s.NodeID != 0:
			s.Listen = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(s.NodeID))}
		case s.Server.Proxies.All != nil:
			s.Listen = nil // or who hides behind it could be found by this port
		}
	}
	if s.Connect, err = s.addresses("connect", port); err != nil {
		return err
	}
	if s.AddNode, err = s.addresses("addnode", port); err != nil {
		return err
	}
	if !params.BuiltIn(s.Server.Network.Name) && !s.connectOnly() {
		s.addSeeds()
	}
	return nil
}

// connectOnly reports whether the node is to look for no other peers than those
// that it was given.
func (s *Settings) connectOnly() bool { return len(s.List("connect")) > 0 }

// addresses reads a list of addresses. The port is that of those without one.
func (s *Settings) addresses(name, port string) ([]string, error) {
	var out []string
	words := s.List(name)
	for _, w := range words {
		if w == none && len(words) == 1 {
			return nil, nil
		}
		if w == none {
			return nil, s.Fail(name, "0 is for none, and goes with no address")
		}
		// A multiaddress has its own form.
		var err error
		if !strings.HasPrefix(w, "/") {
			w, err = hostPort(w, port)
		}
		if err == nil {
			_, err = transport.ParseAddr(w)
		}
		if err != nil {
			return nil, s.Fail(name, "%v", err)
		}
		out = append(out, w)
	}
	return out, nil
}

// hostPort reads host:port, or a host alone.
func hostPort(s, port string) (string, error) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		host, p = strings.Trim(s, "[]"), port
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", fmt.Errorf("%q is not host:port", s)
		}
	}
	if host != "" && strings.Trim(host, "0123456789") == "" {
		return "", fmt.Errorf("%q is not host:port; a port alone is written :%s", s, host)
	}
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || strings.ContainsAny(host, " /") || n == 0 && p != "0" {
		return "", fmt.Errorf("%q is not host:port", s)
	}
	return net.JoinHostPort(host, p), nil
}

// addSeeds makes peers of the seeds that a network's file names, but for this
// node itself.
func (s *Settings) addSeeds() {
	for _, seed := range s.Server.Network.FixedSeeds {
		if !slices.Contains(s.AddNode, seed) && !s.listensAt(seed) {
			s.AddNode = append(s.AddNode, seed)
		}
	}
}

// listensAt reports whether an address is plainly one of this node's own.
func (s *Settings) listensAt(seed string) bool {
	host, port, err := net.SplitHostPort(seed)
	if err != nil {
		return false
	}
	for _, l := range s.Listen {
		h, p, err := net.SplitHostPort(l)
		if err == nil && p == port && (h == host || isHere(host) && (h == "" || isHere(h))) {
			return true
		}
	}
	return false
}

// isHere reports whether a host is this machine or all its interfaces.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip.IsLoopback() || ip.IsUnspecified()
}
