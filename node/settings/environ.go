package settings

import (
	"os"
	"strings"
)

// NodeIDEnv is the variable that tells several nodes of one user apart. It
// counts as that of the setting node-id does, which is stronger.
const NodeIDEnv = "NODE_ID"

// Environ returns the process's environment, for [Load].
func Environ() []string { return os.Environ() }

// environment is what the environment says.
type environment struct {
	values map[string]any
	names  map[string]string // the variables, by setting
}

// readEnviron reads variables of the form name=value. One that looks like a
// setting and is none is an error: it was meant to be one.
func readEnviron(options []Option, environ []string) (*environment, error) {
	byEnv := make(map[string]*Option)
	var known []string
	for i := range options {
		o := &options[i]
		byEnv[o.Env()], known = o, append(known, o.Name)
	}
	e := &environment{values: make(map[string]any), names: make(map[string]string)}
	for _, s := range environ {
		name, value, _ := strings.Cut(s, "=")
		o := byEnv[name]
		switch {
		case o != nil && o.kind == kindList:
			e.values[o.Name], e.names[o.Name] = strings.Split(value, ","), name
		case o != nil:
			e.values[o.Name], e.names[o.Name] = value, name
		case strings.HasPrefix(name, EnvPrefix) && !madeUp(name):
			reason := "there is no such setting"
			rest := strings.ToLower(strings.TrimPrefix(name, EnvPrefix)) // what all have in common likens nothing
			if near := Nearest(rest, known); near != "" {
				reason += "; did you mean " + (&Option{Name: near}).Env() + "?"
			}
			return nil, &Error{Name: name, Origin: "environment", Reason: reason}
		case name == NodeIDEnv && value != "" && e.names["node-id"] == "":
			e.values["node-id"], e.names["node-id"] = value, name
		}
	}
	return e, nil
}

// madeUp reports whether a variable is one that platforms make up for a
// service called starling, such as STARLING_SERVICE_HOST and
// STARLING_PORT_8333_TCP, or one for this program's own tests.
func madeUp(name string) bool {
	rest := strings.TrimPrefix(name, EnvPrefix)
	return rest == "PORT" || strings.HasPrefix(rest, "PORT_") || strings.HasPrefix(rest, "SERVICE_") || strings.HasPrefix(rest, "TEST_")
}
