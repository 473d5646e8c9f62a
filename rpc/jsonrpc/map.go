package jsonrpc

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// Entry is one name and value of a [Map].
type Entry[V any] struct {
	Name  string
	Value V
}

// Map is a JSON object whose member names are only known at run time. Unlike
// Go's maps it keeps its order, when it is written and when it is read.
type Map[V any] []Entry[V]

// Object is a [Map] of values of any kind, and Member one of its entries. They
// are for arguments; results have types.
type (
	Object = Map[any]
	Member = Entry[any]
)

// Get returns the first value of a name; ok is false if there is none.
func (m Map[V]) Get(name string) (v V, ok bool) {
	for _, e := range m {
		if e.Name == name {
			return e.Value, true
		}
	}
	return v, false
}

// MarshalJSON writes the members in order.
func (m Map[V]) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := encodeJSON(&buf, e.Name); err != nil {
			return nil, err
		}
		buf.WriteByte(':')
		if err := encodeJSON(&buf, e.Value); err != nil {
			return nil, err
		}
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// UnmarshalJSON reads the members in order. As everywhere in encoding/json,
// null changes nothing.
func (m *Map[V]) UnmarshalJSON(raw []byte) error {
	if TypeOf(raw) == TypeNull {
		return nil
	}
	ms, err := DecodeObject(raw)
	if err != nil {
		return err
	}
	out := make(Map[V], len(ms))
	for i, r := range ms {
		out[i].Name = r.Name
		if err := json.Unmarshal(r.Value, &out[i].Value); err != nil {
			return err
		}
	}
	*m = out
	return nil
}

// valueType tells the help text what the values are.
func (Map[V]) valueType() reflect.Type { return reflect.TypeFor[V]() }

// OrFalse is a value, or false if there is none, as Core has it where a
// description stands in the place of a boolean.
type OrFalse[T any] struct{ Value *T }

// MarshalJSON writes the value or false.
func (o OrFalse[T]) MarshalJSON() ([]byte, error) {
	if o.Value == nil {
		return []byte("false"), nil
	}
	var buf bytes.Buffer
	err := encodeJSON(&buf, o.Value)
	return buf.Bytes(), err
}

// UnmarshalJSON reads a value or false.
func (o *OrFalse[T]) UnmarshalJSON(raw []byte) error {
	o.Value = nil
	if string(bytes.TrimSpace(raw)) == "false" {
		return nil
	}
	return json.Unmarshal(raw, &o.Value)
}

// valueType tells the help text what it is when there is one.
func (OrFalse[T]) valueType() reflect.Type { return reflect.TypeFor[T]() }
