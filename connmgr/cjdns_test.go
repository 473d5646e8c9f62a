package connmgr

import (
	"errors"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"starling/addrmgr"
	"starling/addrmgr/netaddr"
	"starling/wire"
)

// What a person asks for and what the node opens by itself are one network's, also
// where its addresses look like those of IPv6.
func TestAskedIsLinked(t *testing.T) {
	for _, host := range []string{"fc00::1", "2001:4860::1"} {
		asked := ma.StringCast("/ip6/" + host + "/tcp/8333")
		a, _ := netaddr.OfLink(asked)
		book := addrmgr.NewBook([32]byte{1}, addrmgr.Options{})
		m := newManager(t, Config{Book: book, Slots: SlotOptions{Full: 1, BlockRelay: -1, Networks: addrmgr.NetworkSet(a.Network())}})
		now := time.Now()
		book.Add(now, a, 0, addrmgr.Address{Addr: a, Services: wire.NodeNetwork | wire.NodeWitness, Seen: now})
		if err := m.Add(asked); err != nil {
			t.Fatal(err)
		}
		if dials := m.slots.Due(now, m.situation(now)); len(dials) != 0 {
			t.Errorf("%s: %v is dialled, though a person has asked for it", host, dials)
		}
		if err := m.Remove(asked); err != nil {
			t.Fatal(err)
		}
		if dials := m.slots.Due(now.Add(time.Hour), m.situation(now)); len(dials) != 1 {
			t.Fatalf("%s: %v is dialled", host, dials)
		}
		if err := m.TryOnce(asked); !errors.Is(err, ErrLinked) {
			t.Errorf("%s: asked for beside the link to it: %v", host, err)
		}
	}
}
