package rpc

// Groups is what each group of methods needs of a node.
type Groups struct {
	Chain   ChainDeps
	Txs     TxDeps
	Mempool MempoolDeps
	Mining  MiningDeps
	Net     NetDeps
	Node    NodeDeps
	Wallet  WalletDeps
}

// NewMethods returns the table of all methods.
func NewMethods(g Groups) *Table {
	t := new(Table)
	*t = *NewTable(explainError, chainMethods(g.Chain), txMethods(g.Txs), mempoolMethods(g.Mempool), miningMethods(g.Mining),
		netMethods(g.Net), nodeMethods(g.Node, t), walletMethods(g.Wallet))
	return t
}

// Methods returns the table without a node behind it, for help and completion.
func Methods() *Table { return NewMethods(Groups{}) }
