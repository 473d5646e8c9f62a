package settings

import (
	"os"
	"strconv"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/connmgr"
	"starling/discover"
	"starling/internal/layered"
	"starling/wire"
)

// slotOptions are the settings about the links that the node opens by itself.
func slotOptions() []layered.Option {
	return []layered.Option{
		{Name: "max-outbound", Value: "N", Kind: layered.Number, Default: int64(connmgr.DefaultFull), Least: 0, Most: 1000, Help: "how many peers the node looks for by itself; two more for blocks alone come on top; 0 for none at all"},
		{Name: "min-peers", Value: "N", Kind: layered.Number, Default: int64(0), Least: 0, Most: 1000, Help: "below so many peers of its own the node tries harder, with shorter waits"},
		{Name: "dnsseed", Kind: layered.Bool, Default: true, Help: "ask the network's DNS seeds for peers when short of them"},
		{Name: "forcednsseed", Kind: layered.Bool, Help: "ask them at every start"},
		{Name: "dns-resolver", Value: "HOST:PORT", Help: "the DNS server to ask, in place of the system's"},
		{Name: "seednode", Value: "HOST:PORT", Kind: layered.List, Help: "a node to ask for addresses of others when short of peers; may be repeated"},
		{Name: "fixedseeds", Kind: layered.Bool, Default: true, Help: "try addresses built into the program when nothing else is known"},
		{Name: "onlynet", Value: "NETWORK", Kind: layered.List, Help: "look for peers on this network only: ipv4, ipv6, onion or cjdns; may be repeated"},
		{Name: "externalip", Value: "HOST[:PORT]", Kind: layered.List, Help: "an address at which others can reach this node, which is told to them; may be repeated"},
		{Name: "discover", Kind: layered.Bool, Default: true, Help: "find out by itself at which addresses others can reach this node (not with --externalip)"},
		{Name: "asmap", Value: "FILE", Help: "a map of IP addresses to the operators that announce them, in Bitcoin Core's format, so that no one operator gets more than its share of peers"},
	}
}

// onlyNets are the words of --onlynet, which are Core's.
var onlyNets = map[string][]wire.NetworkID{
	"ipv4": {wire.NetIPv4}, "ipv6": {wire.NetIPv6}, "onion": {wire.NetTorV3}, "i2p": {wire.NetI2P}, "cjdns": {wire.NetCJDNS},
}

// settleSlots fills in which links the node opens by itself, and what it knows
// of its own addresses.
func (s *Settings) settleSlots() error {
	c := &s.Server
	nets := []wire.NetworkID{wire.NetIPv4, wire.NetIPv6}
	if words := s.List("onlynet"); len(words) > 0 {
		nets = nil
		for _, w := range words {
			if onlyNets[w] == nil {
				return s.Fail("onlynet", "%q is none of ipv4, ipv6, onion and cjdns", w)
			}
			if err := s.checkNet(w); err != nil {
				return err
			}
			nets = append(nets, onlyNets[w]...)
		}
	} else if c.Proxies.Onion != nil {
		nets = append(nets, wire.NetTorV3)
	}
	if len(s.List("connect")) == 0 && strings.HasPrefix(s.Origin("connect"), "flag") {
		return s.Fail("connect", "names no peer; 0 is for none at all, and without the flag the node finds peers by itself")
	}
	if err := s.settleResolver(); err != nil {
		return err
	}
	networks := addrmgr.NetworkSet(nets...)
	out := min(int(s.Number("max-outbound")), int(s.Number("max-connections")))
	if least := int(s.Number("min-peers")); least > 0 && least > out+connmgr.DefaultBlockRelay && !s.connectOnly() {
		return s.Fail("min-peers", "%d is more than all links that the node opens by itself, which max-outbound and max-connections set to %d and two more", least, out)
	}
	if out > 0 && !s.connectOnly() {
		if err := s.settleFind(networks); err != nil {
			return err
		}
		c.Slots = slotsFor(out, int(s.Number("max-connections"))-out)
		c.Slots.MinPeers, c.Slots.Networks = int(s.Number("min-peers")), networks
	}
	for _, w := range s.List("externalip") {
		a, err := s.external(w)
		if err != nil {
			return err
		}
		c.External = append(c.External, a)
	}
	c.Discover = s.Bool("discover") && len(c.External) == 0
	return s.settleASMap()
}

