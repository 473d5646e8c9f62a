package netsync

import (
	"fmt"
	"testing"
	"time"
)

// Sixty peers that have connected to this node announce a block and withhold it;
// one more, the last to come, has it. It comes within a minute, whether they keep
// silent or send a compact block that cannot be completed.
func TestWithheldBlock(t *testing.T) {
	for name, spoil := range map[string]func(r *remote){
		"silent":  func(r *remote) { r.noBlocks = true },
		"compact": func(r *remote) { r.compact = "silent" },
	} {
		for _, speak := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/compact blocks=%v", name, speak), func(t *testing.T) {
				s, peers := atTip(t, 20)
				old := peers[0].tip
				for _, r := range peers {
					r.gone = true
					s.cut(r)
				}
				peers = nil
				for i := range 61 {
					r := s.connect(&remote{name: fmt.Sprint("peer ", i), info: newest(inbound()), tip: old,
						delay: 50 * time.Millisecond, block: 20 * time.Millisecond})
					if speak {
						s.m.PeerCompact(r.id, false, 2)
					}
					if i < 60 {
						spoil(r)
						if r.compact != "" && !speak {
							r.noBlocks = true
						}
						r.onlyCompact = true
					}
					peers = append(peers, r)
				}
				s.rest(time.Minute)
				next := s.w.grow(old, 1, 7)
				s.found(peers, next, true)
				s.run(time.Minute, s.synced(next))
			})
		}
	}
}
