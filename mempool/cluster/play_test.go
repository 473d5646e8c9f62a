package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// modelTx is a transaction as the model of a graph knows it.
type modelTx struct {
	rate    FeeRate
	parents map[int]bool // direct, or inherited from one that was removed
}

// model does what a graph does, the slow way.
type model map[int]modelTx

func (m model) clone() model {
	out := model{}
	for id, t := range m {
		out[id] = modelTx{t.rate, maps.Clone(t.parents)}
	}
	return out
}

func (m model) ids() []int { return slices.Sorted(maps.Keys(m)) }

func (m model) remove(id int) {
	for _, t := range m {
		if t.parents[id] {
			delete(t.parents, id)
			maps.Copy(t.parents, m[id].parents)
		}
	}
	delete(m, id)
}

// up returns id and all that it depends on.
func (m model) up(id int) map[int]bool {
	out := map[int]bool{id: true}
	for p := range m[id].parents {
		maps.Copy(out, m.up(p))
	}
	return out
}

func (m model) down(id int) map[int]bool {
	out := map[int]bool{}
	for c := range m {
		if m.up(c)[id] {
			out[c] = true
		}
	}
	return out
}

func (m model) cluster(id int) map[int]bool {
	out := map[int]bool{id: true}
	for n := 0; n != len(out); {
		n = len(out)
		for c := range m {
			for a := range m.up(c) {
				if out[a] || out[c] {
					out[a], out[c] = true, true
				}
			}
		}
	}
	return out
}

func (m model) oversized(l Limits) bool {
	for id := range m {
		var size int64
		c := m.cluster(id)
		for i := range c {
			size += m[i].rate.Size
		}
		if len(c) > l.Count || size > l.Size {
			return true
		}
	}
	return false
}

// best is the best diagram of a cluster.
func (m model) best(c map[int]bool) Diagram {
	var rates []FeeRate
	at := map[int]int{}
	todo := maps.Clone(c)
	var order []int
	for len(todo) > 0 {
		for _, id := range slices.Sorted(maps.Keys(todo)) {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(m[id].parents)), func(p int) bool { return todo[p] }) {
				at[id] = len(rates)
				rates = append(rates, m[id].rate)
				order = append(order, id)
				delete(todo, id)
				break
			}
		}
	}
	rel := newRelations(len(rates))
	for _, id := range order {
		for p := range m[id].parents {
			rel.depend(at[p], at[id])
		}
	}
	return best(rates, rel)
}

// play drives a graph and its model side by side.
type play struct {
	g    *Graph
	txs  map[int]*Tx
	m    model
	next int

	s      *Stage // not nil while changes are tried
	staged model
	trial  map[int]*Tx // those that the stage added
}

func owners(ts []*Tx) map[int]bool {
	if ts == nil {
		return nil
	}
	out := map[int]bool{}
	for _, t := range ts {
		out[t.Owner().(int)] = true
	}
	return out
}

func (p *play) open() (*Stage, model) {
	if p.s == nil {
		p.s, p.staged, p.trial = p.g.Stage(), p.m.clone(), map[int]*Tx{}
	}
	return p.s, p.staged
}

func (p *play) tx(id int) *Tx {
	if t := p.trial[id]; t != nil {
		return t
	}
	return p.txs[id]
}

func (p *play) pick(t *rapid.T) int {
	if len(p.staged) == 0 {
		t.Skip("nothing there")
	}
	return rapid.SampledFrom(p.staged.ids()).Draw(t, "id")
}

