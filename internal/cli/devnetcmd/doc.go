// Package devnetcmd holds the commands about development networks: running one in
// this process, and acting on one that runs.
//
// It decides nothing about the nodes: package devnet does. While a network runs,
// one goroutine shows what happens in it.
package devnetcmd
