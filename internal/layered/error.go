package layered

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Error says which setting is wrong, and where it was made.
type Error struct {
	Name   string // the setting; empty if the file as a whole is wrong
	Origin string
	Reason string
	Absent bool // what the setting names could be, but is not there
}

// Error implements the error interface.
func (e *Error) Error() string {
	s := e.Reason
	if e.Name != "" {
		s = e.Name + ": " + s
	}
	if e.Origin != "" {
		s += " (" + e.Origin + ")"
	}
	return s
}

// badFile says in which line a configuration file is wrong.
func badFile(path string, err error) *Error {
	reason := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "toml: ")
	origin := "file " + path
	var d *toml.DecodeError
	if errors.As(err, &d) {
		line, _ := d.Position()
		origin += fmt.Sprintf(", line %d", line)
	}
	return &Error{Origin: origin, Reason: reason}
}
