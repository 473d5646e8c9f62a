package netrpc

import (
	"strings"
	"testing"
	"time"

	"starling/server"
)

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		at   situation
		want []string // what each warning has in it
	}{
		{situation{active: true, peers: 1}, nil},
		{situation{active: true}, []string{"no peers"}},
		{situation{peers: 1}, []string{"switched off"}},
		{situation{active: true, peers: 1, offset: server.ClockTolerance}, nil},
		{situation{active: true, peers: 1, offset: 2 * time.Hour}, []string{"2h0m0s ahead of"}},
		{situation{active: true, offset: -2 * time.Hour}, []string{"no peers", "2h0m0s behind"}},
	} {
		got := c.at.warnings()
		if len(got) != len(c.want) {
			t.Errorf("%+v: %q", c.at, got)
			continue
		}
		for i, w := range c.want {
			if !strings.Contains(got[i], w) {
				t.Errorf("%+v: %q", c.at, got)
			}
		}
	}
}
