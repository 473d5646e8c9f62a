// Package cluster keeps the graph of unconfirmed transactions in the order in
// which blocks should take them.
//
// Transactions that depend on each other, directly or through others, form a
// cluster. Each cluster is kept as one list, its linearisation: parents before
// children, and what pays best per size as early as that allows. Cut into
// pieces whose fee rate never rises from one to the next, the list gives the
// cluster's chunks. A block takes chunks from all clusters, best first; a full
// mempool drops the worst; a replacement is judged by what it does to the
// chunks. Clusters are small (at most 64 transactions), so that all of this is
// exact or close to it, and quick.
//
// A [Graph] is changed through a [Stage] alone: what is tried there can be
// measured against what is, and is then committed or forgotten.
//
// The package knows of a transaction what [Graph] needs: fee, size, and what
// it depends on. It never looks at scripts, time or policy, and does no I/O.
// What it decides follows from the calls made, in their order, and nothing
// else.
//
// No goroutine runs here and there are no locks: calls that change a graph or
// a stage exclude all others, calls that only read a graph may run together.
package cluster
