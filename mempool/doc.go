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
// and saves the pool now and then.
package mempool
