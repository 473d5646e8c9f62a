package netsync

import (
	"time"

	"starling/chain/headertree"
	"starling/peer/await"
)

const (
	// behindAfter is how long an outbound peer's best chain may have less work
	// than ours before it is asked for something better.
	behindAfter = 20 * time.Minute
	// behindAnswer is how long it then has.
	behindAnswer = await.BetterChain
	// maxProtected is how many outbound peers that have shown a chain as good
	// as ours are safe from the chain-behind rule, so that a node is not led
	// away from all its good peers by a longer chain that it cannot accept.
	maxProtected = 4
)

// behind replaces outbound peers that stay behind: a node whose few outbound
// links all lead to nodes without the best chain is cut off.
//
// What holds at every moment: protected counts the peers that are protected,
// [maxProtected] at most, and none of them is leaving.
type behind struct {
	*env
	protected int
}

// behindPeer is what the rule keeps of a peer.
type behindPeer struct {
	protected bool             // safe from the rule
	at        time.Time        // when it strikes, by the peer's clock as all here; zero if it is not running
	mark      *headertree.Node // our tip when it began
	prompted  time.Time        // when the peer was due to be asked for something better; zero if it was not
	fed       bool             // it was asked with getblocks since then
}

// protect makes a peer safe from the rule if it has shown a good chain and there
// is a place.
func (b *behind) protect(p *peer) {
	if !p.leaving && p.info.Outbound && !p.info.Manual && !p.info.BlockRelayOnly && !p.behind.protected &&
		b.protected < maxProtected && !p.best.Work.Lt(&b.chain.Tip().Work) {
		p.behind.protected = true
		b.protected++
	}
}

// leave frees the place of a peer that is going.
func (b *behind) leave(p *peer) {
	if p.behind.protected {
		p.behind.protected = false
		b.protected--
	}
}

// behindStep says what to do about a peer that may be behind.
type behindStep uint8

const (
	behindWait   behindStep = iota
	behindPrompt            // ask it for something better than the node returned
	behindDrop
)

// check looks at one peer.
func (b *behind) check(now time.Time, p *peer) (behindStep, *headertree.Node) {
	at := &p.behind
	if p.leaving || !p.info.Outbound || p.info.Manual || at.protected || !p.headers.syncing {
		return behindWait, nil
	}
	now = p.clock(now)
	tip := b.chain.Tip()
	p.resolve(b.chain.Headers())
	switch {
	case p.best != nil && !p.best.Work.Lt(&tip.Work):
		*at = behindPeer{}
	case at.at.IsZero() || p.best != nil && !p.best.Work.Lt(&at.mark.Work):
		// Behind since now, or caught up with where we were when it began:
		// it is measured against a mark that does not move on.
		*at = behindPeer{at: now.Add(behindAfter), mark: tip}
	case p.feed != nil && !at.prompted.IsZero() && !at.fed:
		// It answers getblocks alone, which is asked of one peer at a time: the
		// time that it has begins with its turn, which another may have now.
		if !p.feed.last.Before(at.prompted) {
			at.fed, at.at = true, p.feed.last.Add(behindAnswer)
		}
	case now.Before(at.at):
	case !at.prompted.IsZero():
		return behindDrop, nil
	default:
		at.prompted, at.at = now, now.Add(behindAnswer)
		if p.feed == nil {
			return behindPrompt, parentOr(at.mark)
		}
	}
	return behindWait, nil
}
