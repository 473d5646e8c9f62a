// Package eventheap plays a network in virtual time, for tests and simulation: a
// heap of events, dice that are split by node and purpose, and a trace of what was
// decided. The same seed gives the same events in the same order, the same numbers
// and so, where what is played hangs on nothing else, the same trace to the byte:
// in every run, process and on every machine.
//
// It owns the virtual time and the order of events: by time, and at one time in
// the order in which they were put in. It never looks at a clock and starts no
// goroutine; whatever it plays runs on the goroutine that calls [Heap.Run], and
// the heap is for that one alone.
package eventheap
