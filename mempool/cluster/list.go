package cluster

import "math/bits"

// set is a set of positions in a list.
type set uint64

func bit(i int) set          { return 1 << i }
func below(n int) set        { return 1<<n - 1 } // positions 0 to n-1; n may be 64
func (s set) has(i int) bool { return s>>i&1 != 0 }
func (s set) len() int       { return bits.OnesCount64(uint64(s)) }
func (s set) first() int     { return bits.TrailingZeros64(uint64(s)) }
func (s set) last() int      { return 63 - bits.LeadingZeros64(uint64(s)) }
func (s set) rest() set      { return s & (s - 1) } // without the first

// list is a cluster: its transactions in linearised order. It never changes
// once made, but for the links of its chunks in the order of the graph; a
// change of the cluster makes another list.
type list struct {
	txs    []*Tx
	rates  []FeeRate
	anc    []set // of each position, with itself; none is behind it
	desc   []set
	chunks []chunk
	sum    FeeRate
	in     bool   // used while committing
	seq    uint64 // the least of its transactions: orders lists that are worth the same
}

// chunk is a piece of a list, and its place in the order of the graph.
type chunk struct {
	cl       *list
	from, to int
	rate     FeeRate
	link     link
}

func (c *chunk) export() Chunk {
	return Chunk{Rate: c.rate, Txs: c.cl.txs[c.from:c.to:c.to]}
}

// compare orders chunks as blocks take them: better ones first, and those of
// one list as they are there.
func (c *chunk) compare(o *chunk) int {
	if c.cl == o.cl {
		return c.from - o.from
	}
	if n := o.rate.Compare(c.rate); n != 0 {
		return n
	}
	if c.cl.seq < o.cl.seq {
		return -1
	}
	return 1
}

func (l *list) export() []Chunk {
	if l == nil {
		return nil
	}
	out := make([]Chunk, len(l.chunks))
	for i := range l.chunks {
		out[i] = l.chunks[i].export()
	}
	return out
}

// piece returns the chunk that a position is in.
func (l *list) piece(pos int) *chunk {
	for i := range l.chunks {
		if pos < l.chunks[i].to {
			return &l.chunks[i]
		}
	}
	return nil
}

func (l *list) chunkOf(pos int) (Chunk, bool) {
	if l == nil {
		return Chunk{}, false
	}
	return l.piece(pos).export(), true
}

func (l *list) pick(s set) []*Tx {
	out := make([]*Tx, 0, s.len())
	for ; s != 0; s = s.rest() {
		out = append(out, l.txs[s.first()])
	}
	return out
}

func (l *list) ancestors(pos int) []*Tx {
	if l == nil {
		return nil
	}
	return l.pick(l.anc[pos])
}

func (l *list) descendants(pos int) []*Tx {
	if l == nil {
		return nil
	}
	return l.pick(l.desc[pos])
}

// cut divides the list into its chunks: a transaction that pays better than
// what is before it draws that in.
func (l *list) cut() {
	l.chunks = make([]chunk, 0, len(l.txs))
	for i, r := range l.rates {
		c := chunk{cl: l, from: i, to: i + 1, rate: r}
		for n := len(l.chunks); n > 0 && c.rate.Compare(l.chunks[n-1].rate) > 0; n-- {
			c.from = l.chunks[n-1].from
			c.rate = c.rate.Plus(l.chunks[n-1].rate)
			l.chunks = l.chunks[:n-1]
		}
		l.chunks = append(l.chunks, c)
	}
}
