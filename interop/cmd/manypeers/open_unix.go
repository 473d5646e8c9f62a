//go:build unix

package main

import (
	"fmt"
	"syscall"
)

// allowOpen lets this process have so many files open.
func allowOpen(count int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	want := uint64(count)
	if uint64(l.Cur) >= want {
		return nil
	}
	set := l
	set.Cur = max(set.Cur, want)
	set.Max = max(set.Max, want) // which only an administrator may raise
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &set); err != nil {
		return fmt.Errorf("%d descriptors are needed and the system allows %d; raise it with ulimit -Hn", want, l.Max)
	}
	return nil
}
