package store

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestOpenBlockFile reads files beside which there is a key, or none, from
// their beginning and again from places within.
func TestOpenBlockFile(t *testing.T) {
	magic := [4]byte{0xf9, 0xbe, 0xb4, 0xd9}
	plain := append(magic[:], "and what follows, for longer than the key is"...)
	key := xor{1, 2, 3, 4, 5, 6, 7, 0xff}
	hidden := bytes.Clone(plain)
	key.apply(hidden, 0)
	damaged := bytes.Clone(hidden)
	damaged[0] ^= 0xff
	mended := bytes.Clone(plain)
	mended[0] ^= 0xff
	for _, tc := range []struct {
		about, name string
		key         []byte // nil for no file
		in, want    []byte
	}{
		{"no key", "blk00000.dat", nil, plain, plain},
		{"hidden", "blk00000.dat", key[:], hidden, plain},
		{"hidden under another name", "copy.dat", key[:], hidden, plain},
		{"hidden, its beginning damaged", "blk00000.dat", key[:], damaged, mended},
		{"plain beside a key", "blk00000.dat", key[:], plain, plain},
		{"something else beside a key", "bootstrap.dat", key[:], []byte("junk first"), []byte("junk first")},
		{"key of zeros", "blk00000.dat", make([]byte, 8), plain, plain},
		{"empty", "blk00000.dat", key[:], nil, nil},
		{"key cut short", "blk00000.dat", key[:7], hidden, nil},
	} {
		t.Run(tc.about, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, tc.name)
			if err := os.WriteFile(path, tc.in, 0o600); err != nil {
				t.Fatal(err)
			}
			if tc.key != nil {
				if err := os.WriteFile(filepath.Join(dir, XORFile), tc.key, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := OpenBlockFile(path, magic)
			if tc.key != nil && len(tc.key) != xorKey {
				if err == nil {
					t.Fatal("a short key was taken")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for _, from := range []int64{0, 3, 8, 13} {
				if from > int64(len(tc.want)) {
					continue
				}
				if _, err := r.Seek(from, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(io.MultiReader(io.LimitReader(r, 5), r))
				if err != nil || !bytes.Equal(got, tc.want[from:]) {
					t.Errorf("from %d: %q, %v", from, got, err)
				}
			}
		})
	}
}
