package server

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/addrmgr"
	"starling/connmgr"
	"starling/params"
	"starling/relay/compact"
	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"
)

// rawDial connects a script to a node and leaves the handshake to it.
func (w *world) rawDial(to *node, i byte) *script {
	w.t.Helper()
	link, err := w.net.Host(netip.AddrFrom4([4]byte{10, i, 0, 1})).Dial(w.t.Context(), to.Listening()[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { link.Close() })
	return &script{t: w.t, link: link, noise: slices.Clone(commonNoise)}
}

// everyCommand are the messages that are known.
var everyCommand = []string{
	wire.CmdVersion, wire.CmdVerack, wire.CmdAddr, wire.CmdAddrV2, wire.CmdSendAddrV2, wire.CmdGetAddr, wire.CmdInv,
	wire.CmdGetData, wire.CmdNotFound, wire.CmdGetBlocks, wire.CmdGetHeaders, wire.CmdHeaders, wire.CmdSendHeaders,
	wire.CmdBlock, wire.CmdTx, wire.CmdMempool, wire.CmdPing, wire.CmdPong, wire.CmdReject, wire.CmdAlert, wire.CmdFeeFilter,
	wire.CmdFilterLoad, wire.CmdFilterAdd, wire.CmdFilterClear, wire.CmdMerkleBlock, wire.CmdSendCmpct, wire.CmdCmpctBlock,
	wire.CmdGetBlockTxn, wire.CmdBlockTxn, wire.CmdGetCFilters, wire.CmdCFilter, wire.CmdGetCFHeaders, wire.CmdCFHeaders,
	wire.CmdGetCFCheckpt, wire.CmdCFCheckpt, wire.CmdWTxIDRelay, wire.CmdSendTxRcncl, wire.CmdFeature,
}

// torn returns a message of each kind that has a payload, cut after a byte.
func torn() (ms []wire.Message) {
	for _, cmd := range everyCommand {
		if _, err := wire.Decode(cmd, []byte{9}); err != nil {
			ms = append(ms, &wire.MsgUnknown{Cmd: cmd, Payload: []byte{9}})
		}
	}
	return ms
}

// TestPassedOverByTheNode: what Bitcoin Core passes over costs a peer of this node
// nothing either: the session goes on, it is not answered, nobody takes note.
func TestPassedOverByTheNode(t *testing.T) {
	ver := &wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/script/", Relay: true}
	other := &wire.MsgVersion{Version: 70001, UserAgent: "/other/", StartHeight: 99}
	ack, ping := wire.Message(&wire.MsgVerack{}), &wire.MsgPing{Nonce: 5, HasNonce: true}
	block := params.Regtest().Genesis
	recon := &wire.MsgSendTxRcncl{Version: 1, Salt: 2}
	for name, tc := range map[string]struct{ hello, then []wire.Message }{
		"a second version in the handshake": {[]wire.Message{ver, other, ack}, nil},
		"a second version":                  {[]wire.Message{ver, ack}, []wire.Message{other}},
		"a second verack":                   {[]wire.Message{ver, ack}, []wire.Message{ack}},
		"a verack before version":           {[]wire.Message{ack, ver, ack}, nil},
		"a ping before version":             {[]wire.Message{ping, ver, ack}, nil},
		"an unknown command before version": {[]wire.Message{&wire.MsgUnknown{Cmd: "wat", Payload: []byte{1}}, ver, ack}, nil},
		"a request before verack":           {[]wire.Message{ver, &wire.MsgGetHeaders{Locator: []wire.Hash{{1}}}, &wire.MsgMempool{}, ack}, nil},
		"an unknown command":                {[]wire.Message{ver, ack}, []wire.Message{&wire.MsgUnknown{Cmd: "wat", Payload: make([]byte, 1000)}}},
		"an undecodable payload":            {[]wire.Message{ver, ack}, torn()},
		"an undecodable payload in the hello": {[]wire.Message{
			&wire.MsgUnknown{Cmd: wire.CmdVersion, Payload: []byte{9}}, ver, &wire.MsgUnknown{Cmd: wire.CmdSendTxRcncl}, &wire.MsgUnknown{Cmd: wire.CmdFeature, Payload: []byte{9}}, ack}, nil},
		"an unasked merkleblock": {[]wire.Message{ver, ack}, []wire.Message{
			&wire.MsgMerkleBlock{Header: block.Header, Total: 1, Hashes: []wire.Hash{block.Txs[0].TxID()}, Flags: []byte{1}}}},
		"sendtxrcncl, twice, and late": {[]wire.Message{ver, recon, recon, ack}, []wire.Message{recon}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1)
				a := w.start(1)
				a.give(w.gen.Chain(w.gen.Genesis(), 1)...)
				s := w.rawDial(a, 9)
				s.send(tc.hello...)
				for _, cmd := range []string{wire.CmdVersion, wire.CmdWTxIDRelay, wire.CmdSendAddrV2, wire.CmdVerack} {
					s.expect(cmd)
				}
				s.sync()
				for _, m := range tc.then {
					s.send(m)
					s.sync() // each is followed by nothing but the pong
				}
				p := a.Peers()[0].Peer
				if r := p.Remote(); r.UserAgent != "/script/" || r.Version != 70016 || r.StartHeight != 0 {
					t.Errorf("the peer is remembered as %+v", r)
				}
				host := netip.MustParseAddr("10.9.0.1")
				if score := a.Conns().Score(host); score != 0 || a.Conns().Discouraged(host) {
					t.Errorf("its score is %v", score)
				}
			})
		})
	}
}

