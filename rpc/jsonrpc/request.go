package jsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
)

// version is the dialect of a request.
type version int

const (
	version1 version = iota // 1.0 and 1.1: errors are HTTP errors
	version2                // 2.0: errors are answers, and notifications get none
)

// request is one decoded call.
type request struct {
	version version
	id      json.RawMessage // nil if the request has none
	method  string
	params  json.RawMessage // an array, an object, or nil
}

// parseRequest decodes one call. What it understood before an error is in the
// request, so that the error can be answered with the right id.
func parseRequest(raw json.RawMessage) (request, error) {
	req := request{id: json.RawMessage("null")}
	if TypeOf(raw) != TypeObject {
		return req, Errorf(CodeInvalidRequest, "Invalid Request object")
	}
	ms, err := DecodeObject(raw)
	if err != nil {
		return req, Errorf(CodeParse, "Parse error")
	}
	req.id = Get(ms, "id")

	switch v := Get(ms, "jsonrpc"); TypeOf(v) {
	case TypeNull:
	case TypeString:
		switch string(bytes.TrimSpace(v)) {
		case `"1.0"`:
			// Old documentation has this, though the field is newer than 1.0.
		case `"2.0"`:
			req.version = version2
		default:
			return req, Errorf(CodeInvalidRequest, "JSON-RPC version not supported")
		}
	default:
		return req, Errorf(CodeInvalidRequest, "jsonrpc field must be a string")
	}

	switch v := Get(ms, "method"); TypeOf(v) {
	case TypeNull:
		return req, Errorf(CodeInvalidRequest, "Missing method")
	case TypeString:
		if err := json.Unmarshal(v, &req.method); err != nil {
			return req, Errorf(CodeParse, "Parse error")
		}
	default:
		return req, Errorf(CodeInvalidRequest, "Method must be a string")
	}

	switch v := Get(ms, "params"); TypeOf(v) {
	case TypeNull:
	case TypeArray, TypeObject:
		req.params = v
	default:
		return req, Errorf(CodeInvalidRequest, "Params must be an array or object")
	}
	return req, nil
}

// isNotification reports whether the caller wants no answer.
func (r *request) isNotification() bool { return r.version == version2 && r.id == nil }

// appendReply writes the answer to a request, in its dialect.
func (r *request) appendReply(buf *bytes.Buffer, result any, fail *Error) error {
	start := buf.Len()
	buf.WriteByte('{')
	if r.version == version2 {
		buf.WriteString(`"jsonrpc":"2.0",`)
	}
	if fail == nil {
		buf.WriteString(`"result":`)
		if err := encodeJSON(buf, result); err != nil {
			buf.Truncate(start)
			return err
		}
		if r.version == version1 {
			buf.WriteString(`,"error":null`)
		}
	} else {
		if r.version == version1 {
			buf.WriteString(`"result":null,`)
		}
		buf.WriteString(`"error":`)
		if err := encodeJSON(buf, fail); err != nil {
			buf.Truncate(start)
			return err
		}
	}
	if r.id != nil {
		buf.WriteString(`,"id":`)
		buf.Write(bytes.TrimSpace(r.id))
	}
	buf.WriteByte('}')
	return nil
}

// reply is appendReply with a last resort for results that cannot be written.
func (r *request) reply(buf *bytes.Buffer, result any, fail *Error) {
	if err := r.appendReply(buf, result, fail); err != nil {
		// Writing an Error cannot fail.
		_ = r.appendReply(buf, nil, Errorf(CodeInternal, "%v", err))
	}
}

// run executes a request.
func (s *Server) run(ctx context.Context, req *request) (any, *Error) {
	// The order matters: who finds the warm-up over finds the methods of after it.
	status := s.warmup.Load()
	table := s.table.Load()
	m := table.Lookup(req.method)
	if status != nil && (m == nil || !m.Early) {
		return nil, Errorf(CodeInWarmup, "%s", *status)
	}
	if m == nil {
		return nil, Errorf(CodeMethodNotFound, "Method not found")
	}
	release, err := s.acquire(ctx, m.Waits)
	if err != nil {
		return nil, ToError(err, table.explain)
	}
	defer release()
	defer s.track(req.method)()
	result, err := s.guard(ctx, m, req.params)
	if err != nil {
		return nil, ToError(err, table.explain)
	}
	return result, nil
}

// guard keeps a bug in one method from ending the node: the caller gets an
// internal error, the log where it happened.
func (s *Server) guard(ctx context.Context, m *Method, params json.RawMessage) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a method failed badly", "method", m.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			result, err = nil, Errorf(CodeInternal, "internal error in %s", m.Name)
		}
	}()
	return m.Call(ctx, params)
}

// errBusy is returned when too many calls are waiting for a worker.
var errBusy = Errorf(CodeMisc, "Work queue depth exceeded")

// acquire takes a worker for a call. Calls that only wait for an event take a
// place among the waiters instead, so that they never keep others from being
// answered.
func (s *Server) acquire(ctx context.Context, waits bool) (release func(), err error) {
	slots := s.workers
	if waits {
		select {
		case s.waiters <- struct{}{}:
			return func() { <-s.waiters }, nil
		default:
			return nil, errBusy
		}
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	default:
	}
	if s.queued.Add(1) > int32(s.opts.QueueDepth) {
		s.queued.Add(-1)
		return nil, errBusy
	}
	defer s.queued.Add(-1)
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
