package jsonrpc

import (
	"encoding/json"
	"slices"
	"strings"
)

// positional turns named arguments into positional ones. The members of an
// object that is [Param.named] may be given as if they were parameters; where a
// parameter before it has the same name, that one is meant. The name "args" may
// hold an array of leading positional arguments.
func (m *Method) positional(params json.RawMessage) ([]json.RawMessage, error) {
	ms, err := DecodeObject(params)
	if err != nil {
		return nil, err
	}
	given := namedArgs{}
	for _, kv := range ms {
		if _, again := given[kv.Name]; again {
			return nil, Errorf(CodeInvalidParam, "Parameter %s specified multiple times", kv.Name)
		}
		given[kv.Name] = kv.Value
	}
	named := make([]json.RawMessage, 0, len(m.Params))
	first := -1 // the first parameter given by name
	for i, p := range m.Params {
		v, err := given.take(p)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		for len(named) < i {
			// A gap is a null, but none follows the last argument.
			named = append(named, json.RawMessage("null"))
		}
		named = append(named, v)
		if first < 0 {
			first = i
		}
	}
	if leading, ok := given["args"]; ok && TypeOf(leading) == TypeArray {
		delete(given, "args")
		var args []json.RawMessage
		if err := json.Unmarshal(leading, &args); err != nil {
			return nil, err
		}
		if first >= 0 && first < len(args) {
			return nil, Errorf(CodeInvalidParam, "Parameter %s specified twice both as positional and named argument",
				strings.Join(m.Params[first].Names, "|"))
		}
		if len(named) > len(args) {
			args = append(args, named[len(args):]...)
		}
		named = args
	}
	for _, kv := range ms {
		if _, left := given[kv.Name]; left {
			return nil, Errorf(CodeInvalidParam, "Unknown named parameter %s", kv.Name)
		}
	}
	return named, nil
}

// namedArgs are arguments by name that no parameter has taken yet.
type namedArgs map[string]json.RawMessage

// take takes the argument of a parameter out, or returns nil. Members of an
// object that are given by name become that object.
func (g namedArgs) take(p *Param) (json.RawMessage, error) {
	var members Object
	if p.named {
		for _, s := range p.sub {
			if name, v := g.takeOne(s); v != nil {
				members = append(members, Member{name, v})
			}
		}
	}
	name, v := g.takeOne(p)
	switch {
	case len(members) == 0:
		return v, nil
	case v != nil:
		return nil, Errorf(CodeInvalidParam, "Parameter %s conflicts with parameter %s", name, members[0].Name)
	}
	return json.Marshal(members)
}

// takeOne takes an argument out by the first of a parameter's names that there
// is.
func (g namedArgs) takeOne(p *Param) (name string, v json.RawMessage) {
	for _, n := range p.Names {
		if v, ok := g[n]; ok {
			delete(g, n)
			return n, v
		}
	}
	return "", nil
}

// byName finds the parameter that a named argument is for, or returns nil.
func (m *Method) byName(name string) *Param {
	for _, p := range m.Params {
		if slices.Contains(p.Names, name) {
			return p
		}
		if p.named {
			for _, s := range p.sub {
				if slices.Contains(s.Names, name) {
					return s
				}
			}
		}
	}
	return nil
}