// slotsFor returns the links to open where there are to be full ones and room for
// some others, of which those for blocks alone come first.
func slotsFor(full, room int) *connmgr.SlotOptions {
	o := &connmgr.SlotOptions{Full: full, BlockRelay: min(connmgr.DefaultBlockRelay, room)}
	if o.BlockRelay == 0 {
		o.BlockRelay = -1 // none, and not the default
	}
	if room <= connmgr.DefaultBlockRelay {
		// Nothing is left for what comes on top.
		o.FeelerEvery, o.ProbeEvery, o.Surplus = -1, -1, -1
	}
	return o
}

// checkNet refuses a network that the node has no way to.
func (s *Settings) checkNet(name string) error {
	switch {
	case name == "i2p":
		return s.Fail("onlynet", "this node has no way to I2P")
	case name == "onion" && s.Server.Proxies.Onion == nil:
		return s.Fail("onlynet", "Tor is reached through a proxy; give its address with onion or proxy, such as --onion 127.0.0.1:9050")
	}
	return nil
}

// settleFind fills in which sources are asked for addresses.
func (s *Settings) settleFind(nets addrmgr.Networks) error {
	f := &discover.Config{DNS: s.Bool("dnsseed"), ForceDNS: s.Bool("forcednsseed"), Fixed: s.Bool("fixedseeds")}
	if !nets.Has(wire.NetIPv4) && !nets.Has(wire.NetIPv6) {
		// DNS knows addresses that are not to be dialled alone, and whoever wants
		// to be seen on Tor only is not to be seen asking.
		if !s.IsDefault("dnsseed") && f.DNS || f.ForceDNS {
			return s.Fail("dnsseed", "DNS seeds tell addresses of IPv4 and IPv6 alone, and onlynet leaves both out")
		}
		f.DNS = false
	}
	if f.ForceDNS && !f.DNS {
		return s.Fail("forcednsseed", "asks DNS seeds at every start, and dnsseed = false asks them never")
	}
	var err error
	if f.Nodes, err = s.addresses("seednode", strconv.Itoa(int(s.Server.Network.DefaultPort))); err != nil {
		return err
	}
	f.Resolver = s.Resolver
	s.Server.Find = f
	return nil
}

// settleResolver fills in whom names are asked of: nobody with a proxy, as the
// seeds are asked through it, as nodes.
func (s *Settings) settleResolver() (err error) {
	if s.Server.Proxies.All != nil {
		return nil
	}
	server := s.Text("dns-resolver")
	if server != "" {
		if server, err = hostPort(server, dnsPort); err != nil {
			return s.Fail("dns-resolver", "%v", err)
		}
		if strings.HasSuffix(server, ":0") {
			return s.Fail("dns-resolver", "nothing listens at port 0 of %s", server)
		}
	}
	s.Resolver = discover.NewResolver(server)
	return nil
}

// dnsPort is where DNS servers answer.
const dnsPort = "53"

// external reads an address of --externalip.
func (s *Settings) external(word string) (ma.Multiaddr, error) {
	hp, err := hostPort(word, strconv.Itoa(int(s.Server.Network.DefaultPort)))
	if err != nil {
		return nil, s.Fail("externalip", "%v", err)
	}
	a, err := netaddr.Parse(hp)
	if err == nil {
		a, _ = netaddr.OfLink(a.Multiaddr()) // one of CJDNS looks like one of IPv6
	}
	if err != nil {
		return nil, s.Fail("externalip", "%q is not the address of a node; names have to be looked up first", word)
	}
	if ip, ok := a.IP(); ok && ip.IsMulticast() || !(netaddr.Grouper{CountLocal: s.Server.CountLocal}).IsUsable(a) {
		return nil, s.Fail("externalip", "nobody can reach %v over the internet; local addresses are of use with exempt-local false alone", a)
	}
	return a.Multiaddr(), nil
}

// settleASMap reads the map of --asmap.
func (s *Settings) settleASMap() error {
	name := s.Text("asmap")
	if name == "" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return s.Fail("asmap", "%v", err)
	}
	if !info.Mode().IsRegular() {
		return s.Fail("asmap", "%s is no regular file", name)
	}
	if info.Size() > netaddr.MaxASMap {
		return s.Fail("asmap", "%s has %d bytes, which is more than any such map has", name, info.Size())
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return s.Fail("asmap", "%v", err)
	}
	if s.Server.ASMap, err = netaddr.NewASMap(data); err != nil {
		return s.Fail("asmap", "%s: %v", name, err)
	}
	return nil
}
