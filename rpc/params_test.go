package rpc

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"starling/rpc/jsonrpc"
	"starling/rpc/mempoolrpc"
	"starling/rpc/rpcargs"
	"starling/rpc/walletrpc"
)

// walk calls fn for each parameter of each method, and for each member of those
// that are objects. decode reads the method's arguments with a value in that
// place, and with nothing there for nil.
func walk(t *testing.T, fn func(name string, p *jsonrpc.Param, decode func(value json.RawMessage) (any, error))) {
	t.Helper()
	for _, m := range Methods().Methods() {
		for i, p := range m.Params {
			args := make([]json.RawMessage, max(m.Required(), i+1))
			for j, q := range m.Params[:len(args)] {
				args[j] = json.RawMessage("null")
				if !q.Optional {
					args[j] = sample(t, q)
				}
			}
			// place returns the function that decodes with a value in place of
			// this parameter.
			place := func(wrap func(value json.RawMessage) json.RawMessage) func(json.RawMessage) (any, error) {
				return func(value json.RawMessage) (any, error) {
					some := slices.Clone(args)
					if some[i] = wrap(value); some[i] == nil {
						// What is last is left out, what stands before others null.
						if some = some[:i]; i < m.Required() {
							some = append(some, json.RawMessage("null"))
							some = append(some, args[i+1:]...)
						}
					}
					return m.Decode(json.RawMessage(asJSON(some)))
				}
			}
			fn(m.Name+" "+p.Name(), p, place(func(v json.RawMessage) json.RawMessage { return v }))
			walkMembers(t, m.Name+" "+p.Name(), p, func(member json.RawMessage) json.RawMessage { return member }, place, fn)
		}
	}
}

// walkMembers does so with the members of an object.
func walkMembers(t *testing.T, name string, p *jsonrpc.Param, outer func(json.RawMessage) json.RawMessage,
	place func(func(json.RawMessage) json.RawMessage) func(json.RawMessage) (any, error),
	fn func(string, *jsonrpc.Param, func(json.RawMessage) (any, error)),
) {
	t.Helper()
	for _, s := range p.Members() {
		object := func(v json.RawMessage) json.RawMessage {
			o := jsonrpc.Object{}
			for _, other := range p.Members() {
				if other != s && !other.Optional {
					o = append(o, jsonrpc.Member{Name: other.Name(), Value: sample(t, other)})
				}
			}
			if v != nil {
				o = append(o, jsonrpc.Member{Name: s.Name(), Value: v})
			}
			return outer(json.RawMessage(asJSON(o)))
		}
		fn(name+"."+s.Name(), s, place(object))
		walkMembers(t, name+"."+s.Name(), s, object, place, fn)
	}
}

// sample returns an argument that a parameter takes.
func sample(t *testing.T, p *jsonrpc.Param) json.RawMessage {
	t.Helper()
	for _, s := range []string{
		`1`, `true`, `"0000000000000000000000000000000000000000000000000000000000000000"`, `[]`, `{}`,
	} {
		raw := json.RawMessage(s)
		if p.Check(raw) == nil {
			return raw
		}
	}
	t.Fatalf("no argument for %s", p.Name())
	return nil
}

// TestNullIsNotGiven gives each optional parameter of each method, and each
// optional member of its objects, null: that is as if nothing had been given.
// Where something is needed, null is refused.
func TestNullIsNotGiven(t *testing.T) {
	optional, required := 0, 0
	walk(t, func(name string, p *jsonrpc.Param, decode func(json.RawMessage) (any, error)) {
		got, err := decode(json.RawMessage("null"))
		if !p.Optional {
			required++
			if err == nil {
				t.Errorf("%s may not be null, but is taken as %+v", name, got)
			}
			return
		}
		optional++
		want, werr := decode(nil)
		switch {
		case err != nil || werr != nil:
			t.Errorf("%s: null gives %v, nothing %v", name, err, werr)
		case !reflect.DeepEqual(got, want):
			t.Errorf("%s: null is read as %+v, nothing as %+v", name, got, want)
		}
	})
	t.Logf("%d optional and %d required parameters", optional, required)
	if optional < 250 || required < 100 {
		t.Error("too few parameters were found")
	}
}

// TestAmountsEverywhere writes each parameter that is an amount or a fee rate
// in all the ways that programs write numbers.
func TestAmountsEverywhere(t *testing.T) {
	kinds := map[reflect.Type]int{
		reflect.TypeFor[rpcargs.Money](): 0, reflect.TypeFor[rpcargs.FeeRate](): 0, reflect.TypeFor[mempoolrpc.FeeRateParam](): 0, reflect.TypeFor[mempoolrpc.SendFeeRate](): 0, reflect.TypeFor[walletrpc.Amounts](): 0,
	}
	walk(t, func(name string, p *jsonrpc.Param, decode func(json.RawMessage) (any, error)) {
		if _, is := kinds[p.Type()]; !is {
			return
		}
		kinds[p.Type()]++
		write := func(v string) json.RawMessage {
			if p.Type() == reflect.TypeFor[walletrpc.Amounts]() {
				v = `{"address":` + v + `}`
			}
			return json.RawMessage(v)
		}
		value := func(v string) (any, error) {
			got, err := decode(write(v))
			if err == nil && p.Type() == reflect.TypeFor[walletrpc.Amounts]() {
				got = reflect.ValueOf(got).FieldByName("Amounts").Index(0).FieldByName("Amount").Interface()
			}
			return got, err
		}
		want, err := value("0.005")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, v := range []string{`5e-3`, `5E-03`, `0.5e-2`, `0.05E-1`, `"5e-3"`, `0.00500000000`, `"0.005000000000"`, `50.0e-4`, `0.0005e+1`} {
			if got, err := value(v); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s is read as %+v, %v; want %+v", name, v, got, err, want)
			}
		}
		for _, v := range []string{`1e-9`, `" 1"`, `"1."`, `".5"`, `"+1"`, `"00.1"`, `"1e"`, `""`, `[]`, `{}`, `"x"`} {
			if got, err := value(v); err == nil {
				t.Errorf("%s: %s is read as %+v", name, v, got)
			}
		}
	})
	for kind, n := range kinds {
		if n == 0 {
			t.Errorf("no parameter is a %v", kind)
		}
	}
}
