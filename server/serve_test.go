package server

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/chain"
	"starling/chain/chaintest"
	"starling/chain/headertree"
	"starling/internal/lograte"
	"starling/mining"
	"starling/peer"
	"starling/relay/compact"
	"starling/transport"
	"starling/wire"
)

// script is a peer that is played by hand.
type script struct {
	t    *testing.T
	link transport.Link
	// noise are the messages that receive passes over.
	noise []string
}

// dial connects a script to a node, from the address of host i.
func (w *world) dial(to *node, i byte) *script {
	w.t.Helper()
	link, err := w.net.Host(netip.AddrFrom4([4]byte{10, i, 0, 1})).Dial(w.t.Context(), to.Listening()[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { link.Close() })
	s := &script{t: w.t, link: link, noise: slices.Clone(commonNoise)}
	s.hello()
	return s
}

// commonNoise is what every peer is told without asking.
var commonNoise = []string{wire.CmdPing, wire.CmdGetHeaders, wire.CmdSendHeaders, wire.CmdSendCmpct, wire.CmdFeeFilter}

// hello shakes hands.
func (s *script) hello() {
	s.t.Helper()
	s.send(&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/script/", Relay: true},
		&wire.MsgSendAddrV2{}, &wire.MsgVerack{})
	s.expect(wire.CmdVersion)
	s.expect(wire.CmdWTxIDRelay)
	s.expect(wire.CmdSendAddrV2)
	s.expect(wire.CmdVerack)
}

func (s *script) send(ms ...wire.Message) {
	s.t.Helper()
	for _, m := range ms {
		if _, err := s.link.Send(m.Command(), m.AppendPayload(nil)); err != nil {
			s.t.Fatalf("sending %s: %v", m.Command(), err)
		}
	}
}

// receive returns the next message that is not noise.
func (s *script) receive() (wire.Message, error) {
	for {
		m, err := s.link.Receive()
		if err != nil {
			return nil, err
		}
		if slices.Contains(s.noise, m.Command) {
			continue
		}
		return wire.Decode(m.Command, m.Payload)
	}
}

func (s *script) expect(command string) wire.Message {
	s.t.Helper()
	m, err := s.receive()
	if err != nil {
		s.t.Fatalf("want %s: %v", command, err)
	}
	if m.Command() != command {
		s.t.Fatalf("got %s, want %s: %+v", m.Command(), command, m)
	}
	return m
}

// sync sends a ping and receives until its pong has come.
func (s *script) sync() {
	s.t.Helper()
	s.send(&wire.MsgPing{Nonce: 99, HasNonce: true})
	if m := s.expect(wire.CmdPong).(*wire.MsgPong); m.Nonce != 99 {
		s.t.Fatalf("pong with nonce %d", m.Nonce)
	}
}

// gone receives until the link ends.
func (s *script) gone() {
	s.t.Helper()
	timeout := time.AfterFunc(time.Minute, func() { s.t.Error("the link stays"); s.link.Close() })
	defer timeout.Stop()
	for {
		if _, err := s.link.Receive(); err != nil {
			return
		}
	}
}

func invOf(t wire.InvType, blocks []chaintest.Block) []wire.InvVect {
	var inv []wire.InvVect
	for _, b := range blocks {
		inv = append(inv, wire.InvVect{Type: t, Hash: b.Hash()})
	}
	return inv
}

// TestServeHeaders asks for headers in all ways.
func TestServeHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2100)
		blocks := w.gen.Chain(w.gen.Genesis(), 2100)
		a := w.start(1)
		a.give(blocks...)
		s := w.dial(a, 9)
		for _, tc := range []struct {
			locator     []wire.Hash
			stop        wire.Hash
			first, last int32 // heights; none if first is 0
		}{
			{[]wire.Hash{w.par.GenesisHash}, wire.Hash{}, 1, 2000},
			{[]wire.Hash{{1}, blocks[49].Hash(), w.par.GenesisHash}, wire.Hash{}, 51, 2050},
			{[]wire.Hash{blocks[1999].Hash()}, wire.Hash{}, 2001, 2100},
			{[]wire.Hash{blocks[1999].Hash()}, blocks[2005].Hash(), 2001, 2006},
			{[]wire.Hash{{1}}, wire.Hash{}, 1, 2000}, // nothing in common but the genesis block
			{nil, blocks[6].Hash(), 7, 7},
			{nil, wire.Hash{1}, 0, 0},
			{[]wire.Hash{blocks[2099].Hash()}, wire.Hash{}, 0, 0},
		} {
			s.send(&wire.MsgGetHeaders{Version: 70016, Locator: tc.locator, Stop: tc.stop})
			got := s.expect(wire.CmdHeaders).(*wire.MsgHeaders).Headers
			if tc.first == 0 {
				if len(got) != 0 {
					t.Errorf("%v: got %d headers, want none", tc, len(got))
				}
				continue
			}
			if len(got) != int(tc.last-tc.first+1) || got[0].Hash() != blocks[tc.first-1].Hash() || got[len(got)-1].Hash() != blocks[tc.last-1].Hash() {
				t.Errorf("locator of %d: got %d headers, want heights %d to %d", len(tc.locator), len(got), tc.first, tc.last)
			}
		}
		s.send(&wire.MsgGetHeaders{Locator: make([]wire.Hash, wire.MaxLocator+1)})
		s.gone()
	})
}

