package server

import (
	"context"
	"sync"

	"starling/connmgr"
	"starling/peer"
	"starling/relay"
	"starling/relay/bloom"
	"starling/wire"
)

// bloomFilter is the filter of a session (BIP37): 36,000 bytes at most, made when
// the peer loads one. The session's goroutines and the relay of transactions
// match with it, and matching changes it.
type bloomFilter struct {
	mu sync.Mutex
	f  *bloom.Filter
}

// Wants implements [relay.Filter].
func (b *bloomFilter) Wants(tx *wire.Tx) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.f.Match(tx)
}

func (b *bloomFilter) add(data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.f.Add(data)
}

func (b *bloomFilter) block(blk *wire.Block) (*wire.MsgMerkleBlock, []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.f.MatchBlock(blk)
}

// servesBloom reports whether peers with the given permissions may use bloom
// filters.
func (n *Server) servesBloom(perm peer.Permissions) bool {
	return n.cfg.BloomFilters || perm.Has(peer.PermBloomFilter)
}

// services returns the services that a peer with the given permissions is told
// of.
func (n *Server) services(perm peer.Permissions) wire.ServiceFlag {
	s := n.LocalServices()
	if n.servesBloom(perm) {
		s |= wire.NodeBloom
	}
	return s
}

// mayBloom refuses what has to do with bloom filters where they are not served
// (BIP111).
func (s *session) mayBloom() error {
	if s.node.servesBloom(s.peer.Permissions()) {
		return nil
	}
	return &peer.Disconnect{Reason: peer.Misbehaved, Detail: "it uses bloom filters, which this node does not serve"}
}

// setFilter gives the session a filter, or takes it away if it is nil. From then
// on the peer wants to hear of transactions, whatever it said before.
func (s *session) setFilter(b *bloomFilter) {
	n := s.node
	s.bloom.Store(b)
	var wanted relay.Filter
	if b != nil {
		wanted = b
	}
	n.relay.SetFilter(s.relayID(), wanted)
	wake(n.wakeTxs)
}

// handleFilterLoad takes a filter.
func (s *session) handleFilterLoad(_ context.Context, m *wire.MsgFilterLoad) error {
	if err := s.mayBloom(); err != nil || !s.peer.Kind().RelaysTxs() {
		return err
	}
	s.setFilter(&bloomFilter{f: bloom.New(m)})
	return nil
}

// handleFilterAdd adds to the filter, which has to be there.
func (s *session) handleFilterAdd(_ context.Context, m *wire.MsgFilterAdd) error {
	if err := s.mayBloom(); err != nil || !s.peer.Kind().RelaysTxs() {
		return err
	}
	b := s.bloom.Load()
	if b == nil {
		s.node.offence(s.origin(), connmgr.BadFilter, 1)
		return nil
	}
	b.add(m.Data)
	return nil
}

// handleFilterClear removes the filter.
func (s *session) handleFilterClear(context.Context, *wire.MsgFilterClear) error {
	if err := s.mayBloom(); err != nil || !s.peer.Kind().RelaysTxs() {
		return err
	}
	s.setFilter(nil)
	return nil
}
