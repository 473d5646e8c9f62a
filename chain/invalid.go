package chain

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"sync"

	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// invalidVersion is the version of the file of invalid blocks: hashes, one
// after the other.
const invalidVersion = 1

// invalidList holds the blocks that the operator has declared invalid. The
// index knows them too, but not whether a block has failed for that reason, and
// what is worked out anew from the block files must not forget them.
type invalidList struct {
	mu  sync.Mutex
	set map[wire.Hash]struct{}
}

func (l *invalidList) has(h wire.Hash) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.set[h]
	return ok
}

func (c *Chain) invalidFile() string { return path.Join(c.cfg.Dir, "blocks", "invalid.dat") }

// loadInvalid reads the list.
func (c *Chain) loadInvalid() error {
	c.invalid.set = make(map[wire.Hash]struct{})
	b, err := store.ReadFileChecked(c.cfg.FS, c.invalidFile(), invalidVersion)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var corrupt *store.CorruptError
	if errors.As(err, &corrupt) {
		corrupt.Advice = "delete the file; a rebuild with --reindex will then try again what was declared invalid"
	}
	if err != nil {
		return err
	}
	for ; len(b) >= wire.HashSize; b = b[wire.HashSize:] {
		c.invalid.set[wire.Hash(b[:wire.HashSize])] = struct{}{}
	}
	return nil
}

// changeInvalid adds and removes blocks, and writes the list if that changes it.
// Only the writer calls it; headers that come meanwhile are looked for in the list
// as it was and do not wait for the disk.
func (c *Chain) changeInvalid(add, remove []*headertree.Node) error {
	l := &c.invalid
	l.mu.Lock()
	old := l.set
	l.mu.Unlock()
	set := maps.Clone(old)
	for _, n := range add {
		set[n.Hash] = struct{}{}
	}
	for _, n := range remove {
		delete(set, n.Hash)
	}
	if maps.Equal(set, old) {
		return nil
	}
	b := make([]byte, 0, len(set)*wire.HashSize)
	for h := range set {
		b = append(b, h[:]...)
	}
	if err := store.WriteFileAtomic(c.cfg.FS, c.invalidFile(), invalidVersion, b); err != nil {
		return err
	}
	l.mu.Lock()
	l.set = set
	l.mu.Unlock()
	return nil
}

// declaredInvalid returns the blocks of the list that lie on a chain with n. Those
// of other branches are not among them, though they may build on some that are.
func (c *Chain) declaredInvalid(n *headertree.Node) (list []*headertree.Node) {
	c.invalid.mu.Lock()
	defer c.invalid.mu.Unlock()
	for h := range c.invalid.set {
		if d := c.tree.Lookup(h); d != nil && (d.IsAncestorOf(n) || n.IsAncestorOf(d)) {
			list = append(list, d)
		}
	}
	return list
}

// failInvalid marks the blocks of the list that are among the headers. It comes
// after the headers that build on them, which would be refused.
func (c *Chain) failInvalid() {
	c.invalid.mu.Lock()
	set := maps.Clone(c.invalid.set)
	c.invalid.mu.Unlock()
	for h := range set {
		if n := c.tree.Lookup(h); n != nil && !n.Has(headertree.Failed) {
			c.markFailed(n)
		}
	}
}
