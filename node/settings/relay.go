package settings

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"starling/params"
	"starling/peer"
)

// Relay says which transactions a node keeps and passes on, and how.
type Relay struct {
	MaxMempool        int64         // memory for the mempool, in bytes
	Expiry            time.Duration // of transactions in it
	MinFee            int64         // in satoshi for 1,000 virtual bytes; below zero for the network's
	AcceptNonStandard bool
	ForgetMempool     bool // do not keep it across restarts
	BlocksOnly        bool
	WholeBlocks       bool
	Inbound, Outbound time.Duration // mean delays of announcements
	Whitelist         []Whitelist
}

// Whitelist gives permissions to the peers of a range of addresses.
type Whitelist struct {
	Net  netip.Prefix
	Perm peer.Permissions
}

const (
	// minMempool is the least memory for the mempool, in MB: the largest cluster
	// of transactions that there can be has to fit.
	minMempool = 5
	// ownRelayDelay is the mean delay of announcements on networks of one's own,
	// where there is no crowd to hide in. Some announcements still travel
	// together.
	ownRelayDelay = 100 * time.Millisecond
	// listedPermissions are what peers of the whitelist may do if nothing else is
	// said, as in Bitcoin Core.
	listedPermissions = peer.PermRelay | peer.PermMempool | peer.PermNoBan | peer.PermDownload
)

// relayOptions are the settings about transactions.
func relayOptions() []Option {
	return []Option{
		{Name: "maxmempool", Value: "MB", kind: kindInt, def: int64(300), least: minMempool, most: 1 << 20, Help: "memory for transactions that wait for a block, in MB (at least " + strconv.Itoa(minMempool) + ")"},
		{Name: "mempool-expiry", Value: "TIME", kind: kindDuration, def: "336h", least: 1, most: maxSeconds, Help: "how long a transaction may wait; a plain number is seconds"},
		{Name: "persist-mempool", kind: kindBool, def: true, Help: "keep waiting transactions across restarts"},
		{Name: "min-relay-fee", Value: "SAT", kind: kindString, def: "", Help: "pass nothing on that pays less for 1,000 virtual bytes (default the network's: 100 on Bitcoin's)"},
		{Name: "accept-nonstandard", kind: kindBool, def: false, Help: "take transactions that are valid but unusual; not on main"},
		{Name: "blocks-only", kind: kindBool, def: false, Help: "ask peers for no transactions; your own are announced all the same"},
		{Name: "whole-blocks", kind: kindBool, def: false, Help: "ask peers for no compact blocks (BIP152), to compare or to find faults"},
		{Name: "relay-delay-inbound", Value: "TIME", kind: kindDuration, def: "5s", least: 0, most: maxSeconds, Help: "mean time until peers that connected to this node hear of a transaction (on networks of one's own 100ms)"},
		{Name: "relay-delay-outbound", Value: "TIME", kind: kindDuration, def: "2s", least: 0, most: maxSeconds, Help: "mean time until other peers hear of a transaction (on networks of one's own 100ms)"},
		{Name: "whitelist", Value: "[PERMS@]ADDR", kind: kindList, def: []string(nil), Help: "what peers of an address or subnet may do beyond others: bloomfilter, relay, forcerelay, download, noban, mempool, addr or all, with commas between (default noban,mempool,relay,download); may be repeated"},
	}
}

// settleRelay checks the settings about transactions.
func (c *Config) settleRelay() error {
	r := &c.Relay
	r.MaxMempool = c.num("maxmempool") * 1_000_000
	r.Expiry = c.dur("mempool-expiry")
	r.ForgetMempool = !c.values["persist-mempool"].(bool)
	r.MinFee = -1
	if s := c.str("min-relay-fee"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || n > params.Coin {
			return c.fail("min-relay-fee", "%q is not a number of satoshi, at most one coin", s)
		}
		r.MinFee = n
	}
	r.AcceptNonStandard = c.values["accept-nonstandard"].(bool)
	if r.AcceptNonStandard && c.Network.Name == "main" {
		return c.fail("accept-nonstandard", "not on the main network")
	}
	r.BlocksOnly = c.values["blocks-only"].(bool)
	r.WholeBlocks = c.values["whole-blocks"].(bool)
	r.Inbound, r.Outbound = c.dur("relay-delay-inbound"), c.dur("relay-delay-outbound")
	if !params.BuiltIn(c.Network.Name) {
		for name, d := range map[string]*time.Duration{"relay-delay-inbound": &r.Inbound, "relay-delay-outbound": &r.Outbound} {
			if c.origins[name] == "default" {
				*d = ownRelayDelay
				c.values[name] = ownRelayDelay
			}
		}
	}
	for _, s := range c.list("whitelist") {
		w, bad := parseWhitelist(s)
		if bad != "" {
			return c.fail("whitelist", "%q: %s", s, bad)
		}
		r.Whitelist = append(r.Whitelist, w)
	}
	return nil
}

// parseWhitelist reads permissions@address, and says what is wrong with it.
func parseWhitelist(s string) (w Whitelist, bad string) {
	perms, host, ok := strings.Cut(s, "@")
	w.Perm = listedPermissions
	if !ok {
		host = s
	} else {
		var unknown string
		if w.Perm, unknown = peer.ParsePermissions(perms); unknown != "" {
			return w, "there is no permission " + unknown
		}
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

// Permissions returns what a peer of an address may do beyond others: all that
// any entry that fits gives it.
func (r *Relay) Permissions(a netip.Addr) (p peer.Permissions) {
	for _, w := range r.Whitelist {
		if w.Net.Contains(a.Unmap()) {
			p |= w.Perm
		}
	}
	return p
}
