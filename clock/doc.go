// Package clock is the only place in Starling that asks what time it is.
//
// Whatever depends on the time of day or waits for a while takes a [Clock]:
// [System] in production, [Mock] in tests, and [Settable] where an operator
// may set the time by hand. Sockets keep their deadlines in real time, and how
// long work takes is measured in real time too; neither is protocol time.
//
// The package decides nothing and keeps no global state. A mock starts no
// goroutine. A Settable clock's timers use the runtime's own while it follows
// the system; nothing has to be closed.
package clock
