package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Setting is one setting with its value and where it came from.
type Setting struct {
	Name, Value, Origin string
	Help                string
	// Hidden says why the value is not to be set from what is shown; empty if
	// it can be.
	Hidden string
}

// Settings lists all settings, in order, with values in the form of the
// configuration file. A password is not shown, and neither it nor the user
// that goes with it is of use in a copy.
func (c *Config) Settings() []Setting {
	var all []Setting
	for _, o := range Options() {
		s := Setting{Name: o.Name, Value: formatValue(c.values[o.Name]), Origin: c.origins[o.Name], Help: o.Help}
		switch {
		case o.secret && c.values[o.Name] != "":
			s.Value, s.Hidden = `""`, "is set, and not shown"
		case o.Name == "rpc-user" && c.RPCPassword != "":
			s.Hidden = "goes with the password, which is not shown"
		}
		all = append(all, s)
	}
	return all
}

// Given reports whether a setting was made for this run, by a flag or in the
// environment, rather than in the file or not at all.
func (c *Config) Given(name string) bool {
	origin := c.origins[name]
	return origin != "default" && !strings.HasPrefix(origin, "file ")
}

// CheckDataDir returns an *[Error] if a data directory was asked for that is not
// there.
func (c *Config) CheckDataDir() error {
	_, err := os.Stat(c.DataDir())
	if origin := c.origins["datadir"]; origin != "default" && errors.Is(err, fs.ErrNotExist) {
		return noDir(c.DataDir(), origin)
	}
	return nil
}

func noDir(dir, origin string) *Error {
	return &Error{Name: "datadir", Origin: origin, Reason: "there is no directory " + dir}
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
