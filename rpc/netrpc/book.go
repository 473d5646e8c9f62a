package netrpc

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/rpc/jsonrpc"
	"starling/rpc/rpctypes"
	"starling/wire"
)

// bookMethods are those about the address book.
func (a *api) bookMethods() []*jsonrpc.Method {
	return []*jsonrpc.Method{
		jsonrpc.Define(jsonrpc.Method{Name: "getnodeaddresses", Category: category,
			Summary:  "Returns addresses of nodes, chosen by chance, that may be used to find others of the network.",
			Examples: [][]any{{8}, {4, "i2p"}}}, a.getNodeAddresses),
		jsonrpc.Define(jsonrpc.Method{Name: "getaddrmaninfo", Category: category,
			Summary: "Returns how many addresses of each network are in the address book.",
			Results: []jsonrpc.Shape{{Like: jsonrpc.Map[rpctypes.BookCount]{}, Key: "network",
				Help: "Each network, and all_networks"}}}, a.getAddrManInfo),
		jsonrpc.Define(jsonrpc.Method{Name: "getrawaddrman", Category: category,
			Summary: "Returns every place of the address book that is taken. It is for finding faults; its form may change."}, a.getRawAddrMan),
		jsonrpc.Define(jsonrpc.Method{Name: "addpeeraddress", Category: category,
			Summary:  "Puts the address of a node in the address book, as if the node had told of itself. It is for tests, and not for the main network.",
			Examples: [][]any{{"1.2.3.4", 8333}, {"1.2.3.4", 8333, true}}}, a.addPeerAddress),
	}
}

// bookNetworks are the networks that addresses can be of, in Core's order.
var bookNetworks = [...]wire.NetworkID{wire.NetIPv4, wire.NetIPv6, wire.NetTorV3, wire.NetI2P, wire.NetCJDNS}

// networkNamed returns the network of a name, 0 for all of them.
func networkNamed(name string) (addrmgr.Networks, error) {
	if name == "" {
		return 0, nil
	}
	name = strings.ToLower(name)
	if name == "tor" { // the older name
		name = wire.NetTorV3.String()
	}
	for _, n := range bookNetworks {
		if n.String() == name {
			return addrmgr.NetworkSet(n), nil
		}
	}
	return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Network not recognized: %s", name)
}

type nodeAddressesParams struct {
	Count   int    `rpc:"count" default:"1" help:"How many at most; 0 for all that are known"`
	Network string `rpc:"network,optional" help:"Of which network: ipv4, ipv6, onion, i2p or cjdns; of all if left out"`
}

func (a *api) getNodeAddresses(_ context.Context, p nodeAddressesParams) ([]rpctypes.NodeAddress, error) {
	if p.Count < 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParam, "Address count out of range")
	}
	want, err := networkNamed(p.Network)
	if err != nil {
		return nil, err
	}
	list := []rpctypes.NodeAddress{}
	for _, e := range a.Peers.Book().Sample(a.Clock.Now(), 0, 0, want) {
		if p.Count > 0 && len(list) == p.Count {
			break
		}
		if !a.keptOut(e.Addr) {
			list = append(list, rpctypes.NodeAddress{Time: unix(e.Seen), Services: uint64(e.Services),
				Address: e.Addr.Host(), Port: e.Addr.Port(), Network: e.Addr.Network().String()})
		}
	}
	return list, nil
}

// keptOut reports whether an address is that of a host which is banned, or
// nearly so.
func (a *api) keptOut(addr netaddr.Addr) bool {
	ip, ok := addr.IP()
	if !ok {
		return false
	}
	return a.Conns.KeptOut(ip)
}

func (a *api) getAddrManInfo(context.Context, jsonrpc.None) (jsonrpc.Map[rpctypes.BookCount], error) {
	counts := a.Peers.Book().Counts()
	r, all := jsonrpc.Map[rpctypes.BookCount]{}, rpctypes.BookCount{}
	for _, n := range bookNetworks {
		c := rpctypes.BookCount{New: counts[n].New, Tried: counts[n].Tried, Total: counts[n].New + counts[n].Tried}
		r = append(r, jsonrpc.Entry[rpctypes.BookCount]{Name: n.String(), Value: c})
		all.New, all.Tried, all.Total = all.New+c.New, all.Tried+c.Tried, all.Total+c.Total
	}
	return append(r, jsonrpc.Entry[rpctypes.BookCount]{Name: "all_networks", Value: all}), nil
}

func (a *api) getRawAddrMan(context.Context, jsonrpc.None) (rpctypes.RawBook, error) {
	book := a.Peers.Book()
	table := func(t addrmgr.Table) jsonrpc.Map[rpctypes.RawAddr] {
		r := jsonrpc.Map[rpctypes.RawAddr]{}
		for _, e := range book.Entries(t) {
			raw := rpctypes.RawAddr{
				Address: e.Addr.Host(), MappedAS: book.Grouper().AS(e.Addr), Port: e.Addr.Port(), Network: e.Addr.Network().String(),
				Services: uint64(e.Services), Time: unix(e.Seen), Source: e.Source.Host(), SourceNetwork: e.Source.Network().String(),
				SourceAS: book.Grouper().AS(e.Source),
			}
			if raw.Source == "" {
				raw.SourceNetwork = "internal"
			}
			r = append(r, jsonrpc.Entry[rpctypes.RawAddr]{Name: fmt.Sprintf("%d/%d", e.Bucket, e.Position), Value: raw})
		}
		return r
	}
	return rpctypes.RawBook{New: table(addrmgr.TableNew), Tried: table(addrmgr.TableTried)}, nil
}

type addPeerParams struct {
	Address string `rpc:"address" help:"The IP address"`
	Port    uint16 `rpc:"port" help:"The port"`
	Tried   bool   `rpc:"tried" default:"false" help:"Whether it counts as one at which a node has answered"`
}

func (a *api) addPeerAddress(_ context.Context, p addPeerParams) (rpctypes.AddedAddr, error) {
	if a.network().Name == mainNetwork {
		return rpctypes.AddedAddr{}, jsonrpc.Errorf(jsonrpc.CodeMisc, "addpeeraddress is for tests, and not for the main network")
	}
	ip, err := netip.ParseAddr(p.Address)
	if err != nil || ip.Zone() != "" {
		return rpctypes.AddedAddr{}, jsonrpc.Errorf(jsonrpc.CodeClientInvalidIPSubnet, "Invalid IP address")
	}
	addr, now, book := netaddr.FromAddrPort(netip.AddrPortFrom(ip, p.Port)), a.Clock.Now(), a.Peers.Book()
	news := addrmgr.Address{Addr: addr, Services: wire.NodeNetwork | wire.NodeWitness, Seen: now}
	switch {
	case book.Add(now, addr, 0, news) == 0:
		return rpctypes.AddedAddr{Error: "failed-adding-to-new"}, nil
	case p.Tried && !book.Good(now, addr):
		return rpctypes.AddedAddr{Error: "failed-adding-to-tried"}, nil
	}
	return rpctypes.AddedAddr{Success: true}, nil
}
