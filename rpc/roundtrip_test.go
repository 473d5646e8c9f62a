package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"starling/rpc/jsonrpc"
)

// RoundTrip reads what a method has answered into the types that the table
// declares for it, writes it again and compares. The test nodes do so with
// every answer.
func RoundTrip(m *jsonrpc.Method, answer []byte) error {
	var all []error
	for _, t := range m.ResultTypes() {
		if t == nil {
			if string(answer) == "null" {
				return nil
			}
			continue
		}
		v := reflect.New(t)
		dec := json.NewDecoder(bytes.NewReader(answer))
		dec.DisallowUnknownFields()
		if err := dec.Decode(v.Interface()); err != nil {
			all = append(all, fmt.Errorf("as %v: %w", t, err))
			continue
		}
		var again strings.Builder
		enc := json.NewEncoder(&again)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v.Interface()); err != nil {
			return err
		}
		got := strings.TrimSuffix(again.String(), "\n")
		if got == string(answer) {
			return nil
		}
		at := 0
		for at < min(len(got), len(answer)) && got[at] == answer[at] {
			at++
		}
		around := func(s string) string { return s[max(0, min(at-40, len(s))):min(at+40, len(s))] }
		all = append(all, fmt.Errorf("as %v: …%s… becomes …%s…", t, around(string(answer)), around(got)))
	}
	return fmt.Errorf("what %s answers is none of its results: %w", m.Name, errors.Join(all...))
}