// TestGarbledCommands sends commands with bytes after their end to a node on real
// sockets, in the clear and encrypted: such a message is nothing, not even the
// one that it begins like.
func TestGarbledCommands(t *testing.T) {
	for name, v2 := range map[string]bool{"in the clear": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, 0)
			own := tcp.Options{Magic: cfg.Network.Magic, V2: true}
			cfg.Transports = []transport.Transport{tcp.New(own)}
			a, stop := running(t, cfg)
			defer stop()
			own.V2 = v2
			link, err := tcp.New(own).Dial(t.Context(), a.Listening()[0])
			if err != nil {
				t.Fatal(err)
			}
			defer link.Close()
			if got := link.Info().Protocol; (got == "v2") != v2 {
				t.Fatalf("the link speaks %s", got)
			}
			s := &script{t: t, link: flushing{link}, noise: slices.Clone(commonNoise)}
			s.hello()
			for _, cmd := range []string{"ping\x00x", "ping\x00\x00\x00\x00\x00\x00\x00x", "mempool\x00mem", "pi\x00ng", "pin\x01g", "\xff"} {
				s.send(&wire.MsgUnknown{Cmd: cmd, Payload: (&wire.MsgPing{Nonce: 5, HasNonce: true}).AppendPayload(nil)})
				s.sync()
			}
		})
	}
}

// flushing is a link that keeps nothing back.
type flushing struct{ transport.Link }

// Send implements [transport.Link].
func (f flushing) Send(command string, payload []byte) (int, error) {
	n, err := f.Link.Send(command, payload)
	if err == nil {
		err = f.Flush()
	}
	return n, err
}

