package settings

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"starling/internal/nearest"
	"starling/params"
	"starling/params/netfile"
)

// networkExt is how the names of network files end.
const networkExt = ".toml"

// NetworksDir is where, in a data directory, the files of networks of one's
// own are found by their names.
func NetworksDir(dataDir string) string { return filepath.Join(dataDir, "networks") }

// NetworkFile is where the file of the network called name is looked for.
func NetworkFile(dataDir, name string) string {
	return filepath.Join(NetworksDir(dataDir), name+networkExt)
}

// ownNetworks lists the names of the networks that have files in a data
// directory.
func ownNetworks(dataDir string) []string {
	entries, err := os.ReadDir(NetworksDir(dataDir))
	if err != nil {
		return nil // there are none, or none that can be used
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), networkExt); ok {
			names = append(names, name)
		}
	}
	return names
}

// OwnNetworks lists the names of the networks of one's own that are found by
// name.
func (c *Config) OwnNetworks() []string { return ownNetworks(c.DataDir()) }

// findNetwork finds the network that the settings name: a built-in one, one
// whose file is in the data directory, or one in a file.
func (c *Config) findNetwork(dir string) *Error {
	word := c.str("network")
	if n, err := params.ByName(word); err == nil {
		c.Network = n
		return nil
	}
	path := NetworkFile(dir, word)
	isPath := strings.ContainsAny(word, `/\`) || strings.HasSuffix(word, networkExt)
	if isPath {
		path = word
	}
	n, err := netfile.Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && isPath:
		return c.fail("network", "there is no file %s", path)
	case errors.Is(err, fs.ErrNotExist):
		names := append(params.Names(), ownNetworks(dir)...)
		near := ""
		if s := nearest.Word(word, names); s != "" {
			near = "; did you mean " + s + "?"
		}
		return &Error{Name: "network", Origin: c.origins["network"], Absent: true,
			Reason: fmt.Sprintf("no network is called %q%s (there are %s; \"starling network create\" makes one)", word, near, strings.Join(names, ", "))}
	case err != nil:
		return c.fail("network", "%v", err)
	case !isPath && n.Name != word:
		return c.fail("network", "the file %s describes network %s", path, n.Name)
	}
	c.Network = n
	return nil
}

const (
	// rpcOffset is how far above a node's number its RPC port is.
	rpcOffset = 10_000
	// maxNodeID leaves room for the RPC port.
	maxNodeID = 65_535 - rpcOffset
)

// NodeDirs is the pattern of the directories of several nodes, in the data
// directory.
const NodeDirs = "node-*"

// nodeDir is the directory of one of several nodes, in the data directory.
func nodeDir(id int) string { return strings.Replace(NodeDirs, "*", strconv.Itoa(id), 1) }

// NetDirOf returns the data directory that a network has by these settings.
func (c *Config) NetDirOf(n *params.Network) string {
	dir := c.DataDir()
	if c.NodeID != 0 {
		dir = filepath.Join(dir, nodeDir(c.NodeID))
	}
	switch {
	case n.Name == "main":
		return dir
	case n.IsSignet() && n.Magic != params.Signet().Magic:
		// All signets have one name and one genesis block, but not one chain.
		return filepath.Join(dir, n.Name+"-"+hex.EncodeToString(n.Magic[:]))
	default:
		return filepath.Join(dir, n.Name)
	}
}

// settleNodeID reads the number that tells several nodes of one user apart.
func (c *Config) settleNodeID() error {
	s := c.str("node-id")
	if s == "" {
		return nil
	}
	id, err := strconv.Atoi(s)
	if err != nil || id < 1 || id > maxNodeID {
		return c.fail("node-id", "%q is not a port number from 1 to %d", s, maxNodeID)
	}
	c.NodeID = id
	return nil
}

// addSeeds makes peers of the seeds that a network's file names, but for this
// node itself.
func (c *Config) addSeeds() {
	for _, seed := range c.Network.FixedSeeds {
		if !slices.Contains(c.AddNode, seed) && !c.listensAt(seed) {
			c.AddNode = append(c.AddNode, seed)
		}
	}
}

// listensAt reports whether an address is plainly one of this node's own.
func (c *Config) listensAt(seed string) bool {
	host, port, err := net.SplitHostPort(seed)
	if err != nil {
		return false
	}
	for _, l := range c.Listen {
		h, p, err := net.SplitHostPort(l)
		if err == nil && p == port && (h == host || isHere(host) && (h == "" || isHere(h))) {
			return true
		}
	}
	return false
}

// isHere reports whether a host is this machine or all its interfaces.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip.IsLoopback() || ip.IsUnspecified()
}
