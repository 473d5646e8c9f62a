package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// XORFile is the name of the file, beside block files that Bitcoin Core has
	// written since version 28, with the key that hides what is in them.
	XORFile = "xor.dat"
	xorKey  = 8
)

// OpenBlockFile opens a file of blocks for reading that another program may
// have written: one that is hidden by a key beside it reads as if it were not.
// As such count those that begin with the hidden magic, and those that are
// called like block files and do not begin with the plain one.
func OpenBlockFile(path string, magic [4]byte) (io.ReadSeekCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	key, err := readXORKey(filepath.Join(filepath.Dir(path), XORFile))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	var head [4]byte
	if _, err := f.ReadAt(head[:], 0); err != nil && err != io.EOF {
		return nil, errors.Join(err, f.Close())
	}
	hidden := magic
	key.apply(hidden[:], 0)
	named, err := filepath.Match("blk*.dat", filepath.Base(path))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if head != hidden && (head == magic || !named) {
		key = xor{}
	}
	return &xorReader{f: f, key: key}, nil
}

// readXORKey reads a key; none, or one of zeros, hides nothing.
func readXORKey(path string) (key xor, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return key, nil
	}
	if err != nil {
		return key, err
	}
	if len(b) != len(key) {
		return key, fmt.Errorf("%s has %d bytes; the key of block files has %d", path, len(b), len(key))
	}
	return xor(b), nil
}

// xor is a key. It hides what stands at a place of a file, and shows it again.
type xor [xorKey]byte

func (k *xor) apply(b []byte, offset int64) {
	for i := range b {
		b[i] ^= k[(offset+int64(i))%xorKey]
	}
}

// xorReader shows what is hidden in a file.
type xorReader struct {
	f   *os.File
	key xor
	off int64
}

// Read implements [io.Reader].
func (r *xorReader) Read(b []byte) (int, error) {
	n, err := r.f.Read(b)
	r.key.apply(b[:n], r.off)
	r.off += int64(n)
	return n, err
}

// Seek implements [io.Seeker].
func (r *xorReader) Seek(offset int64, whence int) (int64, error) {
	n, err := r.f.Seek(offset, whence)
	if err == nil {
		r.off = n
	}
	return n, err
}

// Close implements [io.Closer].
func (r *xorReader) Close() error { return r.f.Close() }
