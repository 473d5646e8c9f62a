package main

import (
	"fmt"
	"os"
	"runtime"
)

// tb is the harness's view of a test, for a program.
type tb struct {
	cleanups []func()
	failed   bool
}

func (t *tb) Helper() {}

func (t *tb) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	t.failed = true
	t.finish()
	runtime.Goexit()
}

func (t *tb) Fatalf(format string, args ...any) { t.Fatal(fmt.Sprintf(format, args...)) }

func (t *tb) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	t.failed = true
}

func (t *tb) TempDir() string {
	dir, err := os.MkdirTemp("", "starling-bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (t *tb) Cleanup(fn func()) { t.cleanups = append(t.cleanups, fn) }

// finish runs the clean-ups, last first, and ends the program.
func (t *tb) finish() {
	for len(t.cleanups) > 0 {
		fn := t.cleanups[len(t.cleanups)-1]
		t.cleanups = t.cleanups[:len(t.cleanups)-1]
		fn()
	}
	if t.failed {
		os.Exit(1)
	}
}