// TestServeGetBlocks fetches as nodes did before headers came first: 500
// hashes at a time, and after the last of them the tip's.
func TestServeGetBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1200)
		blocks := w.gen.Chain(w.gen.Genesis(), 1200)
		a := w.start(1)
		a.give(blocks...)
		s := w.dial(a, 9)
		at, tip := w.par.GenesisHash, last(blocks).Hash()
		for done := 0; done < 1200; {
			s.send(&wire.MsgGetBlocks{Version: 70016, Locator: []wire.Hash{at}})
			inv := s.expect(wire.CmdInv).(*wire.MsgInv).Inv
			if want := min(500, 1200-done); len(inv) != want {
				t.Fatalf("after %d: told of %d blocks, want %d", done, len(inv), want)
			}
			s.send(&wire.MsgGetData{Inv: inv})
			for _, v := range inv {
				if b := s.expect(wire.CmdBlock).(*wire.MsgBlock); b.Hash() != v.Hash || b.Hash() != blocks[done].Hash() {
					t.Fatalf("block %d is another one", done)
				}
				done++
			}
			if at = inv[len(inv)-1].Hash; len(inv) == 500 {
				if next := s.expect(wire.CmdInv).(*wire.MsgInv).Inv; len(next) != 1 || next[0].Hash != tip {
					t.Fatalf("after %d blocks: %v, want the tip", done, next)
				}
			}
		}
		s.sync() // and nothing more
	})
}

// TestServeMany asks for as many blocks as one message can, without reading
// them for a while: others must not notice, nor must the memory.
func TestServeMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 500)
		blocks := w.gen.Chain(w.gen.Genesis(), 500)
		a := w.start(1)
		a.give(blocks...)
		greedy, other := w.dial(a, 8), w.dial(a, 9)
		var inv []wire.InvVect
		for len(inv) < wire.MaxInv {
			inv = append(inv, invOf(wire.InvWitnessBlock, blocks)...)
		}
		greedy.send(&wire.MsgGetData{Inv: inv}, &wire.MsgPing{Nonce: 5, HasNonce: true})
		time.Sleep(10 * time.Second)
		for _, p := range a.Peers() {
			if st := p.Peer.Stats(); st.Queued > peer.MaxQueued {
				t.Errorf("%d bytes are queued for %v", st.Queued, p.Peer)
			}
		}
		start := time.Now()
		other.sync()
		if took := time.Since(start); took != 40*time.Millisecond {
			t.Errorf("another peer's ping took %v", took)
		}
		for i := range inv {
			if b := greedy.expect(wire.CmdBlock).(*wire.MsgBlock); b.Hash() != inv[i].Hash {
				t.Fatalf("block %d is another one", i)
			}
		}
		greedy.expect(wire.CmdPong)
	})
}

