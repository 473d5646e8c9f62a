package tcp

import (
	"fmt"
	"slices"
	"sync"

	"starling/transport"
)

// DefaultBudget holds sixteen messages of the largest size. Honest peers seldom have
// as many under way to a node at once, and without it strangers on 112 links could
// each hold 4 MB.
const DefaultBudget = 64 << 20

// errOusted is how the link ends that had to make room.
var errOusted = fmt.Errorf("%w: too much had been begun by others as well, and its message had taken longest", transport.ErrStalled)

// budget bounds what links hold together of messages that have not come in full. A
// nil budget has no bound and counts nothing.
type budget struct {
	limit int // below zero for none

	mu      sync.Mutex
	held    int
	holders []holder // who began first comes first
}

type holder struct {
	s    *socket
	size int
}

// grow gives a link more. Where that is more than there is, links that have been at
// their message for longest are closed, which may be the link itself: a stranger
// that holds something back for as long as he may goes before one that sends.
func (b *budget) grow(s *socket, more int) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(s)
	if i < 0 {
		if s.ousted.Load() {
			return errOusted
		}
		i = len(b.holders)
		b.holders = append(b.holders, holder{s: s})
	}
	b.holders[i].size += more
	b.held += more
	for b.limit >= 0 && b.held > b.limit {
		first := b.holders[0].s
		b.remove(0)
		first.ousted.Store(true)
		first.conn.Close()
		if first == s {
			return errOusted
		}
	}
	return nil
}

// settle takes back all that a link holds.
func (b *budget) settle(s *socket) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.find(s); i >= 0 {
		b.remove(i)
	}
}

func (b *budget) find(s *socket) int {
	return slices.IndexFunc(b.holders, func(h holder) bool { return h.s == s })
}

func (b *budget) remove(i int) {
	b.held -= b.holders[i].size
	b.holders = slices.Delete(b.holders, i, i+1)
}
