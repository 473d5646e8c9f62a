package jsonrpc

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type mapResult struct {
	Sizes Map[Map[int]]       `json:"sizes" key:"peer" help:"bytes by peer and type"`
	Scan  OrFalse[echoResult] `json:"scan" help:"how far"`
	Data  Hex                 `json:"data" help:"bytes"`
}

// TestMap: order, repeated names and characters of HTML survive being written
// and read.
func TestMap(t *testing.T) {
	for _, text := range []string{
		`{"sizes":{},"scan":false,"data":""}`,
		`{"sizes":{"b":{"z":1,"a":2},"a<b>":{},"b":{"z":3}},"scan":{"word":"w","value":0.00012345,"detail":7},"data":"00ff"}`,
	} {
		var r mapResult
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if got := compact(r); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	var m Map[int]
	if err := json.Unmarshal([]byte(`{"a":1,"b":2,"a":3}`), &m); err != nil {
		t.Fatal(err)
	}
	if v, ok := m.Get("a"); !ok || v != 1 {
		t.Error("a is", v, ok)
	}
	if v, ok := m.Get("c"); ok {
		t.Error("c is", v)
	}
	for _, bad := range []string{`[]`, `"x"`, `{"a":"b"}`, `{"a":1.5}`} {
		before := compact(m)
		if err := json.Unmarshal([]byte(bad), &m); err == nil || compact(m) != before {
			t.Errorf("%s was read as %s", bad, compact(m))
		}
	}
	for _, bad := range []string{`"0"`, `"zz"`, `17`} {
		if err := json.Unmarshal([]byte(bad), new(Hex)); err == nil {
			t.Errorf("%s was read as bytes", bad)
		}
	}
}

// TestMapHelp: the help text shows what is in a map.
func TestMapHelp(t *testing.T) {
	m := Define(Method{Name: "sizes", Summary: "Has maps.", Results: []Shape{{Like: Map[mapResult]{}, Key: "txid"}}},
		func(context.Context, None) (Map[mapResult], error) { return nil, nil })
	_, text, _ := strings.Cut(m.Help(), "Result:\n")
	text, _, _ = strings.Cut(text, "\nExamples")
	const want = `{                        (json object)
  "txid" : {             (json object)
    "sizes" : {          (json object) bytes by peer and type
      "peer" : {         (json object)
        "name" : n,      (numeric)
        ...
      },
      ...
    },
    "scan" : {           (json object, or false) how far
      "word" : "str",    (string) what was said
      "value" : n,       (numeric)
      "detail" : n       (numeric, optional)
    },
    "data" : "hex"       (string) bytes
  },
  ...
}
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
}
