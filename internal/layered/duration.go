package layered

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

var errDuration = errors.New("it is not a time such as 90s, 2m, 24h or 2d; a plain number is seconds")

// day is what a d stands for: no day of summer time, but 24 hours.
const day = 24 * time.Hour

// ParseDuration reads a time as settings and commands take it: 90s, 2m, 1h30m, 2d,
// 1d12h, and a plain number of seconds.
func ParseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		s = strconv.FormatInt(n, 10) + "s"
	}
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, errDuration
	}
	d := time.Duration(n) * day
	if rest == "" && ok {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || ok && more < 0 || d+more < d && more > 0 {
		return 0, errDuration
	}
	return d + more, nil
}

// durationFlag is a flag of a command that takes a time.
type durationFlag struct{ to *time.Duration }

// DurationFlag adds a flag that takes a time as [ParseDuration] reads it.
func DurationFlag(fs *pflag.FlagSet, to *time.Duration, name string, def time.Duration, help string) {
	*to = def
	fs.Var(durationFlag{to}, name, help)
}

// String returns the time as the help shows it.
func (f durationFlag) String() string {
	if f.to == nil || *f.to == 0 {
		return ""
	}
	return shortDuration(*f.to)
}

// Set takes a word from the command line.
func (f durationFlag) Set(w string) error {
	d, err := ParseDuration(w)
	if err == nil {
		*f.to = d
	}
	return err
}

// Type returns what the help calls the value.
func (f durationFlag) Type() string { return "TIME" }

// DurationOf returns the value of such a flag.
func DurationOf(f *pflag.Flag) time.Duration { return *f.Value.(durationFlag).to }