// TestServeData asks for what there is and for what there is not.
func TestServeData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 10)
		a := w.start(1)
		a.give(w.gen.Chain(w.gen.Genesis(), 3)...)
		// A block whose coinbase has a witness.
		miner := mining.New(mining.Config{Chain: a.Chain(), Clock: a.clk})
		full, err := miner.Block(t.Context(), chaintest.AnyoneCanSpend, nil, true, 1e6)
		if err != nil {
			t.Fatal(err)
		}
		if !full.Txs[0].HasWitness() {
			t.Fatal("the block has no witness")
		}
		s := w.dial(a, 9)
		ask := func(ty wire.InvType, h wire.Hash) { s.send(&wire.MsgGetData{Inv: []wire.InvVect{{Type: ty, Hash: h}}}) }

		ask(wire.InvWitnessBlock, full.Hash())
		if got := s.expect(wire.CmdBlock).(*wire.MsgBlock); string(got.Raw) != string(full.Bytes()) {
			t.Error("the block with its witness differs")
		}
		ask(wire.InvBlock, full.Hash())
		if got := s.expect(wire.CmdBlock).(*wire.MsgBlock); string(got.Raw) != string(full.AppendBase(nil)) {
			t.Error("the block without its witness differs")
		}
		ask(wire.InvBlock, w.par.GenesisHash)
		if got := s.expect(wire.CmdBlock).(*wire.MsgBlock); string(got.Raw) != string(w.par.Genesis.Bytes()) {
			t.Error("the genesis block differs")
		}
		ask(wire.InvFilteredBlock, full.Hash()) // without a filter: no answer
		missing := []wire.InvVect{{Type: wire.InvBlock, Hash: wire.Hash{1}}, {Type: wire.InvWitnessTx, Hash: wire.Hash{2}}, {Type: 77, Hash: wire.Hash{3}}}
		s.send(&wire.MsgGetData{Inv: missing})
		if got := s.expect(wire.CmdNotFound).(*wire.MsgNotFound); !slices.Equal(got.Inv, missing) {
			t.Errorf("not found: %v", got.Inv)
		}
		s.send(&wire.MsgGetData{})
		s.sync()
	})
}

// TestAnnounce mines with two peers that want to hear of it in different ways,
// and one that knows already.
func TestAnnounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 100)
		blocks := w.gen.Chain(w.gen.Genesis(), 102)
		a := w.start(1)
		a.give(blocks[:100]...)
		byInv, byHeaders := w.dial(a, 8), w.dial(a, 9)
		byHeaders.send(&wire.MsgSendHeaders{}, &wire.MsgGetHeaders{Locator: []wire.Hash{blocks[98].Hash()}})
		byHeaders.expect(wire.CmdHeaders)
		byHeaders.sync()
		a.give(blocks[100])
		if got := byInv.expect(wire.CmdInv).(*wire.MsgInv).Inv; len(got) != 1 || got[0].Hash != blocks[100].Hash() {
			t.Errorf("by inv: %v", got)
		}
		if got := byHeaders.expect(wire.CmdHeaders).(*wire.MsgHeaders).Headers; len(got) != 1 || got[0].Hash() != blocks[100].Hash() {
			t.Errorf("by headers: %v", got)
		}
		// Who has sent a block is not told of it.
		byHeaders.send(&wire.MsgHeaders{Headers: []wire.Header{blocks[101].Header}})
		byHeaders.expect(wire.CmdGetData)
		byHeaders.send(&wire.MsgBlock{Raw: blocks[101].Bytes()})
		byHeaders.sync()
		if a.Chain().Tip().Hash != blocks[101].Hash() {
			t.Error("a pong came before the block was dealt with")
		}
		byInv.expect(wire.CmdInv)
		byHeaders.sync()
	})
}

// TestInvalidBlock sends a block that pays its miner too much.
func TestInvalidBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 100)
		blocks := w.gen.Chain(w.gen.Genesis(), 100)
		a := w.start(1)
		a.give(blocks...)
		bad := w.gen.Next(last(blocks), 1) // a fee that nobody pays
		s, friend := w.dial(a, 9), w.dial(a, 8)
		twin := w.dial(a, 9) // of the same host
		s.send(&wire.MsgHeaders{Headers: []wire.Header{bad.Header}})
		s.expect(wire.CmdGetData)
		s.send(&wire.MsgBlock{Raw: bad.Bytes()})
		s.gone()
		twin.gone()
		if len(a.Conns().Bans()) != 1 {
			t.Errorf("bans: %v", a.Conns().Bans())
		}
		// The host stays out, others stay in.
		link, err := w.net.Host(netip.AddrFrom4([4]byte{10, 9, 0, 1})).Dial(t.Context(), a.Listening()[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := link.Receive(); err == nil {
			t.Error("a banned host got in")
		}
		link.Close()
		friend.sync()
		if a.Chain().Tip().Hash != last(blocks).Hash() {
			t.Error("the tip has moved")
		}
	})
}

