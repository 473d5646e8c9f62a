package settings

import (
	"strings"
	"testing"
	"time"
)

// Settings about peers that contradict each other are refused, and the refusal
// names both.
func TestPeersContradict(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string // words of the refusal; none if it is taken
	}{
		"inbound as many as all":   {[]string{"max-connections=30", "max-inbound=30"}, nil},
		"inbound more than all":    {[]string{"max-connections=30", "max-inbound=31"}, []string{"max-inbound", "31", "max-connections", "30"}},
		"inbound above default":    {[]string{"max-inbound=126"}, []string{"max-inbound", "126", "125"}},
		"silence longer than ping": {[]string{"silence-timeout=3m", "ping-interval=3m"}, nil},
		"silence shorter":          {[]string{"silence-timeout=3m", "ping-interval=4m"}, []string{"silence-timeout", "3m", "4m"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadFlags(t, c.args...)
			if len(c.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(c.args[0], "silence") && s.Server.SilenceTimeout != 3*time.Minute {
					t.Errorf("the time of silence is %v", s.Server.SilenceTimeout)
				}
				return
			}
			if err == nil {
				t.Fatal("it is taken")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not name %s", err, w)
				}
			}
		})
	}
}
