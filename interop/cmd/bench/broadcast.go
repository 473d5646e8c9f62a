package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	btcchaincfg "github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	btcpeer "github.com/btcsuite/btcd/peer"
	btcwire "github.com/btcsuite/btcd/wire/v2"
	ma "github.com/multiformats/go-multiaddr"

	"starling/params"
	"starling/peer"
	"starling/transport"
	"starling/transport/tcp"
	"starling/wire"
)

const (
	// audience is how many peers hear of it.
	audience = 1000
	// broadcasts are measured of each kind; the median counts.
	broadcasts = 41
)

// speaker is one node's side of all the links: sessions of Starling's peer
// package, or of btcd's.
type speaker interface {
	// listen opens a port, and take accepts a link there and makes a session of
	// it, which tells ready when its handshake is done.
	listen() (addr string, err error)
	take(ready chan<- struct{}) error
	// inventory and header queue a transaction's inv and a block's headers message
	// for all sessions.
	inventory(hash [32]byte) error
	header(wire.Header) error
	close()
}

// measureBroadcast takes the time from the call that tells 1,000 peers of a
// transaction, or of a block, until all of them have heard. The links are TCP over
// loopback, unencrypted; what listens at their other ends is the same program
// for both and reads frames.
func measureBroadcast() ([]row, error) {
	var took [2][2]time.Duration // by speaker and by message
	for i, s := range []speaker{&ourSpeaker{}, &theirSpeaker{}} {
		t, err := broadcastBy(s)
		if err != nil {
			return nil, err
		}
		took[i] = t
	}
	var rows []row
	for k, what := range []string{fmt.Sprintf("tell %d peers of a transaction", audience), "  of a block, by its header"} {
		a, b := took[0][k], took[1][k]
		ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }
		rows = append(rows, row{what, ms(a), fmt.Sprintf("%.3f", float64(a)/float64(b)), "", "btcd " + ms(b) + "; until the last has it, no delay on purpose"})
	}
	return rows, nil
}

// listeners are the other ends of the links.
type listeners struct {
	conns []net.Conn
	heard chan string // a command, once by each that has read it
}

func broadcastBy(s speaker) (took [2]time.Duration, err error) {
	addr, err := s.listen()
	if err != nil {
		return took, err
	}
	others := &listeners{heard: make(chan string, audience)}
	defer others.close()
	defer s.close()
	for range audience {
		if err := others.join(addr, s); err != nil {
			return took, err
		}
	}
	for _, c := range others.conns {
		go others.listen(c)
	}
	rounds := [2][]time.Duration{}
	for i := range broadcasts {
		for k, cmd := range []string{wire.CmdInv, wire.CmdHeaders} {
			began := time.Now()
			if k == 0 {
				err = s.inventory([32]byte{byte(i), 1})
			} else {
				err = s.header(wire.Header{Version: 4, Nonce: uint32(i)})
			}
			if err != nil {
				return took, err
			}
			if err := others.all(cmd); err != nil {
				return took, err
			}
			rounds[k] = append(rounds[k], time.Since(began))
		}
	}
	for k, r := range rounds {
		slices.Sort(r)
		took[k] = r[len(r)/2]
	}
	return took, nil
}

// join makes one link and shakes hands on it.
func (o *listeners) join(addr string, s speaker) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	o.conns = append(o.conns, c)
	ready := make(chan struct{}, 1)
	if err := s.take(ready); err != nil {
		return err
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	here := btcwire.NewNetAddressIPPort(net.IPv4(127, 0, 0, 1), 1, 0)
	v := btcwire.NewMsgVersion(here, here, uint64(len(o.conns)), 0)
	v.Services = btcwire.SFNodeNetwork | btcwire.SFNodeWitness
	send := func(m btcwire.Message) error {
		return btcwire.WriteMessage(c, m, btcwire.ProtocolVersion, btcwire.TestNet)
	}
	if err := send(v); err != nil {
		return err
	}
	for {
		cmd, err := readFrame(c, make([]byte, 64<<10))
		if err != nil {
			return fmt.Errorf("handshake: %w", err)
		}
		if cmd == wire.CmdVerack {
			break
		}
	}
	c.SetDeadline(time.Time{})
	if err := send(btcwire.NewMsgVerAck()); err != nil {
		return err
	}
	select {
	case <-ready:
		return nil
	case <-time.After(time.Minute):
		return errors.New("the handshake does not end")
	}
}

// readFrame reads one message and returns its command.
func readFrame(c net.Conn, buf []byte) (string, error) {
	if _, err := io.ReadFull(c, buf[:wire.FrameHeaderSize]); err != nil {
		return "", err
	}
	h, err := wire.ParseFrameHeader(buf[:wire.FrameHeaderSize])
	if err != nil {
		return "", err
	}
	if int(h.Length) > len(buf) {
		return "", errors.New("a message is too long")
	}
	_, err = io.ReadFull(c, buf[:h.Length])
	return h.Command, err
}

