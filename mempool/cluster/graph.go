package cluster

// The most that a cluster may hold on Bitcoin's networks: Core's numbers.
const (
	// MaxCount is also the most that this package can handle: sets of
	// transactions are words of 64 bits.
	MaxCount = 64
	// MaxVSize is for graphs whose sizes are virtual bytes; those that count
	// weight take four times as much.
	MaxVSize = 101_000
)

// Limits bound a cluster. Zero means the default of each.
type Limits struct {
	Count int   // transactions, at most MaxCount, which is the default
	Size  int64 // sum of sizes; MaxVSize is the default
}

// Tx is a transaction in a graph, or one that was. It belongs to the graph
// whose stage made it.
type Tx struct {
	owner any
	seq   uint64 // counts the transactions of the graph; decides where all else is equal

	cl  *list // in the graph; nil if it is not in it
	pos int

	stage *Stage // the stage that knows it otherwise, if it is the present one
	scl   *list  // as cl and pos there; nil if removed or not yet put in order
	spos  int
	node  int // where it stands in a list being made
}

// Owner returns what was passed to [Stage.Add].
func (t *Tx) Owner() any { return t.owner }

// Chunk is a piece of a cluster that a block takes whole.
type Chunk struct {
	Rate FeeRate // the sums over Txs
	Txs  []*Tx   // parents before children; not to be changed
}

// Graph holds all clusters. See the package about concurrency.
type Graph struct {
	limits Limits
	order  treap // all chunks, best first
	seq    uint64
	count  int
	stage  *Stage
}

// New returns an empty graph.
func New(l Limits) *Graph {
	if l.Count <= 0 || l.Count > MaxCount {
		l.Count = MaxCount
	}
	if l.Size <= 0 {
		l.Size = MaxVSize
	}
	return &Graph{limits: l}
}

// Limits returns what bounds each cluster.
func (g *Graph) Limits() Limits { return g.limits }

// Len returns the number of transactions.
func (g *Graph) Len() int { return g.count }

// Contains reports whether t is in the graph.
func (g *Graph) Contains(t *Tx) bool { return t.cl != nil }

// Rate returns fee and size of t itself, zero if it is not in the graph.
func (g *Graph) Rate(t *Tx) FeeRate {
	if t.cl == nil {
		return FeeRate{}
	}
	return t.cl.rates[t.pos]
}

// Chunks returns the chunks of t's cluster, best first.
func (g *Graph) Chunks(t *Tx) []Chunk { return t.cl.export() }

// ChunkRate returns the fee rate of the chunk that t is in: what a block that
// contains t gets per size for the sake of it. Zero if t is not in the graph.
func (g *Graph) ChunkRate(t *Tx) FeeRate {
	c, _ := t.cl.chunkOf(t.pos)
	return c.Rate
}

// Ancestors returns t and all that it depends on, parents before children; nil
// if t is not in the graph.
func (g *Graph) Ancestors(t *Tx) []*Tx { return t.cl.ancestors(t.pos) }

// Descendants returns t and all that depends on it, parents before children;
// nil if t is not in the graph.
func (g *Graph) Descendants(t *Tx) []*Tx { return t.cl.descendants(t.pos) }

// CountClusters returns in how many clusters the ts are.
func (g *Graph) CountClusters(ts ...*Tx) int {
	seen := map[*list]struct{}{}
	for _, t := range ts {
		if t.cl != nil {
			seen[t.cl] = struct{}{}
		}
	}
	return len(seen)
}

// Worst returns the chunk that is worth least; nothing depends on it. False if
// the graph is empty.
func (g *Graph) Worst() (Chunk, bool) {
	c := g.order.last()
	if c == nil {
		return Chunk{}, false
	}
	return c.export(), true
}

// Remove takes transactions out of the graph, as a stage of its own. See
// [Stage.Remove].
func (g *Graph) Remove(ts ...*Tx) {
	s := g.Stage()
	s.Remove(ts...)
	_ = s.Commit() // removing makes nothing larger
}

// SetFee gives a transaction of the graph another fee, as a stage of its own.
func (g *Graph) SetFee(t *Tx, fee int64) {
	s := g.Stage()
	s.SetFee(t, fee)
	_ = s.Commit()
}
