package policy

import "starling/wire"

const (
	// MaxPackageCount is how many transactions a package may have, and
	// MaxPackageWeight how much they may weigh together.
	MaxPackageCount  = 25
	MaxPackageWeight = 404_000
)

// CheckPackage checks what can be said of a package by itself: its size, that
// parents come before children, and that no two of its transactions are the
// same or spend the same output.
func CheckPackage(txs []*wire.Tx) *Error {
	if len(txs) > MaxPackageCount {
		return reject("package-too-many-transactions", "")
	}
	weight := 0
	for _, tx := range txs {
		weight += tx.Weight()
	}
	// The weight of a single transaction is a matter of its own.
	if len(txs) > 1 && weight > MaxPackageWeight {
		return reject("package-too-large", "")
	}
	place := make(map[wire.Hash]int, len(txs))
	for i, tx := range txs {
		if _, ok := place[tx.TxID()]; ok {
			return reject("package-contains-duplicates", "")
		}
		place[tx.TxID()] = i
	}
	for i, tx := range txs {
		for j := range tx.In {
			if at, ok := place[tx.In[j].PrevOut.Hash]; ok && at >= i {
				return reject("package-not-sorted", "")
			}
		}
	}
	spent := make(map[wire.OutPoint]int)
	for i, tx := range txs {
		if len(tx.In) == 0 {
			return reject("conflict-in-package", "")
		}
		for j := range tx.In {
			op := tx.In[j].PrevOut
			// One that spends an output twice itself is refused later, for that.
			if by, ok := spent[op]; ok && by != i {
				return reject("conflict-in-package", "")
			}
			spent[op] = i
		}
	}
	return nil
}

// IsChildWithParents reports whether all transactions but the last are parents
// of the last.
func IsChildWithParents(txs []*wire.Tx) bool {
	if len(txs) < 2 {
		return false
	}
	child := txs[len(txs)-1]
	for _, tx := range txs[:len(txs)-1] {
		if !spends(child, tx.TxID()) {
			return false
		}
	}
	return true
}

// IsChildWithParentsTree reports whether IsChildWithParents holds and no
// parent depends on another.
func IsChildWithParentsTree(txs []*wire.Tx) bool {
	if !IsChildWithParents(txs) {
		return false
	}
	parents := txs[:len(txs)-1]
	for _, tx := range parents {
		for _, other := range parents {
			if spends(tx, other.TxID()) {
				return false
			}
		}
	}
	return true
}
