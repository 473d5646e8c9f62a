// Package mempool keeps the transactions that are valid and wait for a block.
//
// It owns the question whether a transaction may wait here: whether it is
// valid on top of the tip, passes Bitcoin Core's relay policy of today, and is
// worth its place; which ones leave for it; and in which order miners want
// them. A transaction comes in through [Pool.Add] or, with parents that can
// not pay for themselves, [Pool.AddPackage]. Clusters and their linearisation
// come from mempool/cluster, the rules that need no pool from mempool/policy.
//
// It never talks to peers, holds no orphans, remembers no rejects and signs
// nothing: whoever hands a transaction in learns from the [Rejection] what
// there is to remember.
//
// One lock guards all state. Coins are read and scripts checked outside of it,
// so that as many transactions are checked at once as goroutines call Add; what
// may have changed meanwhile is then looked at again. The chain takes the pool
// along with every change of its tip ([Pool.TipMoving]), so nobody ever sees
// the two apart.
//
// Goroutines: only those of [Pool.Run], which drops what has waited too long
// and saves what has changed soon after it has; short-lived ones check scripts
// after a reorganisation and while a saved pool is read.
//
// The rules are those of Core 30 with the clusters of Core 31. Where this
// package differs:
//
//   - The limit on memory counts an estimate of what entries take here, about
//     1,600 bytes for a small one, so a pool of a given size holds a little
//     less than Core's.
//   - The parts of a package are tried one after the other without shutting
//     others out, so that another transaction may come in between. All of them
//     together are judged in one step.
//   - A saved pool keeps families together: what a child pays for comes back
//     with it, where Core loses the parent. The file is of a form of its own.
//     What changes is added to a journal beside it within seconds, and the file
//     is written anew when the journal has outgrown it and at the end, where Core
//     writes a file at the end alone.
//   - A transaction whose inputs are missing counts as confirmed already if one
//     of its first 8 outputs is unspent; Core looks at all, but only in its
//     cache.
//   - What comes back from a disconnected block is refused if it conflicts with
//     the pool, where Core would judge it as a replacement. The pool agreed
//     with that block, so neither happens.
//   - The greatest fee rate that a sender allows is compared with the fee
//     itself, not with what prioritisation makes of it.
//   - The limits on clusters, the bytes that a signature operation counts as
//     and the reach of packages can not be set.
package mempool
