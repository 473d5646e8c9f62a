package jsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
)

// Local calls methods of a node in the same process, without HTTP. Like
// [Client] it hands over parameters and results as JSON, so that a caller can
// not tell them apart. It is safe for concurrent use.
type Local struct{ Table *Table }

// Call runs a method. params is anything that encodes to a JSON array or
// object. A failed call is an *[Error].
func (l *Local) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	m := l.Table.Lookup(method)
	if m == nil {
		return nil, Errorf(CodeMethodNotFound, "Method not found")
	}
	var in, out bytes.Buffer
	if err := encodeJSON(&in, params); err != nil {
		return nil, err
	}
	result, err := m.Call(ctx, in.Bytes())
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, ToError(err, l.Table.explain)
	}
	if err := encodeJSON(&out, result); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
