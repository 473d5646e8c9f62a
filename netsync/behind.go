package netsync

import (
	"time"
)

const (
	// behindAfter is how long an outbound peer's best chain may have less work
	// than ours before it is asked for something better.
	behindAfter = 20 * time.Minute
	// behindAnswer is how long it then has.
	behindAnswer = 2 * time.Minute
)

// checkBehind replaces outbound peers that stay behind: a node whose few
// outbound links all lead to nodes without the best chain is cut off.
func (m *Manager) checkBehind(now time.Time) {
	tip := m.chain.Tip()
	for _, p := range m.order {
		if p.leaving || !p.info.Outbound || p.info.Manual || p.protected || !p.syncing {
			continue
		}
		m.resolve(p)
		switch {
		case p.best != nil && !p.best.Work.Lt(&tip.Work):
			p.behindAt, p.behind, p.behindPrompted = time.Time{}, nil, false
		case p.behindAt.IsZero() || p.best != nil && !p.best.Work.Lt(&p.behind.Work):
			// Behind since now, or caught up with where we were when it began:
			// it is measured against a mark that does not move on.
			p.behindAt, p.behind, p.behindPrompted = now.Add(behindAfter), tip, false
		case now.Before(p.behindAt):
		case p.behindPrompted:
			m.drop(p, ChainBehind)
		default:
			from := p.behind
			if from.Parent != nil {
				from = from.Parent
			}
			m.askHeaders(now, p, from)
			p.behindPrompted = true
			p.behindAt = now.Add(behindAnswer)
		}
	}
}
