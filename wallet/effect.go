package wallet

import "starling/wire"

// Effect returns by how much transactions would change what the wallet has: what
// they pay the wallet less what they spend of it. The outputs of earlier ones in
// the list count as there.
func (w *Wallet) Effect(txs []*wire.Tx) (sum int64, err error) {
	made := map[wire.OutPoint]wire.TxOut{}
	spent := map[wire.OutPoint]bool{}
	for _, tx := range txs {
		for i := range tx.In {
			op := tx.In[i].PrevOut
			if spent[op] {
				return 0, paramErrorf("Transaction(s) are spending the same output more than once")
			}
			spent[op] = true
			out, ok := made[op]
			if !ok {
				if out, ok, err = w.lookUp(op); err != nil {
					return 0, err
				}
			}
			if !ok {
				return 0, paramErrorf("One or more transaction inputs are missing or have been spent already")
			}
			if w.Owns(out.Script) {
				sum -= out.Value
			}
		}
		for i := range tx.Out {
			made[wire.OutPoint{Hash: tx.TxID(), Index: uint32(i)}] = tx.Out[i]
			if w.Owns(tx.Out[i].Script) {
				sum += tx.Out[i].Value
			}
		}
	}
	return sum, nil
}
