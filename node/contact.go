package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// contactFile is the file, in the data directory, that says where the node on
// it answers calls: an address and, on a second line, the directory, since a
// copy of the directory is another node.
const contactFile = ".rpc"

// writeContact leaves the file for commands that are given the directory.
func (n *Node) writeContact() error {
	fs, path := n.cfg.Server.FS, n.contactPath()
	tmp := path + ".new"
	f, err := fs.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(n.contactText()))
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fs.Remove(tmp))
	}
	return fs.Rename(tmp, path)
}

// removeContact deletes the file.
func (n *Node) removeContact() {
	if err := n.cfg.Server.FS.Remove(n.contactPath()); err != nil {
		n.part("rpc").Warn("the file that says where calls are answered is not removed", "err", err)
	}
}

func (n *Node) contactPath() string {
	return n.cfg.Server.FS.PathJoin(n.cfg.Server.Dir, contactFile)
}

func (n *Node) contactText() string {
	return n.RPCAddr().String() + "\n" + absolute(n.cfg.Server.Dir) + "\n"
}

// Contact returns where the node on a data directory answers calls, or did
// before it was killed; "" if none has said so.
func Contact(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, contactFile))
	if err != nil {
		return ""
	}
	addr, rest, _ := strings.Cut(string(b), "\n")
	if strings.TrimSuffix(rest, "\n") != absolute(dir) {
		return ""
	}
	return addr
}

func absolute(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	return abs
}
