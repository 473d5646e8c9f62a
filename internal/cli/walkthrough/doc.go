// Package walkthrough holds the commands of the tutorial that this program grew
// from, as thin aliases of the real ones. Two of the tutorial's names, dns and
// addr, are those of real commands, which stand in its group.
//
// It adds no ability: whatever it does, another command does too. It starts no
// goroutine.
package walkthrough
