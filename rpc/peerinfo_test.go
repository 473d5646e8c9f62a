package rpc

import (
	"testing"
	"time"

	"starling/mempool"
	"starling/rpc/rpctypes"
	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"
)

// hand is a peer that is played by hand over a socket.
type hand struct {
	t    *testing.T
	link transport.Link
}

// dialByHand connects one to the node and shakes hands.
func (n *testNode) dialByHand(wantsTxs bool) hand {
	n.t.Helper()
	link, err := tcp.New(tcp.Options{Magic: n.chain.Network().Magic}).Dial(n.t.Context(), n.node.Listening()[0])
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { link.Close() })
	h := hand{n.t, link}
	h.send(&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/hand/", Relay: wantsTxs}, &wire.MsgVerack{})
	h.sync()
	return h
}

func (h hand) send(ms ...wire.Message) {
	h.t.Helper()
	for _, m := range ms {
		if _, err := h.link.Send(m.Command(), m.AppendPayload(nil)); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := h.link.Flush(); err != nil {
		h.t.Fatal(err)
	}
}

// sync sends a ping and receives until it is answered. It answers none.
func (h hand) sync() {
	h.t.Helper()
	h.send(&wire.MsgPing{Nonce: 7, HasNonce: true})
	for {
		m, err := h.link.Receive()
		if err != nil {
			h.t.Fatal(err)
		}
		if m.Command == wire.CmdPong {
			return
		}
	}
}

// TestPeersOfGetpeerinfo: peers are numbered from 0; relaytxes is whether a peer
// wants transactions; inv_to_send counts each transaction once, also this node's
// own; and a pong without a nonce ends the wait for one, and measures nothing.
func TestPeersOfGetpeerinfo(t *testing.T) {
	w := newWalletNode(t, 3, mempool.Config{})
	wants, other := w.dialByHand(true), w.dialByHand(false)
	peers := func() []rpctypes.PeerInfo {
		t.Helper()
		all := get[[]rpctypes.PeerInfo](w.testNode, "getpeerinfo")
		if len(all) != 2 {
			t.Fatalf("%d peers", len(all))
		}
		return all
	}
	for i, p := range peers() {
		if p.ID != uint64(i) || p.RelayTxes != (i == 0) || p.InvToSend != 0 || p.PingTime != nil {
			t.Errorf("peer %d: %+v", i, p)
		}
	}

	w.send(pay(w.take(), 1000)) // this node's own, and of the mempool as well
	w.send(pay(w.take(), 1000))
	for i, want := range []int{2, 0} {
		if got := peers()[i].InvToSend; got != want {
			t.Errorf("peer %d is to be told of %d transactions, want %d", i, got, want)
		}
	}

	w.clk.Set(w.clk.Now().Add(3 * time.Second))
	for i, p := range peers() {
		if p.PingWait == nil || *p.PingWait != 3 {
			t.Errorf("peer %d has been waited for for %v, want 3 s", i, p.PingWait)
		}
	}
	wants.send(&wire.MsgPong{})
	other.send(&wire.MsgPong{Nonce: 1, HasNonce: true}) // for another ping
	wants.sync()
	other.sync()
	all := peers()
	if p := all[0]; p.PingWait != nil || p.PingTime != nil || p.MinPing != nil {
		t.Errorf("after a pong without nonce: waiting %v, ping %v, least %v", p.PingWait, p.PingTime, p.MinPing)
	}
	if p := all[1]; p.PingWait == nil {
		t.Error("a pong for another ping ended the wait")
	}
}
