package server

import (
	"context"
	"fmt"

	"starling/chain/headertree"
	"starling/peer"
	"starling/wire"
)

// FilterSource has the compact filters of blocks (BIP158). ok is false where it
// has none, be it that it has not got that far.
type FilterSource interface {
	Filter(n *headertree.Node) (filter []byte, ok bool, err error)
	FilterHeader(n *headertree.Node) (hash, header wire.Hash, ok bool, err error)
}

// ServeFilters has the node serve block filters to its peers (BIP157), and tell
// of it. It is to be called before Run.
func (n *Server) ServeFilters(src FilterSource) { n.filters = src }

// askedSize is what a request for filters keeps until it is answered.
const askedSize = 128

// filterRange returns the last block of a range of filters that is asked for. A
// request that no honest peer makes ends the link, as in Bitcoin Core: the peer
// would wait for an answer.
func (s *session) filterRange(t wire.FilterType, start uint32, stop wire.Hash, most int) (*headertree.Node, error) {
	n := s.node
	refuse := func(format string, args ...any) (*headertree.Node, error) {
		return nil, &peer.Disconnect{Reason: peer.Misbehaved, Detail: fmt.Sprintf(format, args...)}
	}
	if n.filters == nil {
		return refuse("it asked for block filters, which this node does not serve")
	}
	if t != wire.FilterBasic {
		return refuse("it asked for block filters of the unknown type %d", t)
	}
	last := n.sync.PublicBlock(n.clk.Now(), stop)
	switch {
	case last == nil:
		return refuse("it asked for the filters up to a block that is not known")
	case int64(start) > int64(last.Height):
		return refuse("it asked for filters from height %d to %d", start, last.Height)
	case int64(last.Height)-int64(start) >= int64(most):
		return refuse("it asked for %d filters, limit %d", int64(last.Height)-int64(start)+1, most)
	}
	return last, nil
}

// hasFilters reports whether the filters up to a block can be served. They are
// made in the order of the chain, so that those before it are there too.
func (n *Server) hasFilters(last *headertree.Node) (bool, error) {
	_, _, ok, err := n.filters.FilterHeader(last)
	return ok, err
}

// serveFilters answers getcfilters, with one message for each block, made when
// the peer has taken those before. There is no answer as long as the filters
// are not made, as in Bitcoin Core.
func (s *session) serveFilters(_ context.Context, m *wire.MsgGetCFilters) error {
	last, err := s.filterRange(m.FilterType, m.StartHeight, m.Stop, wire.MaxCFilters)
	if err != nil {
		return err
	}
	n, next, looked := s.node, int32(m.StartHeight), false
	return s.peer.SendLater(askedSize, func(context.Context) (wire.Message, error) {
		if !looked {
			looked = true
			if ok, err := n.hasFilters(last); !ok || err != nil {
				return nil, err
			}
		}
		if next > last.Height {
			return nil, nil
		}
		at := last.Ancestor(next)
		next++
		filter, ok, err := n.filters.Filter(at)
		if !ok || err != nil {
			return nil, err
		}
		return &wire.MsgCFilter{FilterType: m.FilterType, BlockHash: at.Hash, Filter: filter}, nil
	})
}

// serveFilterHeaders answers getcfheaders.
func (s *session) serveFilterHeaders(_ context.Context, m *wire.MsgGetCFHeaders) error {
	last, err := s.filterRange(m.FilterType, m.StartHeight, m.Stop, wire.MaxCFHeaders)
	if err != nil {
		return err
	}
	n, start := s.node, int32(m.StartHeight)
	return s.peer.SendLater(askedSize, once(func() (wire.Message, error) {
		if ok, err := n.hasFilters(last); !ok || err != nil {
			return nil, err
		}
		answer := &wire.MsgCFHeaders{FilterType: m.FilterType, Stop: last.Hash, FilterHashes: make([]wire.Hash, last.Height-start+1)}
		for at := last; at != nil && at.Height >= start-1; at = at.Parent {
			hash, header, ok, err := n.filters.FilterHeader(at)
			if !ok || err != nil {
				return nil, err
			}
			if at.Height < start {
				answer.PrevFilterHeader = header
				break
			}
			answer.FilterHashes[at.Height-start] = hash
		}
		return answer, nil
	}))
}

// serveFilterCheckpoints answers getcfcheckpt.
func (s *session) serveFilterCheckpoints(_ context.Context, m *wire.MsgGetCFCheckpt) error {
	last, err := s.filterRange(m.FilterType, 0, m.Stop, maxHeights)
	if err != nil {
		return err
	}
	n := s.node
	return s.peer.SendLater(askedSize, once(func() (wire.Message, error) {
		if ok, err := n.hasFilters(last); !ok || err != nil {
			return nil, err
		}
		answer := &wire.MsgCFCheckpt{FilterType: m.FilterType, Stop: last.Hash}
		for h := int32(wire.CFCheckptInterval); h <= last.Height; h += wire.CFCheckptInterval {
			_, header, ok, err := n.filters.FilterHeader(last.Ancestor(h))
			if !ok || err != nil {
				return nil, err
			}
			answer.FilterHeaders = append(answer.FilterHeaders, header)
		}
		return answer, nil
	}))
}

// maxHeights is more than there are blocks: checkpoints may be asked for from
// the first block on.
const maxHeights = 1 << 32
