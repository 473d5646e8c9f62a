package cluster

import "errors"

// What [Stage.Commit] refuses.
var (
	ErrOversized = errors.New("a cluster would have too many or too large transactions")
	ErrCircle    = errors.New("transactions would depend on each other in a circle")
	ErrStale     = errors.New("the graph has changed since, or the stage has ended")
)

// Stage is a set of changes to a graph that can be looked at before they are
// made. There is one at a time: making another, by [Graph.Stage] or by the
// methods of [Graph] that change it, ends the one before.
//
// Changes may be made in any order; they take effect together, at the first
// question. Questions may be followed by more changes.
type Stage struct {
	g     *Graph
	added []*Tx
	gone  map[*Tx]struct{}
	fees  map[*Tx]int64
	deps  [][2]*Tx // parent, child
	rates map[*Tx]FeeRate

	touched []*list // of the graph, in the order in which they were touched
	isOn    map[*list]struct{}

	fresh     bool // what follows stands for the changes so far
	made      []*list
	oversized [][]*Tx
	circle    bool
}

// Stage starts a set of changes.
func (g *Graph) Stage() *Stage {
	s := &Stage{g: g}
	g.stage = s
	return s
}

// knows reports whether the stage sees t: in the graph or added, and not
// removed.
func (s *Stage) knows(t *Tx) bool {
	if _, gone := s.gone[t]; gone {
		return false
	}
	return t.cl != nil || t.stage == s
}

// touch notes that the list of t is about to change.
func (s *Stage) touch(t *Tx) {
	s.fresh = false
	if t.cl == nil {
		return
	}
	if _, ok := s.isOn[t.cl]; ok {
		return
	}
	if s.isOn == nil {
		s.isOn = map[*list]struct{}{}
	}
	s.isOn[t.cl] = struct{}{}
	s.touched = append(s.touched, t.cl)
}

// Add adds a transaction that depends on nothing yet. The size in r must be
// positive. The owner is for the caller, see [Tx.Owner].
func (s *Stage) Add(owner any, r FeeRate) *Tx {
	t := &Tx{owner: owner, seq: s.g.seq, stage: s}
	s.g.seq++
	s.added = append(s.added, t)
	if s.rates == nil {
		s.rates = map[*Tx]FeeRate{}
	}
	s.rates[t] = r
	s.fresh = false
	return t
}

// Depend says that child spends an output of parent. Repetitions do no harm;
// transactions that the stage does not know, or has removed, are passed over.
func (s *Stage) Depend(parent, child *Tx) {
	if parent == child || !s.knows(parent) || !s.knows(child) {
		return
	}
	s.touch(parent)
	s.touch(child)
	s.deps = append(s.deps, [2]*Tx{parent, child})
}

// Remove removes transactions, and nothing but them: whoever removes one for
// good removes its descendants as well, and only one that was confirmed goes
// without them. What stood on both sides of a removed transaction remains
// ordered as before.
func (s *Stage) Remove(ts ...*Tx) {
	for _, t := range ts {
		if !s.knows(t) {
			continue
		}
		s.touch(t)
		if s.gone == nil {
			s.gone = map[*Tx]struct{}{}
		}
		s.gone[t] = struct{}{}
	}
}

// SetFee gives a transaction another fee.
func (s *Stage) SetFee(t *Tx, fee int64) {
	if !s.knows(t) {
		return
	}
	s.touch(t)
	if s.fees == nil {
		s.fees = map[*Tx]int64{}
	}
	s.fees[t] = fee
}

// Oversized reports whether some cluster would exceed the limits. There is no
// order in it then: what is asked about its transactions has no answer (nil,
// false or zero), and the stage can not be committed before it is trimmed.
func (s *Stage) Oversized() bool {
	s.apply()
	return len(s.oversized) > 0
}

// Diagrams returns what the clusters that the stage touches are worth in the
// graph, and what becomes of them. Nil if the stage is oversized.
func (s *Stage) Diagrams() (before, after Diagram) {
	if s.Oversized() {
		return nil, nil
	}
	return diagram(s.touched), diagram(s.made)
}

func diagram(ls []*list) Diagram {
	var d Diagram
	for _, l := range ls {
		for i := range l.chunks {
			d = append(d, l.chunks[i].rate)
		}
	}
	d.sort()
	return d
}

// Compare tells whether the graph would be [Better] or worse for the changes.
// Incomparable if the stage is oversized.
func (s *Stage) Compare() Order {
	if s.Oversized() {
		return Incomparable
	}
	before, after := s.Diagrams()
	return after.Compare(before)
}

// at returns where t would be, nil if nowhere.
func (s *Stage) at(t *Tx) (*list, int) {
	s.apply()
	if t.stage == s {
		return t.scl, t.spos
	}
	return t.cl, t.pos
}

// Contains reports whether t would be in the graph.
func (s *Stage) Contains(t *Tx) bool { return s.knows(t) }

// Chunk is [Graph.Chunk] as it would be.
func (s *Stage) Chunk(t *Tx) (Chunk, bool) {
	l, pos := s.at(t)
	return l.chunkOf(pos)
}

// Commit makes the changes and ends the stage. On an error nothing changes;
// after ErrOversized the stage lives on.
func (s *Stage) Commit() error {
	if s.g == nil || s.g.stage != s {
		return ErrStale
	}
	s.apply()
	switch {
	case s.circle:
		return ErrCircle
	case len(s.oversized) > 0:
		return ErrOversized
	}
	g := s.g
	for _, l := range s.touched {
		l.in = false
	}
	for _, l := range s.made {
		l.in = true // those that are also among the touched are as they were
	}
	for _, l := range s.touched {
		if l.in {
			continue
		}
		for i := range l.chunks {
			g.order.remove(&l.chunks[i])
		}
		for _, t := range l.txs {
			t.cl = nil
		}
		g.count -= len(l.txs)
	}
	for _, l := range s.made {
		if l.txs[0].cl == l {
			continue
		}
		for i, t := range l.txs {
			t.cl, t.pos = l, i
		}
		for i := range l.chunks {
			g.order.insert(&l.chunks[i])
		}
		g.count += len(l.txs)
	}
	s.Abort()
	return nil
}

// Abort forgets the changes and ends the stage.
func (s *Stage) Abort() {
	if s.g != nil && s.g.stage == s {
		s.g.stage = nil
	}
	*s = Stage{}
}
