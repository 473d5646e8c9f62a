package rpc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"starling/rpc/jsonrpc"
)

// TestLocal makes sure that a call in the same process answers like one over
// HTTP.
func TestLocal(t *testing.T) {
	l := &jsonrpc.Local{Table: Methods()}
	ctx := context.Background()
	got, err := l.Call(ctx, "help", []any{"getblockhash"})
	if err != nil || !strings.HasPrefix(string(got), `"getblockhash height\n`) {
		t.Errorf("got %s, %v", got, err)
	}
	if named, err := l.Call(ctx, "help", map[string]any{"command": "getblockhash"}); err != nil || string(named) != string(got) {
		t.Errorf("by name: %s, %v", named, err)
	}
	for _, tc := range []struct {
		method string
		params any
		want   jsonrpc.Code
	}{
		{"nonsense", []any{}, jsonrpc.CodeMethodNotFound},
		{"help", []any{"getblockhash", 1, 2}, jsonrpc.CodeMisc},
		{"help", []any{7}, jsonrpc.CodeType},
	} {
		if _, err := l.Call(ctx, tc.method, tc.params); !errors.Is(err, &jsonrpc.Error{Code: tc.want}) {
			t.Errorf("%s %v: got %v, want code %d", tc.method, tc.params, err, tc.want)
		}
	}
	if _, err := l.Call(ctx, "help", []any{func() {}}); err == nil {
		t.Error("parameters that are no JSON were taken")
	}
}
