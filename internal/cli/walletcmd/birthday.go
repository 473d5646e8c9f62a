package walletcmd

import (
	"fmt"
	"strconv"
	"time"

	"starling/internal/cli/cmdkit"
)

// birthday reads the time of --birthday, in seconds since 1970. Without a zone it
// is in UTC, as everything that the commands print.
func birthday(s string) (int64, error) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil && seconds >= 0 {
		return seconds, nil
	}
	for _, layout := range []string{
		time.DateOnly, time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04 UTC",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix(), nil
		}
	}
	return 0, cmdkit.UsageError{Err: fmt.Errorf("birthday: %q is neither a day such as 2024-03-01 nor a time such as \"2024-03-01 15:04\"", s)}
}
