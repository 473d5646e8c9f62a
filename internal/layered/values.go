package layered

import (
	"fmt"
	"time"
)

// Values are the settings as all sources together have them. Asking for a
// setting that the schema does not have, or for one of another kind, panics.
type Values struct {
	options []Option
	all     map[string]value
}

// value is a setting's value and where it came from.
type value struct {
	v      any
	from   source
	origin string
}

// Text returns a setting of kind [Text].
func (v *Values) Text(name string) string { return v.all[name].v.(string) }

// Number returns a setting of kind [Number].
func (v *Values) Number(name string) int64 { return v.all[name].v.(int64) }

// Bool returns a setting of kind [Bool].
func (v *Values) Bool(name string) bool { return v.all[name].v.(bool) }

// List returns a setting of kind [List].
func (v *Values) List(name string) []string { return v.all[name].v.([]string) }

// Duration returns a setting of kind [Duration].
func (v *Values) Duration(name string) time.Duration { return v.all[name].v.(time.Duration) }

// Origin says where a value came from.
func (v *Values) Origin(name string) string { return v.all[name].origin }

// IsDefault reports whether no source said anything about a setting.
func (v *Values) IsDefault(name string) bool { return v.all[name].from == fromDefault }

// Given reports whether a setting was made for this run, by a flag or in the
// environment, rather than in the file or not at all.
func (v *Values) Given(name string) bool { return v.all[name].from > fromFile }

// SetDefault replaces the default of a setting that no source said anything
// about; others stay as they are.
func (v *Values) SetDefault(name string, to any) {
	if x := v.all[name]; x.from == fromDefault {
		x.v = to
		v.all[name] = x
	}
}

// Fail makes an error about a setting.
func (v *Values) Fail(name, format string, args ...any) *Error {
	return &Error{Name: name, Origin: v.Origin(name), Reason: fmt.Sprintf(format, args...)}
}

// Setting is one setting with its value and where it came from.
type Setting struct {
	Name, Value, Origin string
	Help                string
	// Hidden says why the value is not to be set from what is shown; empty if
	// it can be.
	Hidden string
}

// Settings lists all settings, in order, with values in the form of the
// configuration file. A password is not shown, and neither it nor what goes
// with it is of use in a copy.
func (v *Values) Settings() []Setting {
	var all []Setting
	for _, o := range v.options {
		x := v.all[o.Name]
		s := Setting{Name: o.Name, Value: formatValue(x.v), Origin: x.origin, Help: o.Help}
		switch {
		case o.Secret && x.v != "":
			s.Value, s.Hidden = `""`, "is set, and not shown"
		case o.HiddenWith != "" && v.Text(o.HiddenWith) != "":
			s.Hidden = o.HiddenReason
		}
		all = append(all, s)
	}
	return all
}
