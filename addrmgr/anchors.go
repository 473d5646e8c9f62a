package addrmgr

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/addrmgr/netaddr"
	"starling/store"
)

// MaxAnchors is how many peers are remembered to be the first ones after a
// restart: those that only blocks were exchanged with, which nobody learns of
// from outside.
const MaxAnchors = 2

const anchorsVersion = 1

// SaveAnchors writes the anchors to a file, at most [MaxAnchors] of them.
func SaveAnchors(fsys vfs.FS, file string, anchors []netaddr.Addr) error {
	var b []byte
	for _, a := range anchors[:min(len(anchors), MaxAnchors)] {
		b = a.AppendKey(b)
	}
	if err := store.WriteFileAtomic(fsys, file, anchorsVersion, b); err != nil {
		return fmt.Errorf("anchors: %w", err)
	}
	return nil
}

// LoadAnchors reads the anchors. No file means no anchors. An error means that
// there are none, and does not hinder anything.
func LoadAnchors(fsys vfs.FS, file string) ([]netaddr.Addr, error) {
	data, err := store.ReadFileChecked(fsys, file, anchorsVersion)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("anchors: %w", err)
	}
	var anchors []netaddr.Addr
	for len(data) > 0 && len(anchors) < MaxAnchors {
		a, rest, ok := netaddr.DecodeKey(data)
		if !ok {
			return nil, fmt.Errorf("anchors: %w", errBook)
		}
		anchors, data = append(anchors, a), rest
	}
	return anchors, nil
}

// RemoveAnchors removes the file once its peers are about to be dialled, so that
// they serve once only: who was able to bring this node down must not meet it
// again each time.
func RemoveAnchors(fsys vfs.FS, file string) error {
	if err := fsys.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("anchors: %w", err)
	}
	return nil
}
