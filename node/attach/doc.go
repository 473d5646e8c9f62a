// Package attach finds the node that a command is about: the one that runs, which
// left word in its data directory of where it answers, or else the data directory
// itself, which is opened in this process for as long as the command takes.
//
// It owns what makes the two look the same: waiting for a data directory that
// another command has for a moment, catching up with the peers before a payment
// and handing the payment over to one of them, so that it is out before the
// command ends. Commands that only read make no directories, so that a mistyped
// one is told.
//
// It never prints and never reads flags. [Open] starts the goroutines of a node
// when it opens one, and the function that it returns ends them.
package attach
