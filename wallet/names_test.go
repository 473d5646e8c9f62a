package wallet

import (
	"errors"
	"testing"
)

// No wallet has the name of a file that lies beside the wallets.
func TestReservedNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"autoload.dat": false, "Autoload.DAT": false, "autoload.dat.new": false, "autoload.dat2": false,
		"autoload": true, "autoload.da": true, "my autoload.dat": true,
	} {
		if err := checkName(name); (err == nil) != ok || err != nil && !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
