// Package wallet keeps keys and follows what is paid to them and by them.
//
// A [Manager] holds the wallets of a node. Each [Wallet] is one file in a
// directory of its own. It owns descriptors with their keys, the transactions
// that touch them, labels and locks, and the block that it stands on. It
// follows the chain at its own pace through [Chain], one block at a time, from
// the block it stood on when it was last on disk; so it goes on after any crash
// and goes back in a reorganisation. Unconfirmed transactions come from
// [Pool], to which it gives its own payments, again at each start until they
// are in a block.
//
// What must never be lost is on disk before anybody sees it: a key before its
// address is returned, a payment before it is handed to the pool. Secrets can
// be encrypted with a passphrase; public keys and transactions are not, so
// that a locked wallet still follows the chain and gives out addresses.
//
// The package never validates blocks or transactions, never talks to peers,
// and does not know RPC.
//
// Goroutines: [Manager.Run] has two for each loaded wallet, one that reads blocks
// and one that takes in what the pool tells of; they are gone when it returns.
package wallet
