package settings

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"starling/internal/layered"
	"starling/internal/nearest"
	"starling/params"
	"starling/params/netfile"
	"starling/wire"
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
func (s *Settings) OwnNetworks() []string { return ownNetworks(s.DataDir()) }

// findNetwork finds the network that the settings name: a built-in one, one
// whose file is in the data directory, or one in a file.
func findNetwork(v *layered.Values, dir string) (*params.Network, *layered.Error) {
	word := v.Text("network")
	if n, err := params.ByName(word); err == nil {
		return n, nil
	}
	path := NetworkFile(dir, word)
	isPath := strings.ContainsAny(word, `/\`) || strings.HasSuffix(word, networkExt)
	if isPath {
		path = word
	}
	n, err := netfile.Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && isPath:
		return nil, v.Fail("network", "there is no file %s", path)
	case errors.Is(err, fs.ErrNotExist):
		names := append(params.Names(), ownNetworks(dir)...)
		near := ""
		if s := nearest.Word(word, names); s != "" {
			near = "; did you mean " + s + "?"
		}
		absent := v.Fail("network", "no network is called %q%s (there are %s; \"starling network create\" makes one)", word, near, strings.Join(names, ", "))
		absent.Absent = true
		return nil, absent
	case err != nil:
		return nil, v.Fail("network", "%v", err)
	case !isPath && n.Name != word:
		return nil, v.Fail("network", "the file %s describes network %s", path, n.Name)
	}
	return n, nil
}

// settleNetwork applies what may be changed of the network.
func (s *Settings) settleNetwork() error {
	n := s.Server.Network
	var err error
	if t := s.Text("signet-challenge"); t != "" {
		b, err := hex.DecodeString(t)
		if err != nil {
			return s.Fail("signet-challenge", "not hexadecimal digits")
		}
		if !n.IsSignet() {
			return s.Fail("signet-challenge", "only for --network signet")
		}
		n = params.SignetWith(b)
	}
	switch t := s.Text("assume-valid"); t {
	case "":
	case "0":
		n.AssumeValid = wire.Hash{}
	default:
		if n.AssumeValid, err = wire.HashFromString(t); err != nil {
			return s.Fail("assume-valid", "want a block hash of 64 hexadecimal digits, or 0")
		}
	}
	if t := s.Text("min-chain-work"); t != "" {
		digits := strings.TrimLeft(strings.TrimPrefix(t, "0x"), "0")
		if digits == "" {
			digits = "0"
		}
		if n.MinimumChainWork, err = uint256.FromHex("0x" + digits); err != nil {
			return s.Fail("min-chain-work", "want up to 64 hexadecimal digits")
		}
	}
	s.Server.Network = n
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
func (s *Settings) NetDirOf(n *params.Network) string {
	dir := s.DataDir()
	if s.NodeID != 0 {
		dir = filepath.Join(dir, nodeDir(s.NodeID))
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
func (s *Settings) settleNodeID() error {
	t := s.Text("node-id")
	if t == "" {
		return nil
	}
	id, err := strconv.Atoi(t)
	if err != nil || id < 1 || id > maxNodeID {
		return s.Fail("node-id", "%q is not a port number from 1 to %d", t, maxNodeID)
	}
	s.NodeID = id
	return nil
}
