package server

import (
	"context"

	"starling/peer"
	"starling/wire"
)

// handler handles one kind of message of a session, on its goroutine.
type handler func(ctx context.Context, s *session, m wire.Message) error

// on makes a handler from a function for one type of message.
func on[M wire.Message](f func(*session, context.Context, M) error) handler {
	return func(ctx context.Context, s *session, m wire.Message) error { return f(s, ctx, m.(M)) }
}

// handlers returns the table of who handles which message. What is not in it is
// ignored: it belongs to parts that this node does not have, or, like reject and
// alert, to the past.
func handlers() map[string]handler {
	return map[string]handler{
		wire.CmdHeaders:     on((*session).handleHeaders),
		wire.CmdSendHeaders: on((*session).handleSendHeaders),
		wire.CmdInv:         on((*session).handleInv),
		wire.CmdNotFound:    on((*session).handleNotFound),
		wire.CmdBlock:       on((*session).handleBlock),
		wire.CmdTx:          on((*session).handleTx),
		wire.CmdFeeFilter:   on((*session).handleFeeFilter),

		wire.CmdSendCmpct:  on((*session).handleSendCmpct),
		wire.CmdCmpctBlock: on((*session).handleCmpctBlock),
		wire.CmdBlockTxn:   on((*session).handleBlockTxn),

		wire.CmdGetBlockTxn: on((*session).serveTxs),
		wire.CmdGetHeaders:  on((*session).serveHeaders),
		wire.CmdGetBlocks:   on((*session).serveInv),
		wire.CmdGetData:     on((*session).serveData),
		wire.CmdMempool:     on((*session).serveMempool),

		wire.CmdFilterLoad:  on((*session).handleFilterLoad),
		wire.CmdFilterAdd:   on((*session).handleFilterAdd),
		wire.CmdFilterClear: on((*session).handleFilterClear),

		wire.CmdGetCFilters:  on((*session).serveFilters),
		wire.CmdGetCFHeaders: on((*session).serveFilterHeaders),
		wire.CmdGetCFCheckpt: on((*session).serveFilterCheckpoints),

		wire.CmdGetAddr: on((*session).serveAddr),
		wire.CmdAddr:    on((*session).handleAddr),
		wire.CmdAddrV2:  on((*session).handleAddrV2),
	}
}

// Handle implements [peer.Handler].
func (s *session) Handle(ctx context.Context, _ *peer.Peer, m wire.Message) error {
	if h := s.node.handlers[m.Command()]; h != nil {
		return h(ctx, s, m)
	}
	return nil
}
