// Package harness runs real nodes as processes, Starling and btcd, for tests
// and benchmarks that need them as peers of each other. Everything stays on
// the loopback interface and in temporary directories.
//
// It owns the processes that it starts, and ends them with the test. It never
// looks into a node but through its RPC. One goroutine waits for each process.
package harness
