// Package chaintest makes valid blocks for tests, on networks whose proof of
// work costs nothing. Outputs can be spent by anyone with an empty script.
//
// It never validates what it makes, and no program may import it. It starts no
// goroutine.
package chaintest
