package settings

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"starling/internal/layered"
	"starling/mempool"
	"starling/params"
	"starling/peer"
	"starling/server"
	"starling/transport"
)

// permitted gives permissions to the peers of a range of addresses.
type permitted struct {
	Net     netip.Prefix
	Perm    peer.Permissions
	In, Out bool // on links that others open, and that this node opens
}

const (
	// minMempool is the least memory for the mempool, in MB: the largest cluster
	// of transactions that there can be has to fit.
	minMempool = 5
	// ownRelayDelay is the mean delay of announcements on networks of one's own,
	// where there is no crowd to hide in. Some announcements still travel
	// together.
	ownRelayDelay = 20 * time.Millisecond
	// listedPermissions are what peers of the whitelist may do if nothing else is
	// said, as in Bitcoin Core.
	listedPermissions = peer.PermRelay | peer.PermMempool | peer.PermNoBan | peer.PermDownload
)

// relayOptions are the settings about transactions.
func relayOptions() []layered.Option {
	return []layered.Option{
		{Name: "maxmempool", Value: "MB", Kind: layered.Number, Default: int64(300), Least: minMempool, Most: 1 << 20, Help: "memory for transactions that wait for a block, in MB (at least " + strconv.Itoa(minMempool) + ")"},
		{Name: "mempool-expiry", Value: "TIME", Kind: layered.Duration, Default: "336h", Least: 1, Most: maxSeconds, Help: "how long a transaction may wait; a plain number is seconds"},
		{Name: "persist-mempool", Kind: layered.Bool, Default: true, Help: "keep waiting transactions across restarts"},
		{Name: "min-relay-fee", Value: "SAT", Help: "pass nothing on that pays less for 1,000 virtual bytes (default the network's: 100 on Bitcoin's)"},
		{Name: "accept-nonstandard", Kind: layered.Bool, Help: "take transactions that are valid but unusual; not on main"},
		{Name: "blocks-only", Kind: layered.Bool, Help: "ask peers for no transactions; your own are announced all the same"},
		{Name: "peerbloomfilters", Kind: layered.Bool, Help: "let any peer use bloom filters (BIP37), which cost this node more than the peer"},
		{Name: "whole-blocks", Kind: layered.Bool, Help: "ask peers for no compact blocks (BIP152), to compare or to find faults"},
		{Name: "relay-delay-inbound", Value: "TIME", Kind: layered.Duration, Default: "5s", Least: 0, Most: maxSeconds, Help: "mean time until peers that connected to this node hear of a transaction (on networks of one's own 20ms)"},
		{Name: "relay-delay-outbound", Value: "TIME", Kind: layered.Duration, Default: "2s", Least: 0, Most: maxSeconds, Help: "mean time until other peers hear of a transaction (on networks of one's own 20ms)"},
		{Name: "whitelist", Value: "[PERMS@]ADDR", Kind: layered.List, Help: "what peers of an address or subnet may do beyond others: bloomfilter, relay, forcerelay, download, noban, mempool, addr or all, with commas between (default noban,mempool,relay,download); in and out say on links of which direction (default in); may be repeated"},
		{Name: "whitebind", Value: "[PERMS@]HOST:PORT", Kind: layered.List, Help: "listen here too, and let whoever connects do what --whitelist names; may be repeated"},
	}
}

// settleRelay fills in which transactions the node keeps and passes on, and how.
func (s *Settings) settleRelay() error {
	c := &s.Server
	c.Pool.MaxBytes, c.Pool.Expiry = s.Number("maxmempool")*1_000_000, s.Duration("mempool-expiry")
	c.ForgetPool = !s.Bool("persist-mempool")
	rate, given, err := s.feeRate("min-relay-fee", params.Coin)
	if err != nil {
		return err
	}
	if given {
		c.Pool.MinRelayFee = mempool.FeeRate(rate)
	}
	c.AcceptNonStandard = s.Bool("accept-nonstandard")
	if c.AcceptNonStandard && c.Network.Name == "main" {
		return s.Fail("accept-nonstandard", "not on the main network")
	}
	c.BlocksOnly, c.WholeBlocks, c.BloomFilters = s.Bool("blocks-only"), s.Bool("whole-blocks"), s.Bool("peerbloomfilters")
	if !params.BuiltIn(c.Network.Name) {
		s.SetDefault("relay-delay-inbound", ownRelayDelay)
		s.SetDefault("relay-delay-outbound", ownRelayDelay)
	}
	c.RelayDelayInbound, c.RelayDelayOutbound = atOnce(s.Duration("relay-delay-inbound")), atOnce(s.Duration("relay-delay-outbound"))
	var list []permitted
	for _, t := range s.List("whitelist") {
		w, bad := parseWhitelist(t)
		if bad != "" {
			return s.Fail("whitelist", "%q: %s", t, bad)
		}
		list = append(list, w)
	}
	c.Permissions = func(a netip.Addr, k peer.Kind) peer.Permissions { return permissions(list, a, k) }
	return s.settleWhiteBind()
}

