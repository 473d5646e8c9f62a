package discover

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

// steps runs a plan for a while and returns what was asked, in order, with the
// seconds since the start.
func steps(src Sources, d time.Duration, at func(since time.Duration) Situation) (log []string) {
	p := NewPlan(start, src, rand.New(rand.NewPCG(1, 2)))
	for now := start; !now.After(start.Add(d)); now = p.NextAt(now) {
		s := p.Next(now, at(now.Sub(start)))
		if s.Empty() {
			continue
		}
		what := ""
		if s.Peer {
			what += " peer"
		}
		if len(s.Nodes) > 0 {
			what += fmt.Sprintf(" node*%d", len(s.Nodes))
		}
		if len(s.DNS) > 0 {
			what += fmt.Sprintf(" dns*%d", len(s.DNS))
		}
		if s.Fixed {
			what += " fixed"
		}
		log = append(log, fmt.Sprintf("%d%s", int(now.Sub(start).Seconds()), what))
	}
	return log
}

func TestPlan(t *testing.T) {
	always := func(known, links int) func(time.Duration) Situation {
		return func(time.Duration) Situation { return Situation{Known: known, Full: links, Links: links} }
	}
	five := []string{"a", "b", "c", "d", "e"}
	for name, c := range map[string]struct {
		src  Sources
		d    time.Duration
		at   func(time.Duration) Situation
		want string
	}{
		"nothing known":       {Sources{DNS: five, Fixed: true}, time.Minute, always(0, 0), "[0 dns*5 3 dns*5 11 dns*5 24 dns*5 54 dns*5 60 fixed]"},
		"fixed seeds alone":   {Sources{Fixed: true}, 59 * time.Second, always(0, 0), "[0 fixed]"},
		"some known":          {Sources{DNS: five, Fixed: true}, time.Minute, always(10, 0), "[11 dns*3 22 dns*2 58 dns*3]"},
		"many known":          {Sources{DNS: five}, 9 * time.Minute, always(1000, 0), "[300 dns*3]"},
		"known are dead":      {Sources{Fixed: true}, time.Hour, always(1, 0), "[300 fixed]"},
		"links are up":        {Sources{DNS: five, Nodes: five, Fixed: true}, time.Hour, always(10, 2), "[]"},
		"one link is too few": {Sources{DNS: five}, time.Minute, always(10, 1), "[11 dns*3 22 dns*2 58 dns*3]"},
		"more are wanted":     {Sources{DNS: five, Enough: 4}, time.Minute, always(10, 3), "[11 dns*3 22 dns*2 58 dns*3]"},
		"forced":              {Sources{DNS: five, ForceDNS: true}, time.Minute, always(2000, 8), "[0 dns*5]"},
		"forced in vain":      {Sources{DNS: five, ForceDNS: true}, 9 * time.Second, always(0, 0), "[0 dns*5 3 dns*5 7 dns*5]"},
		"slots are free":      {Sources{DNS: five, Nodes: []string{"x"}, Slots: 8}, time.Minute, always(10, 7), "[11 node*1 50 node*1]"},
		"peers": {Sources{Peers: true, Slots: 10}, 4 * time.Minute, func(since time.Duration) Situation {
			return Situation{Known: 9, Full: 8, Links: 9}
		}, "[11 peer 50 peer 143 peer]"},
		"peers, all slots taken": {Sources{Peers: true, Slots: 10}, 4 * time.Minute, func(since time.Duration) Situation {
			return Situation{Known: 9, Full: 8, Links: 10}
		}, "[]"},
		"peers, none there": {Sources{Peers: true, Slots: 10}, 4 * time.Minute, always(9, 0), "[]"},
		"named nodes":       {Sources{Nodes: []string{"x", "y"}}, time.Minute, always(0, 0), "[0 node*1 10 node*1 13 node*1 23 node*1 31 node*1 41 node*1 57 node*1]"},
		"again and again": {Sources{DNS: []string{"a"}}, 90 * time.Minute, always(0, 0),
			"[0 dns*1 3 dns*1 11 dns*1 25 dns*1 57 dns*1 105 dns*1 234 dns*1 423 dns*1 955 dns*1 1612 dns*1 3812 dns*1]"},
		"switched off": {Sources{DNS: five, Nodes: five, Fixed: true, ForceDNS: true}, time.Hour, func(since time.Duration) Situation {
			return Situation{Off: since < 59*time.Minute}
		}, "[3540 node*1 dns*5 fixed 3543 dns*5 3547 dns*5 3550 node*1 3554 dns*5 3560 node*1 3568 dns*5 3570 node*1 3580 node*1 3583 node*1 3593 dns*5 3593 node*1]"},
		"again, with some known": {Sources{DNS: []string{"a"}}, 90 * time.Minute, always(1, 0),
			"[11 dns*1 50 dns*1 143 dns*1 321 dns*1 698 dns*1 1275 dns*1 2823 dns*1 5090 dns*1]"},
		"known in vain, then known": {Sources{DNS: []string{"a"}}, 5 * time.Minute, func(since time.Duration) Situation {
			return Situation{Known: int(since / (10 * time.Second))}
		}, "[0 dns*1 3 dns*1 49 dns*1 94 dns*1 188 dns*1]"},
		"links are lost": {Sources{DNS: []string{"a"}}, time.Hour, func(since time.Duration) Situation {
			if since < 30*time.Minute {
				return Situation{Known: 10, Full: 2, Links: 2}
			}
			return Situation{Known: 10}
		}, "[1811 dns*1 1850 dns*1 1943 dns*1 2121 dns*1 2498 dns*1 3075 dns*1]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(steps(c.src, c.d, c.at)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
