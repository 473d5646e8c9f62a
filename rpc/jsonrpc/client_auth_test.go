package jsonrpc

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// TestAuthErrorText: what keeps a call from being made is called what it is.
func TestAuthErrorText(t *testing.T) {
	for _, c := range []struct {
		cause error
		want  string
	}{
		{&fs.PathError{Op: "open", Path: "d/.cookie", Err: fs.ErrPermission}, "no permission to read the node's credentials: open d/.cookie: permission denied; run this as the user who runs the node"},
		{&fs.PathError{Op: "open", Path: "d/.cookie", Err: fs.ErrNotExist}, "no credentials for the node (is it running, and is --datadir or --network the same?): open d/.cookie: file does not exist"},
		{errors.New("it is empty"), "no credentials for the node"},
		{nil, "the node refused the user and password"},
	} {
		if got := (&AuthError{Cause: c.cause}).Error(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
