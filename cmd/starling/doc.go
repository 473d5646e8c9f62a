// Command starling is a Bitcoin full node and the tools to talk to it.
//
// This package holds commands, flags and output, and no logic of the node: it
// reads the settings, puts the parts together, and shows what they say. A bad
// command line or setting ends with one line and exit code 2, an interruption
// with 128 and the signal's number, any other failure with one line and exit
// code 1.
package main