// TestMutatedBlock sends a block with another one's transactions. The sender
// goes, the block is fetched from somebody else.
func TestMutatedBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 100)
		blocks := w.gen.Chain(w.gen.Genesis(), 101)
		a := w.start(1)
		a.give(blocks[:100]...)
		liar, honest := w.dial(a, 8), w.dial(a, 9)
		good := blocks[100]
		liar.send(&wire.MsgHeaders{Headers: []wire.Header{good.Header}})
		liar.expect(wire.CmdGetData)
		honest.send(&wire.MsgHeaders{Headers: []wire.Header{good.Header}})
		honest.sync()
		raw := append(good.Header.Append(nil), blocks[99].Bytes()[wire.HeaderSize:]...)
		liar.send(&wire.MsgBlock{Raw: raw})
		liar.gone()
		honest.expect(wire.CmdGetData)
		honest.send(&wire.MsgBlock{Raw: good.Bytes()})
		honest.sync()
		if a.Chain().Tip().Hash != good.Hash() {
			t.Error("the good copy was not taken")
		}
	})
}

// TestTornMessages sends what cannot be read, and what is for nobody: the session
// goes on, and a block that could not be read is asked of somebody else.
func TestTornMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 100)
		blocks := w.gen.Chain(w.gen.Genesis(), 101)
		a := w.start(1)
		a.give(blocks[:100]...)
		first, second := w.dial(a, 8), w.dial(a, 9)
		for _, cmd := range []string{wire.CmdInv, wire.CmdBlock, wire.CmdTx, wire.CmdCmpctBlock, wire.CmdHeaders, wire.CmdGetData, wire.CmdSendCmpct} {
			first.send(&wire.MsgUnknown{Cmd: cmd, Payload: []byte{9}})
			first.sync()
		}
		first.send(&wire.MsgMerkleBlock{Header: blocks[100].Header, Total: 1, Hashes: make([]wire.Hash, 1), Flags: []byte{1}})
		first.sync()

		good := blocks[100]
		first.send(&wire.MsgHeaders{Headers: []wire.Header{good.Header}})
		first.expect(wire.CmdGetData)
		second.send(&wire.MsgHeaders{Headers: []wire.Header{good.Header}})
		second.sync()
		first.send(&wire.MsgBlock{Raw: good.Bytes()[:150]})
		second.expect(wire.CmdGetData)
		second.send(&wire.MsgBlock{Raw: good.Bytes()})
		second.sync()
		if a.Chain().Tip().Hash != good.Hash() {
			t.Error("the good copy was not taken")
		}
		first.noise = append(first.noise, wire.CmdHeaders, wire.CmdInv, wire.CmdCmpctBlock)
		first.sync()
	})
}

// TestOnInvalid sends headers and compact blocks that build on a block which is
// known to be invalid: whoever does follows a chain that this node never will,
// and goes, also if he has connected to this node.
func TestOnInvalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 100)
		blocks := w.gen.Chain(w.gen.Genesis(), 100)
		a := w.start(1)
		a.give(blocks...)
		bad := w.gen.Next(last(blocks), 1) // a fee that nobody pays
		on := w.gen.Next(bad, 0)
		liar := w.dial(a, 7)
		liar.send(&wire.MsgHeaders{Headers: []wire.Header{bad.Header}})
		liar.expect(wire.CmdGetData)
		liar.send(&wire.MsgBlock{Raw: bad.Bytes()})
		liar.gone()

		same := w.dial(a, 6) // tells of the bad block itself
		same.send(&wire.MsgHeaders{Headers: []wire.Header{bad.Header}})
		same.sync()
		cmpct, err := compact.Build(on.Block, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range []wire.Message{&wire.MsgHeaders{Headers: []wire.Header{on.Header}}, cmpct, &wire.MsgBlock{Raw: on.Bytes()}} {
			s := w.dial(a, byte(10+i))
			s.send(m)
			s.gone()
			if host := netip.AddrFrom4([4]byte{10, byte(10 + i), 0, 1}); !a.Conns().Discouraged(host) {
				t.Errorf("%s: the host is not discouraged", m.Command())
			}
		}
		if n := len(a.Conns().Bans()); n != 1 {
			t.Errorf("%d hosts are banned, want the one that gave the bad block", n)
		}
		same.sync()
	})
}

