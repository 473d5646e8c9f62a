// Package walletrpc holds the methods about wallets: their files, addresses,
// coins, history, payments and signatures. A call is for the wallet that its path
// names, see [WithWallet], or for the only one that is loaded.
//
// It never chooses coins, signs or stores: package wallet does, and this package
// puts its answers into Core's words. It starts no goroutine.
package walletrpc
