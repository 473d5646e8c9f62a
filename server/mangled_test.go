package server

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"starling/peer"
	"starling/wire"
)

// TestMangledMessages has many peers send messages of every kind, sound ones and
// mangled ones, before, in and after their handshakes. The node takes no harm: it
// serves an honest peer, follows the chain, and keeps nothing of them.
func TestMangledMessages(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMarket(t, 12)
				a, _, run := m.startFiltersWith(1, func(c *Config) {
					relaying(c)
					c.BloomFilters, c.AcceptRate, c.MaxPerHost, c.MaxPerGroup = true, -1, -1, -1
					c.Permissions = func(h netip.Addr, _ peer.Kind) peer.Permissions {
						if h.As4()[3] == 2 { // whose offences do not end the link
							return peer.PermNoBan
						}
						return 0
					}
				})
				a.give(m.blocks...)
				run()
				honest := m.dial(a, 200)
				x := &mangler{rng: rand.New(rand.NewPCG(seed, 7)), sound: m.everyMessage()}
				for i := range 60 {
					host := netip.AddrFrom4([4]byte{10, byte(20 + i%40), byte(i), byte(1 + i%2)})
					link, err := m.net.Host(host).Dial(t.Context(), a.Listening()[0])
					if err != nil {
						t.Fatal(err)
					}
					s := &script{t: t, link: link}
					go func() { // takes what comes, until the link ends
						for {
							if _, err := link.Receive(); err != nil {
								return
							}
						}
					}()
					x.play(s)
					time.Sleep(time.Second)
					link.Close()
				}
				synctest.Wait()
				honest.noise = append(honest.noise, wire.CmdInv, wire.CmdHeaders, wire.CmdCmpctBlock, wire.CmdGetData, wire.CmdAddrV2)
				honest.sync()
				if n := len(a.Peers()); n != 1 {
					t.Errorf("%d peers are left, want the honest one", n)
				}
				if st := a.TxDownload().Stats(); st.Tracked != 0 || st.Orphans != 0 {
					t.Errorf("of their transactions there is left: %+v", st)
				}
				in, _ := a.Totals()
				if in < 60*2000 {
					t.Errorf("only %d bytes were taken from them", in)
				}
				next := m.gen.Chain(last(m.blocks), 5) // above whatever they have made
				var headers []wire.Header
				for _, b := range next {
					headers = append(headers, b.Header)
				}
				honest.send(&wire.MsgHeaders{Headers: headers})
				for _, b := range next {
					honest.send(&wire.MsgBlock{Raw: b.Bytes()})
				}
				honest.sync()
				a.wantTip(last(next))
			})
		})
	}
}

// mangler makes messages out of sound ones.
type mangler struct {
	rng   *rand.Rand
	sound []wire.Message
}

// play sends a handshake, whole or not, and what comes to its mind.
func (x *mangler) play(s *script) {
	ver := &wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/m/", Relay: true}
	hello := []wire.Message{ver, &wire.MsgWTxIDRelay{}, &wire.MsgSendAddrV2{}, &wire.MsgFeature{ID: "test/one", Data: []byte{1}}, &wire.MsgVerack{}}
	for _, m := range hello {
		switch x.rng.IntN(20) {
		case 0:
			s.tell(x.mangle(x.any()))
		case 1:
			s.tell(x.mangle(m))
		}
		s.tell(m)
	}
	for range 80 {
		m := x.any()
		if x.rng.IntN(4) == 0 {
			m = x.mangle(m)
		}
		s.tell(m)
	}
}

func (x *mangler) any() wire.Message { return x.sound[x.rng.IntN(len(x.sound))] }

