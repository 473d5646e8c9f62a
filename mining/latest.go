package mining

import (
	"context"
	"sync"
	"time"

	"starling/chain/headertree"
)

const (
	// keepDraft is how long a draft is handed out although the pool has
	// changed, so that many who ask do not make the node assemble blocks all
	// the time. It is Core's figure.
	keepDraft = 5 * time.Second

	// firstLook is how long whoever waits for a better draft waits for the
	// tip alone; after it the pool counts too, looked at every nextLook. Both
	// are Core's figures.
	firstLook = time.Minute
	nextLook  = 10 * time.Second
)

// latest is the last draft that was asked for from outside.
type latest struct {
	mu    sync.Mutex
	draft *Draft
	made  time.Time
}

// anyoneCanSpend stands in the coinbase of drafts that others finish: they
// choose whom to pay.
var anyoneCanSpend = []byte{0x51}

// Latest returns a draft on the tip, checked by all rules but proof of work.
// Its coinbase is an example that pays to anyone. It may be up to five seconds
// behind the pool.
func (m *Miner) Latest(ctx context.Context) (*Draft, error) {
	m.latest.mu.Lock()
	defer m.latest.mu.Unlock()
	if d := m.latest.draft; d != nil && d.Parent == m.chain.Tip() {
		age := m.clock.Now().Sub(m.latest.made)
		if d.Sequence == m.source.Sequence() || age >= 0 && age < keepDraft {
			return d, nil
		}
	}
	for {
		made := m.clock.Now()
		d, err := m.Assemble(anyoneCanSpend)
		if err != nil {
			return nil, err
		}
		// The signature of a signet's block is missing, and with it the rule
		// that a check begins with.
		if !m.chain.Network().IsSignet() {
			err = m.Check(ctx, d)
		}
		if d.Parent != m.chain.Tip() {
			continue
		}
		if err != nil {
			return nil, err
		}
		m.latest.draft, m.latest.made = d, made
		return d, nil
	}
}

// WaitBetter waits until the tip is not the block known any more, or, after a
// minute, until the pool's number is not seq any more. known is nil for a
// block that is not the tip in any case. The error is that of ctx.
func (m *Miner) WaitBetter(ctx context.Context, known *headertree.Node, seq uint64) error {
	timer := m.clock.NewTimer(firstLook)
	defer timer.Stop()
	for {
		changed := m.chain.TipChanged()
		if m.chain.Tip() != known {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			if m.source.Sequence() != seq {
				return nil
			}
			timer.Reset(nextLook)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
