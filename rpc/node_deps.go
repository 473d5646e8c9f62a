package rpc

import (
	"log/slog"
	"slices"
	"time"

	"starling/params"
)

// nodeClock is a clock that can be moved for tests.
type nodeClock interface {
	Set(t time.Time) // the zero time goes back to the real one
}

// LogLevels changes what is logged while the node runs.
type LogLevels interface {
	Names() []string
	Level(part string) slog.Level
	Set(part string, level slog.Level) error
}

// nodeIndex tells how far an index is.
type nodeIndex interface {
	Height() (height int32, synced bool)
}

// NodeDeps is what the methods about the node itself need.
type NodeDeps struct {
	Network *params.Network
	Clock   nodeClock
	Logs    LogLevels
	Stop    func() // begins the shutdown
	Uptime  func() time.Duration
	Active  func() []ActiveCall // the calls in progress
	TxIndex nodeIndex           // nil if the node keeps none
}

// nodeAPI answers the methods.
type nodeAPI struct{ NodeDeps }

// nodeMethods returns the methods about the node itself, and those that need no node.
// Help is about the methods of table.
func nodeMethods(d NodeDeps, table *Table) []*Method {
	a := &nodeAPI{d}
	return slices.Concat(a.controlMethods(table), a.utilMethods())
}

func (a *nodeAPI) network() *params.Network { return a.Network }
