package jsonrpc

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"sort"
)

// Method is one entry of the table.
type Method struct {
	Name     string
	Category string
	Summary  string  // what it does, in full sentences
	Returns  string  // one line about the result, unless Results is given
	Results  []Shape // the results, if they differ by argument
	Examples [][]any // argument lists

	// Early methods are answered while the node is starting.
	Early bool
	// Waits is set for methods that may block until something happens; they
	// do not occupy a worker.
	Waits bool

	Params []*Param // from the handler's parameter struct

	result reflect.Type
	call   func(ctx context.Context, args []json.RawMessage) (any, error)
	decode func(args []json.RawMessage) (params any, err error) // without running it
}

// Shape describes one form of result.
type Shape struct {
	When string // such as "for verbosity = 0"; empty for the only form
	Like any    // a zero value of the result's type; nil for JSON null
	Help string
	Key  string // for a [Map]: what its names are, such as "txid"
}

// Define completes an entry with its handler, whose types say what the
// parameters and the result are.
func Define[P, R any](m Method, handle func(context.Context, P) (R, error)) *Method {
	m.Params = paramsOf(reflect.TypeFor[P]())
	m.result = reflect.TypeFor[R]()
	decode := func(args []json.RawMessage) (p P, err error) {
		err = decodeArgs(m.Params, args, reflect.ValueOf(&p).Elem())
		return p, err
	}
	m.decode = func(args []json.RawMessage) (any, error) { return decode(args) }
	m.call = func(ctx context.Context, args []json.RawMessage) (any, error) {
		p, err := decode(args)
		if err != nil {
			return nil, err
		}
		return handle(ctx, p)
	}
	return &m
}

// None is the parameter struct of methods without parameters.
type None struct{}

// Null is the result of methods that return nothing.
type Null = *struct{}

// ResultTypes returns the types of what the method answers with, one for each
// form; nil stands for JSON null.
func (m *Method) ResultTypes() []reflect.Type {
	var types []reflect.Type
	for _, s := range m.shapes() {
		types = append(types, reflect.TypeOf(s.Like))
	}
	return types
}

// Required returns how many arguments must be given.
func (m *Method) Required() int {
	n := 0
	for i, p := range m.Params {
		if !p.Optional {
			n = i + 1
		}
	}
	return n
}

// Table is the set of all methods. It is immutable and safe for concurrent use.
type Table struct {
	methods []*Method // by category, then by name
	byName  map[string]*Method
	explain func(error) error
}

// NewTable makes a table. explain puts errors of handlers that are no [Error]
// into words for callers; nil leaves them as they are. It panics if two entries
// have the same name.
func NewTable(explain func(error) error, groups ...[]*Method) *Table {
	t := &Table{byName: make(map[string]*Method), explain: explain}
	for _, m := range slices.Concat(groups...) {
		if t.byName[m.Name] != nil {
			panic("rpc: two methods named " + m.Name)
		}
		t.byName[m.Name] = m
		t.methods = append(t.methods, m)
	}
	sort.Slice(t.methods, func(i, j int) bool {
		a, b := t.methods[i], t.methods[j]
		if a.Category != b.Category {
			return a.Category < b.Category
		}
		return a.Name < b.Name
	})
	return t
}

// Methods returns all entries, by category and then by name. The caller must
// not change them.
func (t *Table) Methods() []*Method { return t.methods }

// Lookup returns the entry of a method, or nil.
func (t *Table) Lookup(name string) *Method { return t.byName[name] }

// Call decodes params, an array or an object or nothing, and runs the method.
func (m *Method) Call(ctx context.Context, params json.RawMessage) (any, error) {
	args, err := m.arguments(params)
	if err != nil {
		return nil, err
	}
	return m.call(ctx, args)
}

// Decode decodes params as [Method.Call] does, and runs nothing. It returns the
// method's parameter struct.
func (m *Method) Decode(params json.RawMessage) (any, error) {
	args, err := m.arguments(params)
	if err != nil {
		return nil, err
	}
	return m.decode(args)
}

// arguments returns params as a list by position, as long as the method takes.
func (m *Method) arguments(params json.RawMessage) (args []json.RawMessage, err error) {
	switch TypeOf(params) {
	case TypeArray:
		err = json.Unmarshal(params, &args)
	case TypeObject:
		args, err = m.positional(params)
	}
	if err == nil && (len(args) > len(m.Params) || len(args) < m.Required()) {
		err = Errorf(CodeMisc, "%s", m.Help())
	}
	return args, err
}
