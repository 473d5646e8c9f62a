package connmgr

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestScores(t *testing.T) {
	type step struct {
		after time.Duration
		what  Offence
		share float64
		want  float64
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"an invalid block is enough", []step{{0, InvalidBlock, 1, 100}}},
		{"lasting parts add up", []step{{0, Malformed, 1, 20}, {time.Hour, Malformed, 1, 40}, {time.Hour, Oversized, 1, 60}}},
		{"and are forgotten after a day", []step{{0, Malformed, 1, 20}, {scoreMemory, Malformed, 1, 20}}},
		{"a flood halves every minute", []step{
			{0, MempoolFlood, 1, 33}, {time.Minute, MempoolFlood, 1, 49.5}, {time.Minute, MempoolFlood, 1, 57.75},
		}},
		{"and is gone after half an hour", []step{{0, MempoolFlood, 1, 33}, {scoreGone, OutOfOrder, 1, 1}}},
		{"four floods at once ban", []step{
			{0, MempoolFlood, 1, 33}, {0, MempoolFlood, 1, 66}, {0, MempoolFlood, 1, 99}, {0, MempoolFlood, 1, 132},
		}},
		{"a long getdata costs more than a short one", []step{{0, GetDataFlood, 0.1, 9.9}, {0, GetDataFlood, 1, 108.9}}},
		{"time that goes backwards gives nothing back", []step{{0, MempoolFlood, 1, 33}, {-time.Minute, MempoolFlood, 1, 66}}},
		{"nonsense changes nothing", []step{{0, Malformed, 1, 20}, {0, offences, 1, 20}, {0, Malformed, math.NaN(), 20}, {0, Malformed, -3, 20}}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := NewScores()
			now := epoch
			for i, st := range tc.steps {
				now = now.Add(st.after)
				if got := s.Add(now, "h", st.what, st.share); math.Abs(got-st.want) > 0.01 {
					t.Errorf("step %d: %v, want %v", i, got, st.want)
				}
			}
		})
	}
}

func TestFloodsAreForgotten(t *testing.T) {
	s := NewScores()
	s.Add(epoch, "h", MempoolFlood, 1)
	if got := s.Score(epoch.Add(scoreGone-time.Second), "h"); got == 0 {
		t.Error("gone too early")
	}
	if got := s.Score(epoch.Add(scoreGone), "h"); got != 0 {
		t.Errorf("still %v", got)
	}
}

func TestScoresAreBounded(t *testing.T) {
	s := NewScores()
	now := epoch
	for i := range maxScores + 10 {
		s.Add(now, fmt.Sprint(i), Malformed, 1)
		if i == 5 {
			s.Add(now, "0", Malformed, 1) // makes it younger than 1
		}
	}
	if len(s.hosts) != maxScores {
		t.Errorf("%d hosts remembered", len(s.hosts))
	}
	if s.Score(now, "1") != 0 || s.Score(now, "0") != 0 || s.Score(now, "100") == 0 {
		t.Error("not the oldest ones were forgotten")
	}
}

// A score never falls faster than by half a minute, and no offence lowers it.
func TestScorePlay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewScores()
		now := epoch
		last, lasting := 0.0, 0.0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			d := time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second
			now = now.Add(d)
			before := s.Score(now, "h")
			if before > last+1e-9 || before < lasting-1e-9 {
				t.Fatalf("score went from %v to %v by waiting, lasting part %v", last, before, lasting)
			}
			o := Offence(rapid.IntRange(0, int(offences)-1).Draw(t, "offence"))
			last = s.Add(now, "h", o, 1)
			lasting += weights[o].lasting
			if math.Abs(last-before-weights[o].lasting-weights[o].decay) > 1e-6 {
				t.Fatalf("%v moved the score from %v to %v", o, before, last)
			}
		}
	})
}

func TestEveryOffenceHasAWeight(t *testing.T) {
	for o := range offences {
		if w := weights[o]; w.name == "" || w.lasting+w.decay <= 0 && !w.ends {
			t.Errorf("offence %d: %+v", o, w)
		}
	}
}
