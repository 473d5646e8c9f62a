package cluster

// What the pool has no use for, and tests look at.

// Cluster returns t's cluster in linearised order, t included; nil if t is not
// in the graph. The slice must not be changed.
func (g *Graph) Cluster(t *Tx) []*Tx { return t.cl.all() }

// Chunk returns the chunk that t is in, and false if t is not in the graph.
func (g *Graph) Chunk(t *Tx) (Chunk, bool) { return t.cl.chunkOf(t.pos) }

// Cluster is [Graph.Cluster] as it would be.
func (s *Stage) Cluster(t *Tx) []*Tx {
	l, _ := s.at(t)
	return l.all()
}

// Ancestors is [Graph.Ancestors] as it would be.
func (s *Stage) Ancestors(t *Tx) []*Tx {
	l, pos := s.at(t)
	return l.ancestors(pos)
}

// Descendants is [Graph.Descendants] as it would be.
func (s *Stage) Descendants(t *Tx) []*Tx {
	l, pos := s.at(t)
	return l.descendants(pos)
}

// Compare orders two transactions of the graph as blocks take them: negative
// if a comes before b. Parents come before children, and no two are the same.
func (g *Graph) Compare(a, b *Tx) int {
	switch {
	case a == b:
		return 0
	case a.cl == b.cl:
		return a.pos - b.pos
	}
	return a.cl.piece(a.pos).compare(b.cl.piece(b.pos))
}

// Clusters returns the number of clusters.
func (g *Graph) Clusters() int {
	seen := map[*list]bool{}
	for c := range g.Best() {
		seen[c.Txs[0].cl] = true
	}
	return len(seen)
}

func (l *list) all() []*Tx {
	if l == nil {
		return nil
	}
	return l.txs[:len(l.txs):len(l.txs)]
}
