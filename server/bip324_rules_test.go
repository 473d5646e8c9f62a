package server

import "testing"

// TestVersionsOfTheTransport has nodes that encrypt and nodes that cannot dial each
// other, in all ways: two that can do, and where one cannot the link is in the clear.
func TestVersionsOfTheTransport(t *testing.T) {
	for name, tc := range map[string]struct {
		dials, dialled bool
		want           string
	}{
		"both":                   {true, true, "v2"},
		"who is dialled can not": {true, false, "v1"},
		"who dials can not":      {false, true, "v1"},
		"neither":                {false, false, "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			inside, outside := newTold(), newTold()
			cfg := config(t, 0)
			cfg.V2, cfg.Log = tc.dialled, inside.log()
			a, stopA := running(t, cfg)
			defer stopA()
			cfg = config(t, 0)
			cfg.V2, cfg.Peers, cfg.Log = tc.dials, a.Listening(), outside.log()
			b, stopB := running(t, cfg)
			defer stopB()
			outside.await(t, "peer connected")
			inside.await(t, "peer connected")
			here, there := b.Peers()[0].Peer.Link(), a.Peers()[0].Peer.Link()
			if here.Protocol != tc.want || there.Protocol != tc.want || here.SessionID != there.SessionID {
				t.Errorf("here %+v, there %+v, want %s", here, there, tc.want)
			}
		})
	}
}
