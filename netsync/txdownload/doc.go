// Package txdownload decides which transaction to ask of whom, and what to do
// with one that cannot be judged yet.
//
// It owns four things: the tracker of announcements and requests (one request
// in flight for each transaction, the next announcer if it fails); the
// orphanage, which keeps transactions whose parents are missing, with memory
// reserved for each peer; the filters that remember what was rejected or
// confirmed a short while ago, so that it is not fetched again; and the search
// for packages of one parent, which pays too little alone, and one child, which
// pays for both.
//
// It is a state machine: the time comes in as an argument, requests go out as
// results, no goroutine runs and nothing is sent. It never checks a transaction
// itself: the caller does, and tells the outcome. A [Manager] is safe for
// concurrent use; its one lock is held while it asks the pool whether it has a
// transaction, so the pool must not call it with its own lock held.
package txdownload
