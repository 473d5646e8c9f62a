package gcs

import (
	"starling/chain/coins"
	"starling/wire"
)

// opReturn starts the scripts of outputs that nobody can spend. They are left
// out, so that an output may commit to the filter of its own block.
const opReturn = 0x6a

// Basic returns the basic filter of a block (BIP158): the scripts of the outputs
// that it makes and of those that it spends. undo holds the latter.
func Basic(b *wire.Block, undo *coins.Undo) []byte {
	n := 0
	for i := range b.Txs {
		n += len(b.Txs[i].Out)
	}
	for _, spent := range undo.Spent {
		n += len(spent)
	}
	items := make([][]byte, 0, n)
	for i := range b.Txs {
		for j := range b.Txs[i].Out {
			if s := b.Txs[i].Out[j].Script; len(s) > 0 && s[0] != opReturn {
				items = append(items, s)
			}
		}
	}
	for _, spent := range undo.Spent {
		for i := range spent {
			if s := spent[i].Script; len(s) > 0 {
				items = append(items, s)
			}
		}
	}
	return Build(Key(b.Hash()), items)
}
