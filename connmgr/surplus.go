package connmgr

import (
	"cmp"
	"slices"
	"time"

	"starling/peer"
)

// surplusPatience is how long a link gets to show what it is worth before it
// may be given back.
const surplusPatience = 30 * time.Second

// OutLink is an outbound link that may be given back.
type OutLink struct {
	ID        uint64
	Kind      peer.Kind
	Net       string // the kind of network that it goes over
	Connected time.Time
	// LastBlock is when it last told of a block that was new or better; zero for
	// never.
	LastBlock time.Time
	// Protected is true for peers that have shown a chain as good as ours and
	// are safe for that.
	Protected bool
	// Busy is true while it delivers blocks.
	Busy bool
}

// Surplus chooses a link to be given back where there are more full links, or
// more links for blocks alone, than there are to be. It is a pure function.
//
// Of the full ones that goes which has told of a block longest ago, but never the
// only one of its network. Of those for blocks alone the youngest goes, unless
// it has told of a block later than the one that came before it, which then
// goes in its place.
func Surplus(now time.Time, links []OutLink, full, blockRelay int) (id uint64, ok bool) {
	var fulls, blocks []OutLink
	nets := make(map[string]int)
	for _, l := range links {
		switch l.Kind {
		case peer.OutboundFull:
			fulls = append(fulls, l)
			nets[l.Net]++
		case peer.BlockRelayOnly:
			blocks = append(blocks, l)
		case peer.Manual:
			nets[l.Net]++
		}
	}
	may := func(l OutLink) bool { return !l.Busy && now.Sub(l.Connected) >= surplusPatience }
	if len(blocks) > blockRelay {
		slices.SortFunc(blocks, func(a, b OutLink) int { return cmp.Compare(b.ID, a.ID) }) // the youngest first
		worst := blocks[0]
		if len(blocks) > 1 && blocks[0].LastBlock.After(blocks[1].LastBlock) {
			worst = blocks[1]
		}
		if may(worst) {
			return worst.ID, true
		}
	}
	if len(fulls) <= full {
		return 0, false
	}
	fulls = slices.DeleteFunc(fulls, func(l OutLink) bool { return l.Protected || nets[l.Net] == 1 })
	if len(fulls) == 0 {
		return 0, false
	}
	worst := slices.MinFunc(fulls, func(a, b OutLink) int {
		return cmp.Or(a.LastBlock.Compare(b.LastBlock), cmp.Compare(b.ID, a.ID))
	})
	return worst.ID, may(worst)
}
