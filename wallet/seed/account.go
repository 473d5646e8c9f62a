package seed

import (
	"fmt"

	"starling/params"
	"starling/script/descriptor"
)

// Purpose is the first step of an account's path: the number of the BIP that
// says what its addresses are.
type Purpose uint32

// The purposes.
const (
	BIP44 Purpose = 44 // pay to public key hash
	BIP49 Purpose = 49 // pay to witness public key hash, behind a script hash
	BIP84 Purpose = 84 // pay to witness public key hash
	BIP86 Purpose = 86 // taproot, by key only
)

// form returns the descriptor of a key.
func (p Purpose) form() (string, bool) {
	switch p {
	case BIP44:
		return "pkh(%s)", true
	case BIP49:
		return "sh(wpkh(%s))", true
	case BIP84:
		return "wpkh(%s)", true
	case BIP86:
		return "tr(%s)", true
	}
	return "", false
}

// CoinType returns the second step of an account's path: 0 on Bitcoin's main
// network, 1 on all others (SLIP-44).
func CoinType(net *params.Network) uint32 {
	if net.Name == "main" {
		return 0
	}
	return 1
}

// Account returns the two descriptors of an account below a master key: the
// addresses that it gives out, and those for change. If the master key is
// private, as from [Master], the descriptors are.
func Account(master string, purpose Purpose, account uint32, net *params.Network) (receive, change *descriptor.Descriptor, err error) {
	form, ok := purpose.form()
	if !ok {
		return nil, nil, fmt.Errorf("there is no account of purpose %d", purpose)
	}
	if account > descriptor.MaxIndex {
		return nil, nil, fmt.Errorf("account %d is above %d", account, uint32(descriptor.MaxIndex))
	}
	key := fmt.Sprintf("%s/%dh/%dh/%dh/<0;1>/*", master, purpose, CoinType(net), account)
	ds, err := descriptor.Parse(fmt.Sprintf(form, key), net)
	if err != nil {
		return nil, nil, err
	}
	return ds[0], ds[1], nil
}
