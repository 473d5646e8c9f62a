package rpc

import (
	"context"
	"log/slog"
	"time"

	"starling/chain"
	"starling/mining"
	"starling/params"
	"starling/server"
	"starling/wallet"
	"starling/wire"
)

// API answers the methods by asking the parts of a node. All fields are set
// before [Server.Ready] and not changed afterwards. TxIndex may be nil: then the
// node has none, and methods that need it say so.
type API struct {
	Node    *server.Node
	Chain   *chain.Chain // the node's
	Miner   *mining.Miner
	Worker  *mining.Worker // nil if the node does not mine by itself
	Tap     *Tap           // observes the node's sessions
	TxIndex TxIndex

	Wallets *wallet.Manager // nil for none

	Clock  MockClock
	Logs   LogLevels
	Stop   func()  // begins the shutdown
	Server *Server // for getrpcinfo
}

// MockClock is a clock that can be moved for tests.
type MockClock interface {
	Now() time.Time
	Set(t time.Time) // the zero time goes back to the real one
}

// LogLevels changes what is logged while the node runs.
type LogLevels interface {
	Names() []string
	Level(part string) slog.Level
	Set(part string, level slog.Level) error
}

// TxIndex finds confirmed transactions by id.
type TxIndex interface {
	// FindTx returns the transaction and its block; ok is false if the index
	// does not have it.
	FindTx(id wire.Hash) (tx *wire.Tx, block wire.Hash, ok bool, err error)
	// Height returns how far the index has got, and whether it has reached
	// the tip.
	Height() (height int32, synced bool)
	// WaitSynced waits until the index has every block of the best chain, or
	// until ctx ends.
	WaitSynced(ctx context.Context) error
}

// network returns the parameters of the node's network.
func (a *API) network() *params.Network { return a.Chain.Network() }

// Table returns the table of all methods, answered by a.
func (a *API) Table() *Table {
	t := new(Table)
	*t = *NewTable(a.blockchainMethods(), a.coinMethods(), a.treeMethods(), a.rawTxMethods(), a.proofMethods(),
		a.miningMethods(), a.netMethods(), a.controlMethods(t), a.utilMethods(), a.walletMethods(),
		a.mempoolMethods(), a.createMethods(), a.signMethods(), a.psbtMethods(), a.descriptorMethods(), a.multisigMethods(), a.messageMethods())
	return t
}

// Methods returns the table without a node behind it, for help and completion.
func Methods() *Table { return new(API).Table() }
