package client_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"starling/client"
	"starling/rpc"
	"starling/rpc/jsonrpc"
)

// heard is a [client.Caller] that only remembers the last call.
type heard struct {
	method string
	params json.RawMessage
}

func (h *heard) Call(_ context.Context, method string, params any) (raw json.RawMessage, err error) {
	h.method = method
	h.params, err = json.Marshal(params)
	return json.RawMessage("null"), err
}

// fill puts something that is not zero into all of a value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	default:
		v.SetInt(1)
		if v.Type() == reflect.TypeFor[time.Duration]() {
			v.SetInt(int64(time.Second))
		}
	}
}

// typedCalls calls f with each typed call of a client.
func typedCalls(c *client.Client, f func(name string, m reflect.Value)) {
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		if !slices.Contains([]string{"Call", "CallNamed", "Batch", "WithWallet"}, name) {
			f(name, v.Method(i))
		}
	}
}

// TestTypedCalls holds every typed call against the table: the method exists and
// has the call's name, it takes the arguments by these names and of these types,
// with all options and with none, and it answers with the call's type. What the
// table has and no call, and which arguments no call names, are told too.
func TestTypedCalls(t *testing.T) {
	table, h := rpc.Methods(), new(heard)
	named := map[string]map[string]bool{} // arguments that calls name, by method
	typedCalls(client.Over(h), func(name string, call reflect.Value) {
		ct := call.Type()
		for _, full := range []bool{true, false} {
			args := []reflect.Value{reflect.ValueOf(t.Context())}
			for i := 1; i < ct.NumIn(); i++ {
				a := reflect.New(ct.In(i)).Elem()
				if full || a.Kind() != reflect.Pointer {
					fill(a)
				}
				args = append(args, a)
			}
			invoke := call.Call
			if ct.IsVariadic() {
				invoke = call.CallSlice
			}
			out := invoke(args)
			if err := out[len(out)-1]; !err.IsNil() {
				t.Errorf("%s: %v", name, err)
			}
			m := table.Lookup(h.method)
			if m == nil || !strings.HasPrefix(strings.ToLower(name), m.Name) {
				t.Fatalf("%s calls %s, which is not in the table or has another name", name, h.method)
			}
			if _, err := m.Decode(h.params); err != nil {
				t.Errorf("%s with %s: %v", name, h.params, err)
			}
			checkResults(t, name, m, ct)
			if named[m.Name] == nil {
				named[m.Name] = map[string]bool{}
			}
			names(h.params, named[m.Name])
		}
	})
	for _, m := range table.Methods() {
		if named[m.Name] == nil {
			t.Errorf("no typed call for %s", m.Name)
			continue
		}
		for _, p := range m.Params {
			missing(t, m.Name, p, named[m.Name])
		}
	}
}

// checkResults compares what a call returns with what the method answers.
func checkResults(t *testing.T, name string, m *jsonrpc.Method, ct reflect.Type) {
	t.Helper()
	known := m.ResultTypes()
	if ct.NumOut() == 1 && !slices.Contains(known, nil) && !slices.Contains(known, reflect.TypeFor[struct{}]()) {
		t.Errorf("%s drops a result of type %v", name, known)
	}
	for i := range ct.NumOut() - 1 {
		r := ct.Out(i)
		if r.Kind() == reflect.Pointer {
			r = r.Elem()
		}
		if !slices.Contains(known, r) {
			t.Errorf("%s returns %v; the results of %s are %v", name, r, m.Name, known)
		}
	}
}

// names collects the names of arguments and of what is in them.
func names(raw json.RawMessage, into map[string]bool) {
	ms, err := jsonrpc.DecodeObject(raw)
	if err != nil {
		return
	}
	for _, m := range ms {
		into[m.Name] = true
		names(m.Value, into)
	}
}

// without are arguments that typed calls leave out: those without effect, those
// of older clients, and those that stand elsewhere too.
var without = map[string]string{
	"dummy": "no effect", "include_watchonly": "no effect", "include_watching": "no effect", "avoid_reuse": "not supported",
	"external_signer": "not supported", "descriptors": "there are no others", "v2transport": "the default does", "use_index": "no effect",
	"node_after_dns": "older clients", "address_type_after_account": "older clients", "feeRate": "fee_rate says it",
	"mempool_only": "there is no index", "hash_or_height": "only the tip is possible", "maxtries": "the default does",
	"iswitness": "both are tried", "sendmany minconf": "no effect", "wait": "for tests of Core", "input_weights": "inputs have them",
	"filtertype": "there is only one",
}

// missing tells of a parameter that no call names.
func missing(t *testing.T, method string, p *jsonrpc.Param, have map[string]bool) {
	if have[p.Name()] {
		for _, s := range p.Members() {
			missing(t, method, s, have)
		}
		return
	}
	if len(p.Members()) > 0 { // given by the names of its members
		for _, s := range p.Members() {
			missing(t, method, s, have)
		}
		return
	}
	if without[p.Name()] == "" && without[method+" "+p.Name()] == "" {
		t.Errorf("no typed call of %s has the argument %s", method, p.Name())
	}
}
