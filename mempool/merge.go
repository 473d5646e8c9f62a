package mempool

import (
	"maps"
	"slices"

	"starling/wire"
)

// member is a transaction on its way from the files of a pool into it.
type member struct {
	savedEntry
	id      wire.Hash
	parents []wire.Hash // what it spends, whether that is there or not
	added   bool        // by the journal
}

// newMember reads what there is to know of a saved entry. One that can not be
// read stands for itself; it is refused later.
func newMember(e savedEntry) member {
	m := member{savedEntry: e}
	tx, err := wire.ParseTx(e.raw)
	if err != nil {
		return m
	}
	m.id = tx.TxID()
	for i := range tx.In {
		m.parents = append(m.parents, tx.In[i].PrevOut.Hash)
	}
	return m
}

// with returns what was saved with what a journal has changed of it.
//
// What is there of old stays in its chunks. What the journal brings may pay for
// others, or need others to be paid for; which fees they pay is not known
// before their coins are read. So all that hangs together with it makes one
// chunk, parents first: it was one cluster of the pool.
func (s *saved) with(r *replay) *saved {
	ms := make([]member, 0, len(s.entries)+len(r.states))
	old := make(map[wire.Hash]struct{}, len(s.entries))
	gone := false // whether a chunk has lost its first
	for _, e := range s.entries {
		m := newMember(e)
		if st, ok := r.states[m.id]; ok {
			if !st.present {
				gone = gone || m.first
				continue
			}
			m.time, m.delta, m.raw = st.time, st.delta, st.raw
		}
		m.first, gone = m.first || gone, false
		old[m.id] = struct{}{}
		ms = append(ms, m)
	}
	out := &saved{}
	for _, d := range s.deltas {
		if _, ok := r.states[d.TxID]; !ok {
			out.deltas = append(out.deltas, d)
		}
	}
	for _, id := range s.unbroadcast {
		if _, ok := r.states[id]; !ok {
			out.unbroadcast = append(out.unbroadcast, id)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(r.states), compareIDs) {
		st := r.states[id]
		switch {
		case !st.present:
			if st.delta != 0 {
				out.deltas = append(out.deltas, Delta{TxID: id, Delta: st.delta})
			}
			continue
		case !has(old, id):
			m := newMember(savedEntry{raw: st.raw, time: st.time, delta: st.delta, first: true})
			m.added = true
			ms = append(ms, m)
		}
		if st.unbroadcast {
			out.unbroadcast = append(out.unbroadcast, id)
		}
	}
	out.entries = gather(ms)
	return out
}

// gather puts members in line: those that hang together with one that was added
// become a chunk, in the place of the first of them, and all others stay where
// they are.
func gather(ms []member) []savedEntry {
	f := families{ms: ms, index: make(map[wire.Hash]int, len(ms)), up: make([]int, len(ms)), done: make([]bool, len(ms))}
	for i := range ms {
		f.up[i] = i
		if len(ms[i].parents) > 0 {
			f.index[ms[i].id] = i
		}
	}
	for i := range ms {
		for _, id := range ms[i].parents {
			if j, ok := f.index[id]; ok {
				f.up[f.root(i)] = f.root(j)
			}
		}
	}
	grown := make(map[int][]int) // by the root
	for i := range ms {
		if ms[i].added {
			grown[f.root(i)] = nil
		}
	}
	for i := range ms {
		if all, ok := grown[f.root(i)]; ok {
			grown[f.root(i)] = append(all, i)
		}
	}
	entries := make([]savedEntry, 0, len(ms))
	cut := false // whether the chunk before must not go on
	for i := range ms {
		all, ok := grown[f.root(i)]
		if !ok {
			e := ms[i].savedEntry
			e.first, cut = e.first || cut, false
			entries = append(entries, e)
			continue
		}
		cut = true
		if all[0] == i {
			entries = f.appendChunk(entries, all)
		}
	}
	return entries
}

// families are members that hang together.
type families struct {
	ms    []member
	index map[wire.Hash]int
	up    []int  // towards the root of the family
	done  []bool // who is in line already
}

// root returns the member that stands for i's family.
func (f *families) root(i int) int {
	for f.up[i] != i {
		f.up[i] = f.up[f.up[i]]
		i = f.up[i]
	}
	return i
}

// appendChunk appends a family, parents first. One that is larger than clusters
// are was none of ours, and its members stand alone.
func (f *families) appendChunk(entries []savedEntry, family []int) []savedEntry {
	alone := len(family) > MaxClusterCount
	from := len(entries)
	var put func(i int)
	put = func(i int) {
		if f.done[i] {
			return
		}
		f.done[i] = true
		if !alone {
			for _, id := range f.ms[i].parents {
				if j, ok := f.index[id]; ok {
					put(j)
				}
			}
		}
		e := f.ms[i].savedEntry
		e.first = alone || len(entries) == from
		entries = append(entries, e)
	}
	for _, i := range family {
		put(i)
	}
	return entries
}