func (p *play) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"add": func(t *rapid.T) {
			s, m := p.open()
			r := FeeRate{rapid.Int64Range(-2, 20).Draw(t, "fee"), rapid.Int64Range(1, 8).Draw(t, "size")}
			n := modelTx{r, map[int]bool{}}
			tx := s.Add(p.next, r)
			ids := m.ids()
			for range min(len(ids), rapid.IntRange(0, 2).Draw(t, "parents")) {
				id := rapid.SampledFrom(ids).Draw(t, "parent")
				n.parents[id] = true
				s.Depend(p.tx(id), tx)
			}
			m[p.next], p.trial[p.next] = n, tx
			p.next++
		},
		"depend": func(t *rapid.T) {
			s, m := p.open()
			a, b := p.pick(t), p.pick(t)
			if a == b || m.up(a)[b] {
				t.Skip("would be a circle")
			}
			s.Depend(p.tx(a), p.tx(b))
			m[b].parents[a] = true
		},
		"remove": func(t *rapid.T) {
			s, m := p.open()
			for id := range m.down(p.pick(t)) {
				s.Remove(p.tx(id))
				m.remove(id)
			}
		},
		"confirm": func(t *rapid.T) {
			s, m := p.open()
			for id := range m.up(p.pick(t)) {
				s.Remove(p.tx(id))
				m.remove(id)
			}
		},
		"fee": func(t *rapid.T) {
			s, m := p.open()
			id, fee := p.pick(t), rapid.Int64Range(-2, 20).Draw(t, "fee")
			s.SetFee(p.tx(id), fee)
			n := m[id]
			n.rate.Fee = fee
			m[id] = n
		},
		"ask": func(t *rapid.T) {
			if p.s == nil {
				t.Skip("no stage")
			}
			p.ask(t)
		},
		"trim": func(t *rapid.T) {
			if p.s == nil {
				t.Skip("no stage")
			}
			for _, tx := range p.s.Trim() {
				id := tx.Owner().(int)
				for d := range p.staged.down(id) {
					if d != id && p.s.Contains(p.tx(d)) {
						t.Fatalf("%d went without %d, which depends on it", id, d)
					}
				}
				p.staged.remove(id)
			}
			if p.s.Oversized() {
				t.Fatal("still oversized")
			}
		},
		"commit": func(t *rapid.T) {
			if p.s == nil {
				t.Skip("no stage")
			}
			over := p.staged.oversized(p.g.Limits())
			switch err := p.s.Commit(); {
			case over != errors.Is(err, ErrOversized):
				t.Fatalf("oversized is %v, commit says %v", over, err)
			case over:
				return
			case err != nil:
				t.Fatal(err)
			}
			maps.Copy(p.txs, p.trial)
			p.m, p.s = p.staged, nil
		},
		"abort": func(t *rapid.T) {
			if p.s == nil {
				t.Skip("no stage")
			}
			p.s.Abort()
			p.s = nil
		},
		"": p.check,
	}
}

// ask compares what the stage says with its model.
func (p *play) ask(t *rapid.T) {
	if got, want := p.s.Oversized(), p.staged.oversized(p.g.Limits()); got != want {
		t.Fatalf("oversized: %v, want %v", got, want)
	}
	if p.s.Oversized() {
		return
	}
	var before, after Diagram
	sum := func(m model) (d Diagram) {
		done := map[int]bool{}
		for _, id := range m.ids() {
			if !done[id] {
				c := m.cluster(id)
				maps.Copy(done, c)
				d = append(d, m.best(c)...)
			}
		}
		d.sort()
		return d
	}
	before, after = sum(p.m), sum(p.staged)
	// Behind a chunk that costs, even one that is in both diagrams counts; the
	// stage sees only what it touches.
	costs := func(d Diagram) bool { return len(d) > 0 && d[len(d)-1].Fee < 0 }
	if got, want := p.s.Compare(), after.Compare(before); got != want && !costs(before) && !costs(after) {
		a, b := p.s.Diagrams()
		t.Fatalf("%v, want %v: %v became %v; the stage saw %v become %v", got, want, before, after, a, b)
	}
	for _, id := range p.staged.ids() {
		tx := p.tx(id)
		p.same(t, id, p.staged, p.s.Cluster(tx), p.s.Ancestors(tx), p.s.Descendants(tx))
	}
	for id := range p.m {
		if _, ok := p.staged[id]; !ok && (p.s.Contains(p.txs[id]) || p.s.Cluster(p.txs[id]) != nil) {
			t.Fatalf("%d is still there", id)
		}
	}
}

func (p *play) same(t *rapid.T, id int, m model, cluster, up, down []*Tx) {
	if got, want := owners(cluster), m.cluster(id); !maps.Equal(got, want) {
		t.Fatalf("cluster of %d: %v, want %v", id, got, want)
	}
	if got, want := owners(up), m.up(id); !maps.Equal(got, want) {
		t.Fatalf("ancestors of %d: %v, want %v", id, got, want)
	}
	if got, want := owners(down), m.down(id); !maps.Equal(got, want) {
		t.Fatalf("descendants of %d: %v, want %v", id, got, want)
	}
}

