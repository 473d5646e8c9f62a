// Package rpctypes holds what the methods of a node answer with, as plain
// structs, for the methods and for the programs that call them.
//
// Each field has a help tag, from which the help text of the methods is made.
// Amounts are exact: [Amount] counts satoshi and is written in coins.
//
// It never asks a node for anything, and starts no goroutine.
package rpctypes
