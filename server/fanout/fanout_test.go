package fanout

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"starling/chain"
	"starling/chain/headertree"
	"starling/mempool"
	"starling/wire"
)

// script notes who was told what.
type script struct{ told []string }

func (s *script) take() string {
	all := strings.Join(s.told, " ")
	s.told = nil
	return all
}

// chainListener notes events under its name.
type chainListener struct {
	chain.NopObserver
	name string
	*script
}

func (l chainListener) note(what string) { l.told = append(l.told, l.name+":"+what) }

func (l chainListener) BlockChecked(*headertree.Node, *wire.Block, chain.CheckTimes) {
	l.note("checked")
}
func (l chainListener) BlockRejected(wire.Hash, error) { l.note("rejected") }
func (l chainListener) TipChanged(*headertree.Node)    { l.note("tip") }

type poolListener struct{ chainListener }

func (l poolListener) TxAdded(*mempool.Entry)                          { l.note("added") }
func (l poolListener) TxRemoved(*mempool.Entry, mempool.RemovalReason) { l.note("removed") }
func (l poolListener) TipMoved(*headertree.Node, []*headertree.Node)   { l.note("moved") }

type blockListener struct{ chainListener }

func (l blockListener) BlockConnected(*headertree.Node, *wire.Block)    { l.note("connected") }
func (l blockListener) BlockDisconnected(*headertree.Node, *wire.Block) { l.note("disconnected") }
func (l blockListener) TipMoved(*headertree.Node)                       { l.note("follows") }

// pool is a mempool that notes when it is told, and when the tip is seen.
type pool struct{ blockListener }

func (p pool) TipMoving(_ *headertree.Node, publish func()) { p.note("moving"); publish() }

// TestOrder subscribes in all orders: events always come in that of the names.
func TestOrder(t *testing.T) {
	names := []string{"a", "b", "c"}
	for _, by := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			s := &script{}
			f := New(names...)
			for _, i := range by {
				l := chainListener{name: names[i], script: s}
				f.Subscribe(names[i], Subscriber{Chain: l, Pool: poolListener{l}, Blocks: blockListener{l}})
			}
			c, p := f.Chain(), f.Pool()
			m := f.Moves(pool{blockListener{chainListener{name: "pool", script: s}}})
			for _, tc := range []struct {
				event func()
				want  string
			}{
				{func() { c.BlockChecked(nil, nil, chain.CheckTimes{}) }, "a:checked b:checked c:checked"},
				{func() { c.BlockRejected(wire.Hash{}, errors.New("bad")) }, "a:rejected b:rejected c:rejected"},
				{func() { c.TipChanged(nil) }, "a:tip b:tip c:tip"},
				{func() { p.TxAdded(nil) }, "a:added b:added c:added"},
				{func() { p.TxRemoved(nil, mempool.RemovedBlock) }, "a:removed b:removed c:removed"},
				{func() { p.TipMoved(nil, nil) }, "a:moved b:moved c:moved"},
				{func() { m.BlockConnected(nil, nil) }, "pool:connected a:connected b:connected c:connected"},
				{func() { m.BlockDisconnected(nil, nil) }, "pool:disconnected a:disconnected b:disconnected c:disconnected"},
				{func() { m.TipMoving(nil, func() { c.TipChanged(nil) }) },
					"pool:moving a:tip b:tip c:tip a:follows b:follows c:follows"},
			} {
				tc.event()
				if diff := cmp.Diff(tc.want, s.take()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestSome tells each subscriber only of what it wants to know.
func TestSome(t *testing.T) {
	s := &script{}
	l := func(name string) chainListener { return chainListener{name: name, script: s} }
	f := New("chain", "pool", "blocks", "nobody")
	f.Subscribe("blocks", Subscriber{Blocks: blockListener{l("blocks")}})
	f.Subscribe("pool", Subscriber{Pool: poolListener{l("pool")}})
	f.Subscribe("chain", Subscriber{Chain: l("chain")})
	f.Chain().TipChanged(nil)
	f.Pool().TxAdded(nil)
	f.Moves(pool{blockListener{l("mempool")}}).BlockConnected(nil, nil)
	if diff := cmp.Diff("chain:tip pool:added mempool:connected blocks:connected", s.take()); diff != "" {
		t.Error(diff)
	}
}

// TestMistakes: who has no place in the order, or takes another's, is a mistake
// of the program.
func TestMistakes(t *testing.T) {
	f := New("a")
	f.Subscribe("a", Subscriber{})
	for _, name := range []string{"a", "b", ""} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q could subscribe", name)
				}
			}()
			f.Subscribe(name, Subscriber{})
		}()
	}
}
