// Package walletcmd holds the commands about wallets and balances. They work the
// same whether the node runs or not.
//
// It never chooses coins or signs, and asks for secrets on the terminal only,
// never in an argument. It starts no goroutine of its own.
package walletcmd
