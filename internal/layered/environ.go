package layered

import (
	"strings"

	"starling/internal/nearest"
)

// environment is what the environment says.
type environment struct {
	values map[string]any
	names  map[string]string // the variables, by setting
}

// readEnviron reads variables of the form name=value. One that looks like a
// setting and is none is an error: it was meant to be one.
func (s *Schema) readEnviron(environ []string) (*environment, error) {
	byEnv, byAlias := make(map[string]*Option), make(map[string]*Option)
	var known []string
	for i := range s.Options {
		o := &s.Options[i]
		byEnv[EnvName(s.EnvPrefix, o.Name)], known = o, append(known, o.Name)
		for alias, name := range s.EnvAliases {
			if name == o.Name {
				byAlias[alias] = o
			}
		}
	}
	e := &environment{values: make(map[string]any), names: make(map[string]string)}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		rest, ours := strings.CutPrefix(name, s.EnvPrefix)
		o, alias := byEnv[name], byAlias[name]
		switch {
		case o != nil:
			e.set(o, name, value)
		case ours && !(s.EnvIgnore != nil && s.EnvIgnore(rest)):
			reason := "there is no such setting"
			// What all have in common likens nothing.
			if near := nearest.Word(strings.ToLower(rest), known); near != "" {
				reason += "; did you mean " + EnvName(s.EnvPrefix, near) + "?"
			}
			return nil, &Error{Name: name, Origin: "environment", Reason: reason}
		case alias != nil && value != "" && e.names[alias.Name] == "":
			e.set(alias, name, value)
		}
	}
	return e, nil
}

func (e *environment) set(o *Option, name, value string) {
	e.names[o.Name], e.values[o.Name] = name, value
	if o.Kind == List {
		e.values[o.Name] = strings.Split(value, ",")
	}
}
