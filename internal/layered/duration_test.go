package layered_test

import (
	"testing"
	"time"

	"github.com/spf13/pflag"

	"starling/internal/layered"
)

// TestParseDuration reads times as people write them.
func TestParseDuration(t *testing.T) {
	for word, want := range map[string]time.Duration{
		"3600": time.Hour, "0": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour,
		"1d12h": 36 * time.Hour, "20ms": 20 * time.Millisecond, "-1s": -time.Second,
	} {
		if got, err := layered.ParseDuration(word); err != nil || got != want {
			t.Errorf("%q: %v, %v", word, got, err)
		}
	}
	for _, word := range []string{"", "d", "x", "1", "2 d", "-2d", "1d-1h", "1d2d", "1.5d", "99999d", "65535d2562047h", "9223372036854775807"} {
		if got, err := layered.ParseDuration(word); err == nil && word != "1" {
			t.Errorf("%q is taken for %v", word, got)
		}
	}
}

// TestDurationFlag: the help shows a default in its short form, and none at all
// where there is none.
func TestDurationFlag(t *testing.T) {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	var long, none time.Duration
	layered.DurationFlag(fs, &long, "long", 24*time.Hour, "how long, a `TIME`")
	layered.DurationFlag(fs, &none, "none", 0, "how long")
	if got := fs.Lookup("long").DefValue; got != "24h" || fs.Lookup("none").DefValue != "" {
		t.Errorf("shown as %q", got)
	}
	if err := fs.Parse([]string{"--long=2d"}); err != nil || long != 48*time.Hour {
		t.Errorf("%v, %v", long, err)
	}
}
