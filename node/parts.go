package node

import (
	"log/slog"

	"starling/internal/loglevel"
)

// Parts are the parts of a node that have a log level of their own.
func Parts() []string {
	return []string{"addrman", "chain", "cmd", "connmgr", "index", "mempool", "metrics", "mining", "net", "peer", "rpc", "server", "store", "sync"}
}

// Logs returns loggers of the parts of a node, made from one.
func Logs(log *slog.Logger) func(part string) *slog.Logger {
	return func(part string) *slog.Logger { return log.With(loglevel.PartKey, part) }
}
