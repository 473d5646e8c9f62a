// Package telemetry counts what the packages below show of themselves, and
// serves it to Prometheus.
//
// [Metrics] implements the observers of chain, peer, connmgr, netsync and
// mempool. It keeps its own registry, never the library's global one, so that several nodes
// can live in one process. It decides nothing and changes nothing: taking it
// away leaves the node as it was.
//
// What others can name (commands, reasons, reject strings) becomes a label only
// if it belongs to a known, small set; the rest is counted together. So no peer
// can make the metrics grow.
//
// [Metrics.Serve] runs the goroutines of one HTTP server and returns when they
// are gone. Nothing else here starts a goroutine.
package telemetry