// feeRate reads a fee rate, in satoshi for 1,000 virtual bytes, that may be left out.
// One of nothing is below zero, see orNone.
func (s *Settings) feeRate(name string, most int64) (rate int64, given bool, err error) {
	t := s.Text(name)
	if t == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, false, s.Fail(name, "%q is not a number of satoshi from 0 to %d", t, most)
	}
	return int64(orNone(n)), true, nil
}

// orNone turns a fee rate of nothing, which would stand for the default, into
// the one that stands for none.
func orNone(rate int64) mempool.FeeRate {
	if rate == 0 {
		return -1
	}
	return mempool.FeeRate(rate)
}

// atOnce turns no time at all, which would stand for the default, into almost
// none.
func atOnce(d time.Duration) time.Duration { return max(d, time.Nanosecond) }

// parseWhitelist reads permissions@address, and says what is wrong with it.
func parseWhitelist(s string) (w permitted, bad string) {
	w, host, bad := parsePermitted(s)
	if bad != "" {
		return w, bad
	}
	var err error
	if w.Net, err = netip.ParsePrefix(host); err == nil {
		w.Net = w.Net.Masked()
		return w, ""
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return w, "want an address or a subnet, such as 10.0.0.0/8"
	}
	w.Net = netip.PrefixFrom(a, a.BitLen())
	return w, ""
}

// parsePermitted reads permissions@rest, with the directions among the
// permissions. Without them they are the usual ones, of links that others open.
func parsePermitted(s string) (w permitted, rest, bad string) {
	perms, rest, ok := strings.Cut(s, "@")
	w.Perm, w.In = listedPermissions, true
	if !ok {
		return w, s, ""
	}
	var words []string
	directions := 0
	for word := range strings.SplitSeq(perms, ",") {
		switch word {
		case "in":
			directions |= 1
		case "out":
			directions |= 2
		default:
			words = append(words, word)
		}
	}
	if directions != 0 {
		w.In, w.Out = directions&1 != 0, directions&2 != 0
	}
	if len(words) == 0 {
		return w, rest, ""
	}
	var unknown string
	if w.Perm, unknown = peer.ParsePermissions(strings.Join(words, ",")); unknown != "" {
		return w, rest, "there is no permission " + unknown
	}
	return w, rest, ""
}

// settleWhiteBind fills in where the node listens for peers that may do more.
func (s *Settings) settleWhiteBind() error {
	for _, t := range s.List("whitebind") {
		w, at, bad := parsePermitted(t)
		if bad == "" && w.Out {
			bad = "out is for links that this node opens"
		}
		if bad != "" {
			return s.Fail("whitebind", "%q: %s", t, bad)
		}
		hp, err := hostPort(at, strconv.Itoa(int(s.Server.Network.DefaultPort)))
		if err != nil {
			return s.Fail("whitebind", "%v", err)
		}
		addr, err := transport.ParseAddr(hp)
		if err != nil {
			return s.Fail("whitebind", "%v", err)
		}
		s.Server.WhiteBind = append(s.Server.WhiteBind, server.WhiteBind{Addr: addr, Permissions: w.Perm})
	}
	return nil
}

// permissions returns what a peer of an address may do beyond others on a kind
// of link: all that any entry that fits gives it.
func permissions(list []permitted, a netip.Addr, k peer.Kind) (p peer.Permissions) {
	for _, w := range list {
		if w.Net.Contains(a.Unmap()) && (w.In && !k.Outbound() || w.Out && k.Outbound()) {
			p |= w.Perm
		}
	}
	return p
}
