package interop

import (
	"testing"
	"time"

	"starling/interop/harness"
)

// transports returns how a Starling's only peer is connected, and the id of the
// session, if it has one.
func transports(t *testing.T, n *harness.Node) (protocol, session string) {
	t.Helper()
	var peers []struct {
		Protocol string `json:"transport_protocol_type"`
		Session  string `json:"session_id"`
	}
	n.Call(&peers, "getpeerinfo")
	if len(peers) != 1 {
		t.Fatalf("%d peers", len(peers))
	}
	return peers[0].Protocol, peers[0].Session
}

// A Starling and a btcd meet over version 2 of the transport where both speak
// it, and else over version 1, whoever dials. Blocks go both ways.
func TestTransportVersions(t *testing.T) {
	for _, tc := range []struct {
		name        string
		here, there string // the flags of Starling and btcd
		want        string
	}{
		{name: "both encrypt", there: "--v2transport", want: "v2"},
		{name: "btcd does not", want: "v1"},
		{name: "Starling does not", here: "--v2transport=false", there: "--v2transport", want: "v1"},
	} {
		for _, dials := range []string{"starling", "btcd"} {
			t.Run(tc.name+", "+dials+" dials", func(t *testing.T) {
				var flags, theirs []string
				if tc.here != "" {
					flags = append(flags, tc.here)
				}
				if tc.there != "" {
					theirs = append(theirs, tc.there)
				}
				s, b := starling(t, flags...), btcd(t, theirs...)
				base := mine(t, s, 3)
				if dials == "starling" {
					s.Connect(b)
				} else {
					b.Connect(s)
				}
				b.WaitBest(base, time.Minute)
				// More packets than one key lasts for.
				s.WaitBest(mine(t, b, 300), time.Minute)
				b.WaitBest(mine(t, s, 300), time.Minute)
				protocol, session := transports(t, s)
				if protocol != tc.want || (session != "") != (tc.want == "v2") {
					t.Errorf("the link speaks %s, session %q", protocol, session)
				}
			})
		}
	}
}
