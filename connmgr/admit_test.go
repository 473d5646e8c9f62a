package connmgr

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAdmit(t *testing.T) {
	m := newManager(t, Config{MaxInbound: 50})
	if err := m.Ban(netip.MustParsePrefix("10.0.0.0/24"), time.Time{}, "test"); err != nil {
		t.Fatal(err)
	}
	bad := addr(400)
	if s := m.Punish(netip.MustParseAddr("10.0.1.151"), Malformed, 1); s != Discouraged || bad.String() != "/ip4/10.0.1.151/tcp/8333" {
		t.Fatalf("%v from %v", s, bad)
	}
	tests := []struct {
		name   string
		from   int
		noBan  bool
		places Places
		peers  []Candidate
		err    error
		do     Admission
		evict  uint64
	}{
		{"a place is free", 300, false, Places{Links: 49}, nil, nil, Enter, 0},
		{"banned", 3, false, Places{}, nil, ErrHostBanned, 0, 0},
		{"banned but trusted", 3, true, Places{}, nil, nil, Enter, 0},
		{"full, and one can go", 300, false, Places{Links: 50}, crowd(50), nil, Evict, 49},
		{"full of peers worth keeping", 300, false, Places{Links: 50}, crowd(20), ErrFull, 0, 0},
		{"trusted, but full of peers worth keeping", 300, true, Places{Links: 50}, crowd(20), ErrFull, 0, 0},
		{"full, and one is leaving", 300, false, Places{Links: 50, Ending: 1}, nil, nil, Wait, 0},
		{"more than full, and all are leaving", 300, false, Places{Links: 60, Ending: 60}, nil, nil, Wait, 0},
		{"discouraged, and there is room", 400, false, Places{Links: 48}, nil, nil, Enter, 0},
		{"discouraged, and there is one place", 400, false, Places{Links: 49}, nil, ErrDiscouraged, 0, 0},
		{"discouraged but trusted", 400, true, Places{Links: 49}, nil, nil, Enter, 0},
		{"the handshakes of others", 300, false, Places{Links: 20, Pending: 12}, pending(12), nil, Evict, 0},
		{"one handshake less", 300, false, Places{Links: 20, Pending: 11}, nil, nil, Enter, 0},
		{"the handshakes of trusted peers", 300, false, Places{Links: 20, Pending: 12}, nil, nil, Enter, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			do, evict, err := m.Admit(addr(tc.from), tc.noBan, tc.places, func() []Candidate { return tc.peers })
			if !errors.Is(err, tc.err) || do != tc.do || evict != tc.evict {
				t.Errorf("%v: evict %d, %v", do, evict, err)
			}
		})
	}
	none := newManager(t, Config{MaxInbound: -1})
	if _, _, err := none.Admit(addr(0), false, Places{}, nil); !errors.Is(err, ErrFull) {
		t.Errorf("without any place: %v", err)
	}
}

// pending returns n peers in their handshake, each in its own group.
func pending(n int) []Candidate {
	peers := crowd(n)
	for i := range peers {
		peers[i].Pending = true
	}
	return peers
}

func TestSelectPending(t *testing.T) {
	if id, ok := SelectPending(crowd(30)); ok {
		t.Errorf("%d is not in its handshake", id)
	}
	peers := append(pending(20), crowd(50)...)
	for i := 10; i < 15; i++ {
		peers[i].Group = 7
	}
	if id, _ := SelectPending(peers); id != 10 {
		t.Errorf("evicted %d, want the oldest of the largest group", id)
	}
	peers[10].NoBan = true
	if id, _ := SelectPending(peers); id != 11 {
		t.Errorf("evicted %d, want the oldest that is not trusted", id)
	}
}

// TestAdmitNeverAbove plays newcomers, handshakes and ends of links in any
// order. However slowly links end, there are never more than there are places,
// nor more handshakes than may be under way.
func TestAdmitNeverAbove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 60).Draw(t, "places")
		m, err := New(Config{MaxInbound: most, CountLocal: true})
		if err != nil {
			t.Fatal(err)
		}
		type link struct {
			Candidate
			ending bool
		}
		var links []*link
		now, last := epoch, uint64(0)
		state := func() (p Places, candidates []Candidate) {
			for _, l := range links {
				p.Links++
				switch {
				case l.ending:
					p.Ending++
					continue
				case l.Pending:
					p.Pending++
				}
				candidates = append(candidates, l.Candidate)
			}
			return p, candidates
		}
		pick := func() *link {
			if len(links) == 0 {
				return nil
			}
			return links[rapid.IntRange(0, len(links)-1).Draw(t, "link")]
		}
		t.Repeat(map[string]func(*rapid.T){
			"newcomer": func(t *rapid.T) {
				for round := 0; ; round++ {
					p, candidates := state()
					do, evict, err := m.Admit(addr(300), false, p, func() []Candidate { return candidates })
					if err != nil || do == Wait {
						return // refused, or after a while
					}
					if do == Enter {
						break
					}
					found := false
					for _, l := range links {
						if l.ID == evict {
							found = !l.ending
							l.ending = true
						}
					}
					if !found || round > 1 {
						t.Fatalf("evicts %d, which is not there or ending", evict)
					}
				}
				last++
				links = append(links, &link{Candidate: Candidate{
					ID: last, Connected: now, Pending: true, Net: "ipv4",
					Group: uint64(rapid.IntRange(0, 3).Draw(t, "group")),
				}})
			},
			"handshake": func(t *rapid.T) {
				if l := pick(); l != nil {
					l.Pending = false
				}
			},
			"end": func(t *rapid.T) {
				if l := pick(); l != nil {
					l.ending = true
				}
			},
			"gone": func(t *rapid.T) {
				for i, l := range links {
					if l.ending {
						links = append(links[:i], links[i+1:]...)
						return
					}
				}
			},
			"": func(t *rapid.T) {
				now = now.Add(time.Second)
				p, _ := state()
				if p.Links > most || p.Pending > max(minPending, most/pendingShareOf) {
					t.Fatalf("%+v with %d places", p, most)
				}
			},
		})
	})
}
