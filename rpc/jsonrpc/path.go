package jsonrpc

import "context"

// pathKey is the key of a context's path.
type pathKey struct{}

// WithPath returns a context whose calls go to a path, by [Client] and [Local]
// alike. What it means is the methods' affair, which read it with [PathOf];
// Core has one for each wallet.
func WithPath(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, pathKey{}, path)
}

// PathOf returns the path that a call went to: "/" unless it says otherwise.
func PathOf(ctx context.Context) string {
	if path, ok := ctx.Value(pathKey{}).(string); ok {
		return path
	}
	return "/"
}
