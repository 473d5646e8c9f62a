// Command starling is a Bitcoin full node and the tools to talk to it. All that
// it does is in package starling/internal/cli.
package main