// TestEndedByTheNode: what ends a session with Bitcoin Core ends one with this
// node, and costs the host as much as is said here.
func TestEndedByTheNode(t *testing.T) {
	announce := func(version byte) wire.Message {
		return &wire.MsgUnknown{Cmd: wire.CmdSendCmpct, Payload: []byte{2, version, 0, 0, 0, 0, 0, 0, 0}}
	}
	genesis := params.Regtest().GenesisHash
	var many []wire.NetAddr
	for range wire.MaxAddr + 1 {
		many = append(many, hostOf(3).Wire(wire.NodeNetwork, 1))
	}
	for name, tc := range map[string]struct {
		m     wire.Message
		score float64
	}{
		"filterload without the service":     {&wire.MsgFilterLoad{Filter: []byte{1}, HashFuncs: 1}, 0},
		"filteradd without the service":      {&wire.MsgFilterAdd{Data: []byte{1}}, 0},
		"filterclear without the service":    {&wire.MsgFilterClear{}, 0},
		"getcfilters without the service":    {&wire.MsgGetCFilters{Stop: genesis}, 0},
		"getcfheaders without the service":   {&wire.MsgGetCFHeaders{Stop: genesis}, 0},
		"getcfcheckpt without the service":   {&wire.MsgGetCFCheckpt{Stop: genesis}, 0},
		"sendcmpct with announce 2":          {announce(2), 20},
		"the same of another version":        {announce(1), 20},
		"getblocktxn without indexes":        {&wire.MsgGetBlockTxn{BlockHash: genesis}, 0},
		"mempool without the permission":     {&wire.MsgMempool{}, 33},
		"wtxidrelay after verack":            {&wire.MsgWTxIDRelay{}, 1},
		"sendaddrv2 after verack":            {&wire.MsgSendAddrV2{}, 1},
		"feature after verack":               {&wire.MsgFeature{ID: "test/one"}, 1},
		"an inv of too many entries":         {&wire.MsgInv{Inv: make([]wire.InvVect, wire.MaxInv+1)}, 20},
		"a getdata of too many entries":      {&wire.MsgGetData{Inv: make([]wire.InvVect, wire.MaxInv+1)}, 20},
		"an addr of too many entries":        {&wire.MsgAddr{Addrs: many}, 20},
		"headers of too many entries":        {&wire.MsgHeaders{Headers: make([]wire.Header, wire.MaxHeaders+1)}, 20},
		"a locator of too many entries":      {&wire.MsgGetHeaders{Locator: make([]wire.Hash, wire.MaxLocator+1)}, 20},
		"getblocks with as many":             {&wire.MsgGetBlocks{Locator: make([]wire.Hash, wire.MaxLocator+1)}, 20},
		"headers that do not follow":         {&wire.MsgHeaders{Headers: []wire.Header{params.Regtest().Genesis.Header, params.Regtest().Genesis.Header}}, 20},
		"a header without its proof of work": {&wire.MsgHeaders{Headers: []wire.Header{{Version: 4, PrevBlock: genesis, Bits: 0x1d00ffff}}}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1)
				a := w.start(1)
				a.give(w.gen.Chain(w.gen.Genesis(), 1)...)
				s, other := w.dial(a, 9), w.dial(a, 8)
				s.send(tc.m)
				s.gone()
				synctest.Wait()
				host := netip.MustParseAddr("10.9.0.1")
				score := a.Conns().Score(host)
				if len(a.Conns().Bans()) == 1 {
					score = 100
				}
				if score > tc.score || score < tc.score-0.1 { // a part may have faded already
					t.Errorf("the host's score is %v, want %v", score, tc.score)
				}
				other.sync()
			})
		})
	}
}

// TestPeersOnAnInvalidChain: who builds on a block that is known to be invalid goes,
// whichever of the two has dialled and however he tells of it.
func TestPeersOnAnInvalidChain(t *testing.T) {
	for _, dialled := range []bool{false, true} {
		for _, by := range []string{wire.CmdHeaders, wire.CmdCmpctBlock, wire.CmdBlock} {
			name := by + " of who dialled"
			if dialled {
				name = by + " of who was dialled"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, 3)
					blocks := w.gen.Chain(w.gen.Genesis(), 2)
					a := w.startWith(1, vfs.NewMem(), auto)
					a.give(blocks...)
					bad := w.gen.Next(last(blocks), 1) // a fee that nobody pays
					on := w.gen.Next(bad, 0)
					liar := w.dial(a, 7)
					liar.send(&wire.MsgHeaders{Headers: []wire.Header{bad.Header}})
					liar.expect(wire.CmdGetData)
					liar.send(&wire.MsgBlock{Raw: bad.Bytes()})
					liar.gone()

					var s *script
					if dialled {
						s = w.chosenBy(a, 9, wire.NodeNetwork|wire.NodeWitness)
					} else {
						s = w.dial(a, 9)
					}
					cmpct, err := compact.Build(on.Block, 1)
					if err != nil {
						t.Fatal(err)
					}
					s.send(map[string]wire.Message{
						wire.CmdHeaders: &wire.MsgHeaders{Headers: []wire.Header{on.Header}}, wire.CmdCmpctBlock: cmpct, wire.CmdBlock: &wire.MsgBlock{Raw: on.Bytes()},
					}[by])
					s.gone()
				})
			})
		}
	}
}

