package attach

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"starling/rpc/jsonrpc"

	"starling/node"
	"starling/node/settings"
	"starling/params"
)

// Client returns a client for the node that the settings describe.
func Client(cfg *settings.Settings) *jsonrpc.Client {
	return &jsonrpc.Client{
		Address: Address(cfg), User: cfg.RPC.User, Password: cfg.RPC.Password,
		CookiePath: cfg.RPC.CookiePath,
	}
}

// Address returns where the node of the settings answers calls: where the
// settings say, where the node itself says, or where it would by default. Port 0
// says nothing: the node has taken whichever was free.
func Address(cfg *settings.Settings) string {
	if !cfg.Given("rpc-listen") || strings.HasSuffix(cfg.RPCListen, ":0") {
		if addr := node.Contact(cfg.Server.Dir); addr != "" {
			return Dialable(addr)
		}
	}
	return Dialable(cfg.RPCListen)
}

// Dialable turns an address to listen on into one to connect to.
func Dialable(listen string) string {
	for _, any := range []string{"0.0.0.0:", "[::]:", ":"} {
		if port, ok := strings.CutPrefix(listen, any); ok {
			return "127.0.0.1:" + port
		}
	}
	return listen
}

// Explain adds to the error of a call that found no node where there is one.
func Explain(cfg *settings.Settings, err error) error {
	var auth *jsonrpc.AuthError
	if !errors.As(err, &auth) || !errors.Is(auth.Cause, fs.ErrNotExist) {
		return err
	}
	s := fmt.Sprintf("no node runs on %s (network %s)", cfg.Server.Dir, cfg.Server.Network.Name)
	if others := otherNodes(cfg); len(others) > 0 {
		s += "; to reach the one beside it give " + strings.Join(others, ", or ")
	}
	return errors.New(s)
}

// otherNodes lists the flags that lead to other nodes of the data directory that
// have said where they answer.
func otherNodes(cfg *settings.Settings) []string {
	var flags []string
	look := func(dir, nodeFlag string) {
		for _, name := range append(params.Names(), cfg.OwnNetworks()...) {
			at := filepath.Join(dir, name)
			if name == "main" {
				at = dir
			}
			if at != cfg.Server.Dir && node.Contact(at) != "" {
				flags = append(flags, nodeFlag+"--network "+name)
			}
		}
	}
	look(cfg.DataDir(), "")
	dirs, err := filepath.Glob(filepath.Join(cfg.DataDir(), settings.NodeDirs))
	if err != nil {
		return flags
	}
	for _, dir := range dirs {
		look(dir, "--node-id "+strings.TrimPrefix(filepath.Base(dir), strings.TrimSuffix(settings.NodeDirs, "*"))+" ")
	}
	return flags
}

// NoDataError says that a node has never run where a command was to look.
type NoDataError struct {
	dir, network string
}

// Error implements the error interface.
func (e *NoDataError) Error() string {
	return fmt.Sprintf("there is nothing of network %s in %s yet; \"starling node\" makes a start", e.network, e.dir)
}

// checkData returns a *NoDataError if there is nothing that a command which
// only reads could read.
func checkData(opts Options) error {
	cfg := opts.Settings
	if !opts.Make && !node.HasData(cfg.Server.Dir) {
		return &NoDataError{cfg.Server.Dir, cfg.Server.Network.Name}
	}
	return nil
}
