package walletcmd

import (
	"strings"
	"testing"
	"time"

	"starling/wallet"
)

// What --birthday takes, and that it takes the time that a pruned node advises.
func TestBirthdayForms(t *testing.T) {
	day, at := int64(1709251200), int64(1709251200+15*3600+4*60)
	for s, want := range map[string]int64{
		"2024-03-01": day, "2024-03-01 15:04": at, "2024-03-01 15:04:05": at + 5, "2024-03-01 15:04 UTC": at,
		"2024-03-01T15:04Z": at, "2024-03-01T15:04:05Z": at + 5, "2024-03-01T17:04:00+02:00": at, "1709305440": at, "0": 0,
	} {
		if got, err := birthday(s); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "yesterday", "2024-13-01", "2024-03-01 25:00", "-5", "1e9", "99999999999999999999"} {
		if got, err := birthday(s); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
	advice := (&wallet.PrunedError{From: 1, To: 2, Since: time.Unix(at+7, 0)}).Error()
	_, rest, ok := strings.Cut(advice, "--birthday ")
	word, _, _ := strings.Cut(rest, ",")
	if got, err := birthday(word); !ok || err != nil || got != at {
		t.Errorf("%q of %q: %d, %v", word, advice, got, err)
	}
}
