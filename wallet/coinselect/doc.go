// Package coinselect chooses the coins that a payment spends.
//
// It owns the order in which coins are tried, the surest first ([Lists]), and the
// search ([Select]): a set that needs no change if there is one, else coins drawn
// by chance, else the largest. It decides by what it is given, dice
// included, and knows neither wallets nor scripts nor the pool. It starts no
// goroutine and does no I/O.
package coinselect
