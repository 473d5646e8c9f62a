package cluster

// treap keeps all chunks in order: a binary tree by [chunk.compare] that is a
// heap by a number which looks random, so that it stays shallow whatever the
// order of insertions. The zero value is empty.
type treap struct{ root *chunk }

// link is a chunk's place in a treap.
type link struct {
	left, right *chunk
	prio        uint64
}

// priority scrambles which chunk it is into a number, the same for every run.
func (c *chunk) priority() uint64 {
	x := c.cl.txs[c.from].seq + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (t *treap) insert(c *chunk) {
	c.link = link{prio: c.priority()}
	at := &t.root
	for *at != nil && (*at).link.prio >= c.link.prio {
		if c.compare(*at) < 0 {
			at = &(*at).link.left
		} else {
			at = &(*at).link.right
		}
	}
	c.link.left, c.link.right = split(*at, c)
	*at = c
}

// split divides a tree into what is before c and what is behind it.
func split(n, c *chunk) (before, behind *chunk) {
	l, r := &before, &behind
	for n != nil {
		if c.compare(n) < 0 {
			*r = n
			r = &n.link.left
			n = n.link.left
		} else {
			*l = n
			l = &n.link.right
			n = n.link.right
		}
	}
	*l, *r = nil, nil
	return before, behind
}

// remove takes out a chunk that is in the treap.
func (t *treap) remove(c *chunk) {
	at := &t.root
	for *at != c {
		if c.compare(*at) < 0 {
			at = &(*at).link.left
		} else {
			at = &(*at).link.right
		}
	}
	l, r := c.link.left, c.link.right
	for l != nil && r != nil {
		if l.link.prio >= r.link.prio {
			*at = l
			at = &l.link.right
			l = l.link.right
		} else {
			*at = r
			at = &r.link.left
			r = r.link.left
		}
	}
	if l == nil {
		l = r
	}
	*at = l
	c.link = link{}
}

// last returns the worst chunk, nil if there is none.
func (t *treap) last() *chunk {
	c := t.root
	for c != nil && c.link.right != nil {
		c = c.link.right
	}
	return c
}

// walk returns a function that returns the chunks best first, then nil. The
// treap must not change while it is in use.
func (t *treap) walk() func() *chunk {
	var stack []*chunk
	push := func(c *chunk) {
		for ; c != nil; c = c.link.left {
			stack = append(stack, c)
		}
	}
	push(t.root)
	return func() *chunk {
		if len(stack) == 0 {
			return nil
		}
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		push(c.link.right)
		return c
	}
}
