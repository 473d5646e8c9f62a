package cluster

import "iter"

// Best goes through all chunks, best first. The graph must not change
// meanwhile.
func (g *Graph) Best() iter.Seq[Chunk] {
	return func(yield func(Chunk) bool) {
		next := g.order.walk()
		for c := next(); c != nil; c = next() {
			if !yield(c.export()) {
				return
			}
		}
	}
}

// Builder offers chunks to who fills a block. A chunk that is skipped takes
// the rest of its cluster with it, since that may depend on it.
type Builder struct {
	next    func() *chunk
	at      *chunk
	skipped map[*list]struct{}
}

// Builder starts with the best chunk. The graph must not change while the
// builder is used.
func (g *Graph) Builder() *Builder {
	return &Builder{next: g.order.walk(), skipped: map[*list]struct{}{}}
}

// Next returns the best chunk that was neither offered nor ruled out; false if
// there is none left.
func (b *Builder) Next() (Chunk, bool) {
	for {
		b.at = b.next()
		if b.at == nil {
			return Chunk{}, false
		}
		if _, ok := b.skipped[b.at.cl]; !ok {
			return b.at.export(), true
		}
	}
}

// Skip says that the chunk last offered was not taken.
func (b *Builder) Skip() {
	if b.at != nil {
		b.skipped[b.at.cl] = struct{}{}
	}
}