// check compares the graph itself with the model.
func (p *play) check(t *rapid.T) {
	if err := p.g.Check(); err != nil {
		t.Fatal(err)
	}
	if p.g.Len() != len(p.m) {
		t.Fatalf("%d transactions, want %d", p.g.Len(), len(p.m))
	}
	n := 0
	for c := range p.g.Best() {
		n += len(c.Txs)
	}
	if n != len(p.m) {
		t.Fatalf("blocks would find %d transactions, want %d", n, len(p.m))
	}
	for id, tx := range p.txs {
		want, ok := p.m[id]
		if p.g.Contains(tx) != ok || p.g.Rate(tx) != want.rate {
			t.Fatalf("%d: there is %v with %v, want %v with %v", id, p.g.Contains(tx), p.g.Rate(tx), ok, want.rate)
		}
		if !ok {
			continue
		}
		p.same(t, id, p.m, p.g.Cluster(tx), p.g.Ancestors(tx), p.g.Descendants(tx))
		if d := diagram([]*list{tx.cl}); d.Compare(p.m.best(p.m.cluster(id))) != Equal {
			t.Fatalf("the cluster of %d is %v, the best is %v", id, d, p.m.best(p.m.cluster(id)))
		}
	}
}

func newPlay() *play {
	return &play{g: New(Limits{Count: 6, Size: 30}), txs: map[int]*Tx{}, m: model{}}
}

// TestPlay makes random changes, tries them, commits or forgets them, and
// compares everything with a model.
func TestPlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { t.Repeat(newPlay().actions()) })
}

func FuzzPlay(f *testing.F) {
	f.Add([]byte("a few bytes choose what happens"))
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { t.Repeat(newPlay().actions()) }))
}

// What is staged and committed at once comes to the same as one by one.
func TestStagedIsDirect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, all := New(Limits{}), New(Limits{})
		s := all.Stage()
		var a, b []*Tx
		for i := range rapid.IntRange(1, 30).Draw(t, "n") {
			r := FeeRate{rapid.Int64Range(0, 50).Draw(t, "fee"), rapid.Int64Range(1, 8).Draw(t, "size")}
			d := one.Stage()
			x, y := d.Add(i, r), s.Add(i, r)
			for range min(i, rapid.IntRange(0, 3).Draw(t, "parents")) {
				p := rapid.IntRange(0, i-1).Draw(t, "parent")
				d.Depend(a[p], x)
				s.Depend(b[p], y)
			}
			if err := d.Commit(); err != nil {
				t.Fatal(err)
			}
			a, b = append(a, x), append(b, y)
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(one.Check(), all.Check()); err != nil {
			t.Fatal(err)
		}
		rates := func(g *Graph) (d Diagram) {
			for c := range g.Best() {
				d = append(d, c.Rate)
			}
			return d
		}
		if rates(one).Compare(rates(all)) != Equal {
			t.Fatalf("%v one by one, %v at once", rates(one), rates(all))
		}
		for i := range a {
			if fmt.Sprint(owners(one.Cluster(a[i]))) != fmt.Sprint(owners(all.Cluster(b[i]))) {
				t.Fatalf("the cluster of %d is not the same", i)
			}
		}
	})
}

// The best diagram above a stage's changes is what the changes are judged by;
// a stage that is ended by another can not be committed.
func TestStale(t *testing.T) {
	g := New(Limits{})
	s := g.Stage()
	s.Add(1, FeeRate{1, 1})
	g.Stage().Abort()
	if err := s.Commit(); !errors.Is(err, ErrStale) {
		t.Errorf("commit: %v", err)
	}
	if err := s.Commit(); !errors.Is(err, ErrStale) || g.Len() != 0 {
		t.Errorf("commit again: %v", err)
	}
}

func TestCircle(t *testing.T) {
	g := New(Limits{})
	s := g.Stage()
	a, b := s.Add(1, FeeRate{1, 1}), s.Add(2, FeeRate{1, 1})
	s.Depend(a, b)
	s.Depend(b, a)
	if err := s.Commit(); !errors.Is(err, ErrCircle) || g.Len() != 0 {
		t.Errorf("commit: %v", err)
	}
}