// listen tells of each message that is measured, until the link is closed.
func (o *listeners) listen(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		cmd, err := readFrame(c, buf)
		if err != nil {
			return
		}
		if cmd == wire.CmdInv || cmd == wire.CmdHeaders {
			o.heard <- cmd
		}
	}
}

// all waits until everybody has heard.
func (o *listeners) all(cmd string) error {
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for i := range audience {
		select {
		case got := <-o.heard:
			if got != cmd {
				return fmt.Errorf("%s came, want %s", got, cmd)
			}
		case <-late.C:
			return fmt.Errorf("%d of %d have heard %s within a minute", i, audience, cmd)
		}
	}
	return nil
}

func (o *listeners) close() {
	for _, c := range o.conns {
		c.Close()
	}
}

// ourSpeaker is Starling's peer package over its transport.
type ourSpeaker struct {
	l     transport.Listener
	peers []*peer.Peer
	ends  sync.WaitGroup
	ctx   context.Context
	stop  context.CancelFunc
}

// greeted tells when a session is ready, and has no use for messages.
type greeted chan<- struct{}

func (g greeted) Ready(context.Context, *peer.Peer) error {
	g <- struct{}{}
	return nil
}

func (greeted) Handle(context.Context, *peer.Peer, wire.Message) error { return nil }

func (s *ourSpeaker) listen() (addr string, err error) {
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.l, err = tcp.New(tcp.Options{Magic: params.Regtest().Magic}).Listen(s.ctx, ma.StringCast("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		return "", err
	}
	return transport.FormatAddr(s.l.Addr()), nil
}

func (s *ourSpeaker) take(ready chan<- struct{}) error {
	k, err := s.l.Accept()
	if err != nil {
		return err
	}
	p := peer.New(k, peer.Config{ID: uint64(len(s.peers)), Kind: peer.Inbound, Handler: greeted(ready), Services: wire.NodeNetwork | wire.NodeWitness, Relay: true})
	s.peers = append(s.peers, p)
	s.ends.Go(func() { p.Run(s.ctx) })
	return nil
}

func (s *ourSpeaker) all(m wire.Message) error {
	for _, p := range s.peers {
		if err := p.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func (s *ourSpeaker) inventory(hash [32]byte) error {
	return s.all(&wire.MsgInv{Inv: []wire.InvVect{{Type: wire.InvTx, Hash: hash}}})
}

func (s *ourSpeaker) header(h wire.Header) error {
	return s.all(&wire.MsgHeaders{Headers: []wire.Header{h}})
}

func (s *ourSpeaker) close() {
	s.stop()
	s.l.Close()
	s.ends.Wait()
}

// theirSpeaker is btcd's peer package.
type theirSpeaker struct {
	l     net.Listener
	peers []*btcpeer.Peer
}

func (s *theirSpeaker) listen() (addr string, err error) {
	if s.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return "", err
	}
	return s.l.Addr().String(), nil
}

func (s *theirSpeaker) take(ready chan<- struct{}) error {
	c, err := s.l.Accept()
	if err != nil {
		return err
	}
	p := btcpeer.NewInboundPeer(&btcpeer.Config{
		UserAgentName: "bench", UserAgentVersion: "1.0.0", ChainParams: &btcchaincfg.RegressionNetParams,
		Services: btcwire.SFNodeNetwork | btcwire.SFNodeWitness, TrickleInterval: time.Second,
		Listeners: btcpeer.MessageListeners{OnVerAck: func(*btcpeer.Peer, *btcwire.MsgVerAck) { ready <- struct{}{} }},
	})
	s.peers = append(s.peers, p)
	p.AssociateConnection(c)
	return nil
}

func (s *theirSpeaker) all(m btcwire.Message) error {
	for _, p := range s.peers {
		p.QueueMessage(m, nil)
	}
	return nil
}

func (s *theirSpeaker) inventory(hash [32]byte) error {
	m := btcwire.NewMsgInv()
	if err := m.AddInvVect(btcwire.NewInvVect(btcwire.InvTypeTx, (*chainhash.Hash)(&hash))); err != nil {
		return err
	}
	return s.all(m)
}

func (s *theirSpeaker) header(h wire.Header) error {
	m := btcwire.NewMsgHeaders()
	if err := m.AddBlockHeader(&btcwire.BlockHeader{Version: h.Version, Nonce: h.Nonce, Timestamp: time.Unix(int64(h.Timestamp), 0)}); err != nil {
		return err
	}
	return s.all(m)
}

func (s *theirSpeaker) close() {
	s.l.Close()
	for _, p := range s.peers {
		p.Disconnect()
	}
	for _, p := range s.peers {
		p.WaitForDisconnect()
	}
}
