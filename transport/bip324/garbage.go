package bip324

import (
	"bytes"
	"errors"
)

const (
	// TerminatorSize is how many bytes mark the end of the garbage.
	TerminatorSize = 16
	// MaxGarbage is how much garbage a side may send, in bytes. It is also the
	// most that is kept of it.
	MaxGarbage = 4095
)

// ErrGarbage means that the garbage had no end where it must have one.
var ErrGarbage = errors.New("the garbage has no terminator")

// Garbage gathers what the other side sends between its key and its packets.
// The first packet authenticates it.
type Garbage struct {
	terminator [TerminatorSize]byte
	got        []byte
}

// NewGarbage returns a gatherer that ends at the terminator.
func NewGarbage(terminator [TerminatorSize]byte) *Garbage { return &Garbage{terminator: terminator} }

// Take takes from b what belongs to the garbage, its terminator included, and
// returns how many bytes those are and whether it is complete. The error is
// [ErrGarbage].
func (g *Garbage) Take(b []byte) (n int, complete bool, err error) {
	had := len(g.got)
	n = min(len(b), MaxGarbage+TerminatorSize-had)
	g.got = append(g.got, b[:n]...)
	from := max(0, had-TerminatorSize+1)
	if i := bytes.Index(g.got[from:], g.terminator[:]); i >= 0 {
		g.got = g.got[:from+i]
		return from + i + TerminatorSize - had, true, nil
	}
	if len(g.got) == MaxGarbage+TerminatorSize {
		return n, false, ErrGarbage
	}
	return n, false, nil
}

// Bytes returns the garbage without its terminator, once it is complete. It is
// the additional data of the first packet after it.
func (g *Garbage) Bytes() []byte { return g.got }
