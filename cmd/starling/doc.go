// Command starling is a Bitcoin full node and the tools to talk to it.
//
// This package holds commands, flags and output, and no logic of the node: it
// reads the settings, puts the parts together, and shows what they say. A bad
// command line ends with one line and exit code 2, any other failure with one
// line and exit code 1.
package main
