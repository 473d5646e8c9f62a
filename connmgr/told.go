package connmgr

import "time"

const (
	// tellAgain is for how long the same failure of the same address is not
	// told again: the operator has seen it, and the list of peers shows it.
	tellAgain = time.Hour
	// maxTold bounds the reasons that are remembered for an address.
	maxTold = 4
)

// told is what the operator has been told of an address.
type told []tale

type tale struct {
	why string
	at  time.Time
}

// news reports whether a failure is to be told, and takes note of it if so.
func (t *told) news(now time.Time, why string) bool {
	for i, s := range *t {
		if s.why != why {
			continue
		}
		if now.Sub(s.at) < tellAgain {
			return false
		}
		(*t)[i].at = now
		return true
	}
	if len(*t) == maxTold {
		*t = (*t)[1:]
	}
	*t = append(*t, tale{why, now})
	return true
}
