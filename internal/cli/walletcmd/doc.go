// Package walletcmd holds the commands about wallets and balances. They work the
// same whether the node runs or not.
//
// It never chooses coins or signs, and takes secrets from the terminal, the
// standard input or a file, never from an argument. It starts no goroutine of its own.
package walletcmd