// foundBy has a node that looks for peers find one at host i, and returns the link
// that it opens.
func (w *world) foundBy(a *node, i byte) *script {
	w.t.Helper()
	l, err := w.net.Host(netip.AddrFrom4([4]byte{10, i, 0, 1})).Listen(w.t.Context(), addr(i))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	now := time.Now()
	a.Book().Add(now, hostOf(2), 0, addrmgr.Address{Addr: hostOf(i), Services: wire.NodeNetwork | wire.NodeWitness, Seen: now})
	a.Conns().Wake()
	link, err := l.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { link.Close() })
	return &script{t: w.t, link: link, noise: commonNoise}
}

// chosenBy is foundBy of a link for more than a look, to a peer with these services.
func (w *world) chosenBy(a *node, i byte, services wire.ServiceFlag) *script {
	w.t.Helper()
	s := w.foundBy(a, i)
	s.noise = append(slices.Clone(commonNoise), wire.CmdGetAddr, wire.CmdAddrV2, wire.CmdWTxIDRelay, wire.CmdSendAddrV2, wire.CmdVerack)
	s.expect(wire.CmdVersion)
	s.send(&wire.MsgVersion{Version: 70016, Services: services, UserAgent: "/script/"}, &wire.MsgVerack{})
	return s
}

// TestServicesOfChosenPeers: a peer of the node's own choice has all blocks and
// witnesses, or the last blocks while no others are lacking; any other is left.
func TestServicesOfChosenPeers(t *testing.T) {
	for name, tc := range map[string]struct {
		services wire.ServiceFlag
		behind   bool // the node lacks blocks
		stays    bool
	}{
		"all":                        {wire.NodeNetwork | wire.NodeWitness, true, true},
		"no witnesses":               {wire.NodeNetwork, false, false},
		"no blocks":                  {wire.NodeWitness, false, false},
		"the last blocks":            {wire.NodeNetworkLimited | wire.NodeWitness, false, true},
		"too few of them":            {wire.NodeNetworkLimited | wire.NodeWitness, true, false},
		"the last without witnesses": {wire.NodeNetworkLimited, false, false},
		"none":                       {0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				height := 2
				if tc.behind {
					height = 400 // of which it has none
				}
				w := newWorld(t, height)
				a := w.startWith(1, vfs.NewMem(), auto)
				if !tc.behind {
					a.give(w.gen.Chain(w.gen.Genesis(), height)...)
				}
				s := w.chosenBy(a, 5, tc.services)
				if tc.stays {
					s.sync()
				} else {
					s.gone()
				}
			})
		})
	}
}

// TestFeelersEnd: who dials to see whether an address answers goes when the
// version has come, and does not wait for more.
func TestFeelersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.startWith(1, vfs.NewMem(), func(c *Config) { c.Slots = &connmgr.SlotOptions{Full: -1, BlockRelay: -1, ProbeEvery: -1} })
		s := w.foundBy(a, 5)
		if v := s.expect(wire.CmdVersion).(*wire.MsgVersion); v.Relay {
			t.Error("a feeler wants transactions")
		}
		s.send(&wire.MsgVersion{Version: 70016, Services: wire.NodeNetwork | wire.NodeWitness, UserAgent: "/script/"})
		s.gone()
		synctest.Wait()
		if e, _ := a.Book().Get(hostOf(5)); !e.Tried {
			t.Error("the address was not noted as reached")
		}
	})
}