// TestMalformed counts messages that are beyond all limits until they are too
// many.
func TestMalformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.start(1)
		for range 5 {
			if len(a.Conns().Bans()) != 0 {
				t.Fatal("banned too early")
			}
			s := w.dial(a, 9)
			s.send(&wire.MsgInv{Inv: make([]wire.InvVect, wire.MaxInv+1)})
			s.gone()
			synctest.Wait()
		}
		if len(a.Conns().Bans()) != 1 {
			t.Error("not banned")
		}
	})
}

// TestComeAndGo has a host connect, say hello and go, again and again: what that
// writes to the log does not grow with it.
func TestComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		var log lineCounter
		a := w.startWith(1, vfs.NewMem(), func(c *Config) {
			c.Logs = func(string) *slog.Logger { return slog.New(slog.NewTextHandler(&log, nil)) }
		})
		for range 1000 {
			s := w.dial(a, 9)
			s.link.Close()
		}
		synctest.Wait()
		// Of each of a few messages, with those for which there was room again.
		if n := log.n.Load(); n < 2*lograte.Burst || n > 5*lograte.Burst {
			t.Errorf("%d lines", n)
		}
	})
}

// lineCounter counts the lines of a log.
type lineCounter struct{ n atomic.Int64 }

func (c *lineCounter) Write(b []byte) (int, error) { c.n.Add(1); return len(b), nil }

// TestFull has one place for inbound links.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.MaxPeers = testOutbound + 1 })
		first := w.dial(a, 8)
		link, err := w.net.Host(netip.AddrFrom4([4]byte{10, 9, 0, 1})).Dial(t.Context(), a.Listening()[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := link.Receive(); err == nil {
			t.Error("there was a place where none is")
		}
		link.Close()
		first.sync()
	})
}

// TestSelf has a node connect to itself.
func TestSelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.start(1)
		if err := a.Conns().TryOnce(a.Listening()[0]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := len(a.Peers()); n != 0 {
			t.Errorf("%d peers", n)
		}
	})
}

// TestOrigin hands the chain an invalid block that nobody sent.
func TestOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.start(1)
		bad := w.gen.Next(w.gen.Genesis(), 1)
		if o := a.Chain().Process(context.Background(), chain.Incoming{Raw: bad.Bytes(), Requested: true}); o.Err == nil {
			t.Error("it was taken")
		}
		synctest.Wait()
	})
}

// slow makes the chain take its time over each block.
type slow struct{ chain.NopObserver }

func (slow) BlockChecked(*headertree.Node, *wire.Block, chain.CheckTimes) {
	time.Sleep(5 * time.Second)
}

// TestPongWaits sends a block and a ping: at the tip the pong comes after the
// block has been dealt with. Other peers do not wait.
func TestPongWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		blocks := w.gen.Chain(w.gen.Genesis(), 2)
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.Metrics.Chain = slow{} })
		a.give(blocks[0])
		s, other := w.dial(a, 8), w.dial(a, 9)
		s.send(&wire.MsgHeaders{Headers: []wire.Header{blocks[1].Header}})
		s.expect(wire.CmdGetData)
		start := time.Now()
		s.send(&wire.MsgBlock{Raw: blocks[1].Bytes()})
		other.sync()
		if took := time.Since(start); took > time.Second {
			t.Errorf("another peer waited for %v", took)
		}
		s.sync()
		if took := time.Since(start); took < 5*time.Second || a.Chain().Tip().Hash != blocks[1].Hash() {
			t.Errorf("the pong came after %v, the tip is at %d", took, a.Chain().Tip().Height)
		}
	})
}
