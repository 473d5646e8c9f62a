package noderpc

import (
	"log/slog"
	"slices"
	"time"

	"starling/params"
	"starling/rpc/jsonrpc"
)

// ClockSetter moves the node's clock, for tests.
type ClockSetter interface {
	Set(t time.Time) // the zero time goes back to the real one
}

// LogLevels changes what is logged while the node runs.
type LogLevels interface {
	Names() []string
	Level(part string) slog.Level
	Set(part string, level slog.Level) error
}

// Index tells how far an index is.
type Index interface {
	Height() (height int32, synced bool)
}

// Deps is what the methods about the node itself need.
type Deps struct {
	Network *params.Network
	Clock   ClockSetter
	Logs    LogLevels
	Stop    func() // begins the shutdown; nil if no call may do that
	Uptime  func() time.Duration
	Active  func() []jsonrpc.ActiveCall // the calls in progress
	TxIndex Index                       // nil if the node keeps none
	Filters Index                       // of block filters; nil likewise
}

// api answers the methods.
type api struct{ Deps }

// Methods returns the methods about the node itself, and those that need no node.
// Help is about the methods of table.
func Methods(d Deps, table *jsonrpc.Table) []*jsonrpc.Method {
	a := &api{d}
	return slices.Concat(a.controlMethods(table), a.utilMethods())
}

func (a *api) network() *params.Network { return a.Network }
