package layered

import (
	"strings"

	"github.com/spf13/pflag"
)

// Kind is the type of a setting.
type Kind int

// The kinds of settings, with the types of their values.
const (
	Text     Kind = iota // string
	Number               // int64
	Bool                 // bool
	List                 // []string
	Duration             // time.Duration; as a default, a text such as "2m"
)

// Option describes one setting. Its name is that of the flag and of the key in
// the file; the environment variable follows from it.
type Option struct {
	Name  string
	Help  string
	Value string // what a value is called in the help, such as "FILE"

	Kind    Kind
	Default any // nil for the kind's zero value
	// Shown is what the help says the default is, where that is not the same
	// for everybody; empty for the default itself.
	Shown string

	Least, Most int64 // of a Number, and of a Duration in seconds

	// Secret is for passwords: they are never shown.
	Secret bool
	// HiddenWith names a secret without which this setting is of no use, and
	// HiddenReason says so: both are hidden together.
	HiddenWith, HiddenReason string
}

// EnvName returns the name of the environment variable of a setting.
func EnvName(prefix, name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// fallback returns the default.
func (o *Option) fallback() any {
	if o.Default != nil {
		return o.Default
	}
	return map[Kind]any{Text: "", Number: int64(0), Bool: false, List: []string(nil), Duration: "0s"}[o.Kind]
}

// AddFlags adds the flags of settings.
func AddFlags(fs *pflag.FlagSet, options []Option) {
	for _, o := range options {
		fs.Var(&flagValue{option: o, shown: o.shownDefault()}, o.Name, o.Help)
		if o.Kind == Bool {
			fs.Lookup(o.Name).NoOptDefVal = "true"
		}
	}
}

func (o *Option) shownDefault() string {
	if o.Shown != "" {
		return o.Shown
	}
	switch d := o.Default.(type) {
	case bool:
		if !d {
			return ""
		}
		return "true"
	case string:
		return d
	case int64:
		if d == 0 {
			return ""
		}
		return formatValue(d)
	case []string:
		return strings.Join(d, ",")
	default:
		return ""
	}
}
