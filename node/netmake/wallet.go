package netmake

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"

	"starling/address"
	"starling/node"
	"starling/node/settings"
	"starling/params"
	"starling/store"
	"starling/wallet"
)

// NewAddress takes a new address of a wallet on a network that is still to
// be made, so that its first block can pay it. A wallet that is not there is
// made, and loaded by the node from then on; then its seed phrase is returned
// too, also if something fails after that.
func NewAddress(ctx context.Context, cfg *settings.Settings, net *params.Network, name string) (to address.Address, mnemonic string, err error) {
	dir := cfg.NetDirOf(net)
	lock, err := store.LockDir(vfs.Default, dir)
	if err != nil {
		return to, "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	m, err := wallet.New(wallet.Config{Chain: wallet.Detached(net), Dir: node.WalletDir(dir)})
	if err != nil {
		return to, "", err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	w, err := m.Load(ctx, name)
	if errors.Is(err, wallet.ErrNotFound) {
		if w, mnemonic, err = m.Create(ctx, wallet.Options{Name: name}); err == nil {
			err = m.LoadOnStartup(name, true)
		}
	}
	if err != nil {
		return to, mnemonic, err
	}
	to, err = w.NewAddress("", "")
	return to, mnemonic, err
}
