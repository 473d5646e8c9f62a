package cmdkit

import (
	"bufio"
	"context"
	"errors"
	"io"
	"testing"
)

// TestReadUntilStopped interrupts a command that waits for its input, and lets
// another read what it is given.
func TestReadUntilStopped(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	in := bufio.NewReader(&patientReader{ctx, r})
	go w.Write([]byte("one\ntwo"))
	if line, err := in.ReadString('\n'); line != "one\n" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
	go cancel()
	if line, err := in.ReadString('\n'); line != "two" || !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", line, err)
	}

	r, w = io.Pipe()
	go func() {
		w.Write([]byte("all of it"))
		w.Close()
	}()
	if b, err := io.ReadAll(&patientReader{t.Context(), r}); string(b) != "all of it" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
