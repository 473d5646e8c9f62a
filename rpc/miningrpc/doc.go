// Package miningrpc holds the methods about making blocks: templates for programs
// that search for blocks themselves (BIP22, BIP23, BIP145), blocks on demand, and
// handing blocks and headers in.
//
// It never assembles a block: package mining does. It starts no goroutine.
package miningrpc
