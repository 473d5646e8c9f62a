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
		"as many as it opens":      {[]string{"max-outbound=3", "min-peers=5"}, nil},
		"more than it opens":       {[]string{"max-outbound=0", "min-peers=50"}, []string{"min-peers", "50", "max-outbound"}},
		"forced DNS without DNS":   {[]string{"dnsseed=false", "forcednsseed=true"}, []string{"forcednsseed", "dnsseed"}},
		"a proxy at port 0":        {[]string{"proxy=127.0.0.1:0"}, []string{"proxy", "port 0"}},
		"a resolver at port 0":     {[]string{"dns-resolver=127.0.0.1:0"}, []string{"dns-resolver", "port 0"}},
		"a name that escapes":      {[]string{"user-agent-comment=a\x1b[2J"}, []string{"user-agent-comment"}},
		"a name":                   {[]string{"user-agent-comment=a b.c; d-e"}, nil},
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

// What cannot be an address is refused when the settings are read, and not when
// the node has opened its data.
func TestBadAddresses(t *testing.T) {
	for _, arg := range []string{
		"listen=99999", "listen=8333", "listen=:99999", "listen=/ip4/bad", "connect=/tcp/x", "addnode=1.2.3.4:x", "addnode=a_b!:1",
		"seednode=/ip4/1", "rpc-listen=18443", "rpc-listen=127.0.0.1:99999", "metrics-listen=9332",
	} {
		name, _, _ := strings.Cut(arg, "=")
		if _, err := loadFlags(t, arg); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: %v", arg, err)
		}
	}
	for _, arg := range []string{"listen=0", "listen=:8333", "listen=/ip4/127.0.0.1/tcp/8333", "connect=0", "addnode=node.example", "addnode=[::1]", "seednode=1.2.3.4"} {
		if _, err := loadFlags(t, arg); err != nil {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

// Without a home directory nothing is put just anywhere.
func TestNoHome(t *testing.T) {
	t.Setenv("HOME", "")
	if _, err := Load(nil, nil, nil, nil); err == nil || !strings.Contains(err.Error(), "--datadir") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(nil, nil, map[string]string{"datadir": t.TempDir()}, nil); err != nil {
		t.Error(err)
	}
}
