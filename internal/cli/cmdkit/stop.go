package cmdkit

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"starling/clock"
)

// sameSignal is for how long further signals count as the first one: one Ctrl-C
// may come twice, from the terminal and from a program that passes it on.
const sameSignal = time.Second

// SignalError says by which signal a command was interrupted.
type SignalError struct{ signal os.Signal }

// Error implements the error interface.
func (e *SignalError) Error() string {
	if e.signal == os.Interrupt {
		return "interrupted"
	}
	return fmt.Sprintf("stopped (%v)", e.signal)
}

// Code returns the exit code, as shells have it.
func (e *SignalError) Code() int {
	if n, ok := e.signal.(syscall.Signal); ok {
		return exitSignal + int(n)
	}
	return ExitFailure
}

// UntilSignal returns a context that the first signal to stop ends: an
// interrupt, a termination, or the end of the terminal. Its cause is then a
// *[SignalError]. The second one ends the process at once.
func UntilSignal(stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	stopping := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		stopping = append(stopping, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stopping...)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			cancel(&SignalError{s})
		case <-done:
			return
		}
		impatient := false
		timer := clock.System().NewTimer(sameSignal)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
				impatient = true
			case s := <-signals:
				if impatient {
					fmt.Fprintln(stderr, "starling: stopped at once; the next start recovers")
					os.Exit((&SignalError{s}).Code())
				}
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// Stdin returns the standard input of a command, for reading until the command
// is interrupted.
func Stdin(c *cobra.Command) io.Reader { return &patientReader{c.Context(), c.InOrStdin()} }

// patientReader reads until ctx ends. A read that waits then is left behind, and
// what it reads is lost; the process ends soon.
type patientReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements [io.Reader].
func (p *patientReader) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(b))
	done := make(chan result, 1)
	go func() {
		n, err := p.r.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(b, own[:r.n]), r.err
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
}

// ReadHidden reads a line from a terminal without showing it. If ctx ends
// meanwhile, the terminal is left as it was before.
func ReadHidden(ctx context.Context, tty *os.File) (string, error) {
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return "", err
	}
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := term.ReadPassword(int(tty.Fd()))
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return string(r.line), r.err
	case <-ctx.Done():
		if err := term.Restore(int(tty.Fd()), before); err != nil {
			return "", err
		}
		return "", ctx.Err()
	}
}
