package moddata

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	// Its test data is read; without an import the module would not be among
	// the requirements.
	_ "github.com/lightninglabs/neutrino/headerlist"
)

// The modules whose data the tests use.
const (
	BTCD     = "github.com/btcsuite/btcd"
	BTCDWire = "github.com/btcsuite/btcd/wire/v2"
	TxScript = "github.com/btcsuite/btcd/txscript/v2"
	Neutrino = "github.com/lightninglabs/neutrino"
)

// dirs remembers where modules are: asking the go command takes a while.
var dirs sync.Map // module path → func() (string, error)

// Path returns the path of a file or directory inside a module that this
// module requires. Safe for concurrent use.
func Path(module string, elem ...string) (string, error) {
	ask, _ := dirs.LoadOrStore(module, sync.OnceValues(func() (string, error) {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
		if err != nil {
			return "", err
		}
		dir := strings.TrimSpace(string(out))
		if dir == "" {
			return "", errors.New("module " + module + " is not in the module cache; run: go mod download")
		}
		return dir, nil
	}))
	dir, err := ask.(func() (string, error))()
	if err != nil {
		return "", err
	}
	return filepath.Join(append([]string{dir}, elem...)...), nil
}
