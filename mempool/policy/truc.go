package policy

import (
	"fmt"

	"starling/wire"
)

const (
	// TRUCVersion is the transaction version that opts into the rules of
	// "topologically restricted until confirmed" transactions (BIP431).
	TRUCVersion = 3
	// MaxTRUCVSize is their greatest size in virtual bytes, and
	// MaxTRUCChildVSize that of one which spends an unconfirmed output.
	MaxTRUCVSize      = 10_000
	MaxTRUCChildVSize = 1_000
	// trucFamily is how many unconfirmed transactions may hang together: a
	// parent and a child.
	trucFamily = 2

	trucReason = "TRUC-violation"
)

// Relative is what the rules ask about an unconfirmed parent or its child.
// Counts include the transaction itself.
type Relative struct {
	Tx          *wire.Tx
	Ancestors   int
	Descendants int
}

// Parent is an unconfirmed parent with its children.
type Parent struct {
	Relative
	Children []Relative
}

// CheckTRUC checks the rules of BIP431 for tx, whose size is vsize and whose
// unconfirmed parents are given. replaces tells whether a transaction is about
// to leave for tx. If tx is refused only because a parent has a child already,
// that child is returned as sibling: it may be replaced instead.
func CheckTRUC(tx *wire.Tx, vsize int64, parents []Parent, replaces func(txid wire.Hash) bool) (sibling *wire.Tx, err *Error) {
	if err := inherits(tx, parents); err != nil {
		return nil, err
	}
	if tx.Version != TRUCVersion {
		return nil, nil
	}
	if vsize > MaxTRUCVSize {
		return nil, reject(trucReason, "version=3 tx %s is too big: %d > %d virtual bytes", name(tx), vsize, MaxTRUCVSize)
	}
	if len(parents)+1 > trucFamily {
		return nil, tooManyAncestors(tx)
	}
	if len(parents) == 0 {
		return nil, nil
	}
	parent := &parents[0]
	if parent.Ancestors+1 > trucFamily {
		return nil, tooManyAncestors(tx)
	}
	if vsize > MaxTRUCChildVSize {
		return nil, childTooBig(tx, vsize)
	}
	for i := range parent.Children {
		if replaces(parent.Children[i].Tx.TxID()) {
			return nil, nil // the child that there is makes room
		}
	}
	if parent.Descendants+1 <= trucFamily {
		return nil, nil
	}
	// After a reorganisation there may be more relatives than the rules allow;
	// none of these can be told to leave.
	if len(parent.Children) == 1 {
		if c := &parent.Children[0]; parent.Descendants == 2 && c.Ancestors == 2 {
			sibling = c.Tx
		}
	}
	return sibling, tooManyDescendants(parent.Tx)
}

// CheckPackageTRUC checks the rules for tx among the other transactions of
// its package. CheckTRUC has passed for each by itself. parents are those of
// tx in the pool.
func CheckPackageTRUC(tx *wire.Tx, vsize int64, pkg []*wire.Tx, parents []Parent) *Error {
	if err := inherits(tx, parents); err != nil {
		return err
	}
	id := tx.TxID()
	var inPackage []*wire.Tx
	for _, p := range pkg {
		if p != tx && spends(tx, p.TxID()) {
			inPackage = append(inPackage, p)
		}
	}
	for _, p := range inPackage {
		if err := inherit(tx, p); err != nil {
			return err
		}
	}
	if tx.Version != TRUCVersion {
		return nil
	}
	if len(parents)+len(inPackage)+1 > trucFamily {
		return tooManyAncestors(tx)
	}
	var parent *wire.Tx
	hasChild := false
	switch {
	case len(parents) > 0:
		if parents[0].Ancestors+1 > trucFamily {
			return tooManyAncestors(tx)
		}
		parent, hasChild = parents[0].Tx, parents[0].Descendants > 1
	case len(inPackage) > 0:
		parent = inPackage[0]
	default:
		return nil
	}
	if vsize > MaxTRUCChildVSize {
		return childTooBig(tx, vsize)
	}
	parentID := parent.TxID()
	for _, p := range pkg {
		if p == tx {
			continue
		}
		if spends(p, parentID) {
			return tooManyDescendants(parent)
		}
		if spends(p, id) {
			return tooManyAncestors(p)
		}
	}
	if hasChild {
		return tooManyDescendants(parent)
	}
	return nil
}

// inherits checks that tx is of the version that its parents ask for: all or
// none of a family follow the rules.
func inherits(tx *wire.Tx, parents []Parent) *Error {
	for i := range parents {
		if err := inherit(tx, parents[i].Tx); err != nil {
			return err
		}
	}
	return nil
}

func inherit(tx, parent *wire.Tx) *Error {
	switch {
	case tx.Version != TRUCVersion && parent.Version == TRUCVersion:
		return reject(trucReason, "non-version=3 tx %s cannot spend from version=3 tx %s", name(tx), name(parent))
	case tx.Version == TRUCVersion && parent.Version != TRUCVersion:
		return reject(trucReason, "version=3 tx %s cannot spend from non-version=3 tx %s", name(tx), name(parent))
	}
	return nil
}

func tooManyAncestors(tx *wire.Tx) *Error {
	return reject(trucReason, "tx %s would have too many ancestors", name(tx))
}

func tooManyDescendants(parent *wire.Tx) *Error {
	return reject(trucReason, "tx %s would exceed descendant count limit", name(parent))
}

func childTooBig(tx *wire.Tx, vsize int64) *Error {
	return reject(trucReason, "version=3 child tx %s is too big: %d > %d virtual bytes", name(tx), vsize, MaxTRUCChildVSize)
}

// name writes both ids of a transaction, as Core does in these sentences.
func name(tx *wire.Tx) string { return fmt.Sprintf("%v (wtxid=%v)", tx.TxID(), tx.WTxID()) }

// spends reports whether tx spends an output of the transaction with an id.
func spends(tx *wire.Tx, id wire.Hash) bool {
	for i := range tx.In {
		if tx.In[i].PrevOut.Hash == id {
			return true
		}
	}
	return false
}
