package devnetcmd

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
)

// A start that is interrupted fails by that, whatever it was at.
func TestInterruptedStart(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	c := New()
	c.SetArgs([]string{"--state", filepath.Join(t.TempDir(), "net")})
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	c.SilenceUsage, c.SilenceErrors = true, true
	if err := c.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
