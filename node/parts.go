package node

import (
	"log/slog"

	"starling/internal/loglevel"
)

// Parts are the parts of a node that log. Each has a log level of its own.
func Parts() []string {
	return []string{"chain", "cmd", "index", "mempool", "metrics", "mining", "net", "peer", "rpc", "server", "wallet"}
}

// Logs returns loggers of the parts of a node, made from one.
func Logs(log *slog.Logger) func(part string) *slog.Logger {
	return func(part string) *slog.Logger { return log.With(loglevel.PartKey, part) }
}