// mangle changes a message's payload: some bytes, its end, or its beginning.
func (x *mangler) mangle(m wire.Message) wire.Message {
	b := m.AppendPayload(nil)
	switch x.rng.IntN(5) {
	case 0:
		b = b[:x.rng.IntN(len(b)+1)]
	case 1:
		b = append(b, make([]byte, x.rng.IntN(100))...)
	case 2:
		if len(b) > 0 {
			b = b[x.rng.IntN(len(b)):]
		}
	default:
		for range 1 + x.rng.IntN(4) {
			if len(b) > 0 {
				b[x.rng.IntN(len(b))] = byte(x.rng.Uint32())
			}
		}
	}
	return &wire.MsgUnknown{Cmd: m.Command(), Payload: b}
}

// everyMessage returns sound messages of every kind, but for those that end a
// session in any case after the handshake.
func (m *market) everyMessage() []wire.Message {
	tip := last(m.blocks)
	tx := m.pay(1000)
	orphan := spend(spend(m.pay(1000), 1000), 1000)
	bad, on := m.gen.Next(tip, 1), m.gen.Next(m.blocks[len(m.blocks)-2], 0, m.pay(0))
	gone := wire.InvVect{Type: wire.InvWitnessBlock, Hash: wire.Hash{1}}
	inv := []wire.InvVect{{Type: wire.InvWitnessBlock, Hash: tip.Hash()}, wtx(tx), gone, {Type: wire.InvFilteredBlock, Hash: on.Hash()}, {Type: wire.InvCmpctBlock, Hash: tip.Hash()}}
	g := m.par.GenesisHash
	return []wire.Message{
		&wire.MsgVersion{Version: 70016}, &wire.MsgVerack{}, &wire.MsgSendTxRcncl{Version: 1, Salt: 5},
		&wire.MsgGetAddr{}, &wire.MsgAddr{Addrs: newsOf(time.Now(), hostOf(3), hostOf(4))}, &wire.MsgAddrV2{Addrs: newsOf(time.Now(), hostOf(3))},
		&wire.MsgInv{Inv: inv}, &wire.MsgGetData{Inv: inv}, &wire.MsgNotFound{Inv: inv},
		&wire.MsgGetBlocks{Locator: []wire.Hash{tip.Hash(), g}}, &wire.MsgGetHeaders{Locator: []wire.Hash{m.blocks[3].Hash(), g}},
		&wire.MsgHeaders{Headers: []wire.Header{on.Header}}, &wire.MsgHeaders{Headers: []wire.Header{bad.Header}}, &wire.MsgHeaders{}, &wire.MsgSendHeaders{},
		&wire.MsgBlock{Raw: tip.Bytes()}, &wire.MsgBlock{Raw: on.Bytes()}, &wire.MsgBlock{Raw: bad.Bytes()}, &wire.MsgTx{Tx: tx}, &wire.MsgTx{Tx: orphan}, &wire.MsgMempool{},
		&wire.MsgPing{Nonce: 1, HasNonce: true}, &wire.MsgPong{Nonce: 1, HasNonce: true}, &wire.MsgReject{}, &wire.MsgAlert{}, &wire.MsgFeeFilter{FeeRate: 1000},
		&wire.MsgFilterLoad{Filter: []byte{1, 2, 3}, HashFuncs: 3}, &wire.MsgFilterAdd{Data: []byte{1, 2}}, &wire.MsgFilterClear{},
		&wire.MsgMerkleBlock{Header: tip.Header, Total: 1, Hashes: []wire.Hash{{1}}, Flags: []byte{1}},
		speaksCompact, &wire.MsgSendCmpct{Announce: true, Version: 2}, compactOf(m.t, on), compactOf(m.t, bad), compactOf(m.t, tip),
		&wire.MsgGetBlockTxn{BlockHash: tip.Hash(), Indexes: []uint16{0}}, &wire.MsgBlockTxn{BlockHash: on.Hash(), Txs: []*wire.Tx{&on.Txs[1]}},
		&wire.MsgGetCFilters{Stop: g}, &wire.MsgGetCFHeaders{Stop: g}, &wire.MsgGetCFCheckpt{Stop: g},
		&wire.MsgCFilter{BlockHash: g, Filter: []byte{0}}, &wire.MsgCFHeaders{Stop: g}, &wire.MsgCFCheckpt{Stop: g},
	}
}
