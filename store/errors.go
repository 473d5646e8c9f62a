package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	// ErrDiskFull is what every [*FullDiskError] is.
	ErrDiskFull = errors.New("store: disk is full")

	// ErrClosed is returned by everything that is used after its Close.
	ErrClosed = errors.New("store: closed")

	// ErrStop is for the callback of an iteration to return when it has seen
	// enough.
	ErrStop = errors.New("store: stop")

	// ErrNotRecord is for the callback of a scan to return when a payload turns
	// out not to be what it looked like: the scan then looks for the next
	// record right behind this one's first byte instead of behind its end.
	ErrNotRecord = errors.New("store: not a record")
)

// CorruptError tells that stored data is damaged or missing. Its text is one
// line that names the place and what to do about it.
type CorruptError struct {
	Path   string // the file or directory
	Offset int64  // where in the file; zero if unknown or at the start
	What   string // what is wrong there
	Advice string // what the person in front of it can do
	Err    error  // the cause, if there is one
}

// Error implements the error interface.
func (e *CorruptError) Error() string {
	var s strings.Builder
	s.WriteString(e.Path)
	s.WriteString(" is damaged")
	if e.Offset > 0 {
		fmt.Fprintf(&s, " at byte %d", e.Offset)
	}
	s.WriteString(": ")
	s.WriteString(e.What)
	if e.Advice != "" {
		s.WriteString("; ")
		s.WriteString(e.Advice)
	}
	return s.String()
}

// WithoutAdvice returns an error about damage that tells nobody what to do, for
// those who have set the file aside already.
func WithoutAdvice(err error) error {
	var c *CorruptError
	if !errors.As(err, &c) {
		return err
	}
	bare := *c
	bare.Advice = ""
	return &bare
}

// Unwrap returns the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

// FullDiskError tells that the disk which holds Path has no room left.
type FullDiskError struct {
	Path  string
	Avail uint64 // bytes left, if they were counted before writing
	Err   error  // the cause; nil if the shortage was seen before writing
}

// Error implements the error interface.
func (e *FullDiskError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("disk is full: only %d MiB left for %s; free some space and start again", e.Avail>>20, e.Path)
	}
	return fmt.Sprintf("disk is full: cannot write %s; free some space and start again", e.Path)
}

// Is makes errors.Is(err, ErrDiskFull) work.
func (e *FullDiskError) Is(target error) bool { return target == ErrDiskFull }

// Unwrap returns the cause.
func (e *FullDiskError) Unwrap() error { return e.Err }

// LockedError tells that another process uses a data directory.
type LockedError struct {
	Dir string
	Err error
}

// Error implements the error interface.
func (e *LockedError) Error() string {
	return fmt.Sprintf("another node is using the data directory %s", e.Dir)
}

// Unwrap returns the cause.
func (e *LockedError) Unwrap() error { return e.Err }

// VersionError tells that a small file was written in a form that this program
// does not read, mostly by a newer one.
type VersionError struct {
	Path       string
	Have, Want uint16
}

// Error implements the error interface.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has format version %d, this program reads version %d", e.Path, e.Have, e.Want)
}

const (
	adviseRecord = "check the disk, then start with --reindex to rebuild from what is readable"
	adviseDB     = "check the disk, then start with --reindex to rebuild it from the block files"
	adviseSmall  = "delete the file to start it afresh"
)

// ioError turns an error of the file system into one of this package's. What
// is typed already stays as it is.
func ioError(path string, err error) error {
	var (
		full    *FullDiskError
		corrupt *CorruptError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &full), errors.As(err, &corrupt), errors.Is(err, ErrClosed):
		return err
	case vfs.IsNoSpaceError(err):
		return &FullDiskError{Path: path, Err: err}
	}
	var about *fs.PathError
	if errors.As(err, &about) && about.Path == path {
		return fmt.Errorf("store: %w", err)
	}
	return fmt.Errorf("store: %s: %w", path, err)
}

// dbError is [ioError] for errors that come from Pebble.
func dbError(dir string, err error) error {
	if err == nil || !pebble.IsCorruptionError(err) || vfs.IsNoSpaceError(err) {
		return ioError(dir, err)
	}
	c := &CorruptError{Path: dir, What: firstLine(err), Advice: adviseDB, Err: err}
	if info := pebble.ExtractDataCorruptionInfo(err); info != nil && info.Path != "" {
		c.Path = info.Path
	}
	return c
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
