package coins

import (
	"bytes"
	"fmt"

	"starling/wire"
)

// Changes is what connecting a block does to the UTXO set. [Cache.Resolve]
// makes it without changing anything; [Cache.Apply] carries it out.
type Changes struct {
	Block  *wire.Block
	Height int32

	// Coins and Outs hold, for every input of every transaction but the
	// coinbase, in order, the coin it spends: once as a coin and once as the
	// output that script checks want. Input j of transaction i is at
	// First[i]+j.
	Coins []Coin
	Outs  []wire.TxOut
	First []int

	inner    []bool                     // by input: spends an output of this block
	spent    map[wire.OutPoint]struct{} // outputs that this block spends
	hasInner []bool                     // by transaction: one of its outputs is spent in the block
	fresh    bool                       // nothing is overwritten in the store
	over     []overwritten              // coins that outputs of the coinbase take the place of
}

// overwritten is a coin whose place another takes (BIP30).
type overwritten struct {
	op   wire.OutPoint
	coin Coin
}

// MissingError says that an input spends a coin that does not exist, or that
// another input of the block spends as well.
type MissingError struct {
	Tx, Input int
	OutPoint  wire.OutPoint
}

// Error implements the error interface.
func (e *MissingError) Error() string {
	return fmt.Sprintf("input %d of transaction %d spends %v:%d, which is missing or spent",
		e.Input, e.Tx, e.OutPoint.Hash, e.OutPoint.Index)
}

// OverwriteError says that a transaction would overwrite an unspent one with
// the same id (BIP30).
type OverwriteError struct{ OutPoint wire.OutPoint }

// Error implements the error interface.
func (e *OverwriteError) Error() string {
	return fmt.Sprintf("would overwrite the unspent output %v:%d", e.OutPoint.Hash, e.OutPoint.Index)
}

// Spent returns the coins that transaction i spends.
func (ch *Changes) Spent(i int) []Coin {
	return ch.Coins[ch.First[i] : ch.First[i]+len(ch.Block.Txs[i].In)]
}

// SpentOuts returns the outputs that transaction i spends.
func (ch *Changes) SpentOuts(i int) []wire.TxOut {
	return ch.Outs[ch.First[i] : ch.First[i]+len(ch.Block.Txs[i].In)]
}

// Undo returns what takes the changes back. It shares memory with them.
func (ch *Changes) Undo() *Undo {
	u := &Undo{Spent: make([][]Coin, 0, len(ch.Block.Txs)-1)}
	for i := 1; i < len(ch.Block.Txs); i++ {
		u.Spent = append(u.Spent, ch.Spent(i))
	}
	return u
}

// Prefetched holds coins that were read from the store ahead of need.
type Prefetched struct {
	epoch uint64
	coins map[wire.OutPoint]Coin
}

// Prefetch reads from the store the coins that b spends and the cache does
// not hold. It may run beside the writer; what it found is used only if no
// flush has moved coins to the store since.
func (c *Cache) Prefetch(b *wire.Block) *Prefetched {
	if c.dbEmpty.Load() {
		return nil
	}
	p := &Prefetched{epoch: c.epoch.Load()}
	var missing []wire.OutPoint
	c.mu.RLock()
	for i := 1; i < len(b.Txs); i++ {
		for j := range b.Txs[i].In {
			op := b.Txs[i].In[j].PrevOut
			if _, hit := c.entries[op]; !hit {
				missing = append(missing, op)
			}
		}
	}
	c.mu.RUnlock()
	p.coins = make(map[wire.OutPoint]Coin, len(missing))
	for i := range missing {
		// An error is met again, and told, when the coin is needed.
		if coin, ok, err := c.load(&missing[i]); ok && err == nil {
			p.coins[missing[i]] = coin
		}
	}
	return p
}

// Resolve finds the coins that block b at the given height spends. With
// checkOverwrite it also makes sure that no transaction overwrites an unspent
// one (BIP30). pre may be nil. It returns a [MissingError] or an
// [OverwriteError] if the block breaks the rule, and any other error if the
// store fails. Only the writer may call it.
func (c *Cache) Resolve(b *wire.Block, height int32, checkOverwrite bool, pre *Prefetched) (*Changes, error) {
	if checkOverwrite {
		if err := c.checkOverwrite(b); err != nil {
			return nil, err
		}
	}
	ch := newChanges(b, height)
	ch.fresh = checkOverwrite
	misses, err := c.lookUp(ch)
	if err != nil {
		return nil, err
	}
	if err := c.fill(ch, misses, pre); err != nil {
		return nil, err
	}
	if !checkOverwrite {
		if err := c.findOverwritten(ch); err != nil {
			return nil, err
		}
	}
	for k := range ch.Coins {
		ch.Outs[k] = wire.TxOut{Value: ch.Coins[k].Value, Script: ch.Coins[k].Script}
	}
	return ch, nil
}

// newChanges returns changes of which only the block is known.
func newChanges(b *wire.Block, height int32) *Changes {
	n := 0
	for i := 1; i < len(b.Txs); i++ {
		n += len(b.Txs[i].In)
	}
	return &Changes{
		Block: b, Height: height,
		Coins: make([]Coin, n), Outs: make([]wire.TxOut, n), First: make([]int, len(b.Txs)),
		inner: make([]bool, n), spent: make(map[wire.OutPoint]struct{}, n), hasInner: make([]bool, len(b.Txs)),
	}
}

// lookUp finds the coins that the block spends in the cache and in the block
// itself, and returns the inputs for which the store must be asked.
func (c *Cache) lookUp(ch *Changes) (misses []miss, err error) {
	b := ch.Block
	// made maps the ids of the transactions seen so far to their positions.
	made := make(map[wire.Hash]int, len(b.Txs))
	arena := make([]byte, 0, len(ch.Coins)*34)
	c.mu.RLock()
	defer c.mu.RUnlock()
	k := 0
	for i := range b.Txs {
		tx := &b.Txs[i]
		if i > 0 {
			ch.First[i] = k
			for j := range tx.In {
				op := tx.In[j].PrevOut
				if _, twice := ch.spent[op]; twice {
					return nil, &MissingError{i, j, op}
				}
				ch.spent[op] = struct{}{}
				if e, hit := c.entries[op]; hit && e.flags&flagSpent == 0 {
					ch.Coins[k], _ = c.coinOf(&op, &e, &arena)
				} else if from, ok := made[op.Hash]; ok {
					if !ch.spendInner(k, from, op.Index) {
						return nil, &MissingError{i, j, op}
					}
				} else if hit {
					return nil, &MissingError{i, j, op}
				} else {
					misses = append(misses, miss{i, j, k})
				}
				k++
			}
		}
		made[tx.TxID()] = i
	}
	return misses, nil
}

// spendInner has input k spend an output of transaction from of the same block,
// and reports whether it may.
func (ch *Changes) spendInner(k, from int, index uint32) bool {
	outs := ch.Block.Txs[from].Out
	if int(index) >= len(outs) || !spendable(&outs[index]) {
		return false
	}
	out := &outs[index]
	ch.Coins[k] = Coin{Value: out.Value, Height: ch.Height, Coinbase: from == 0, Script: out.Script}
	ch.inner[k], ch.hasInner[from] = true, true
	return true
}

// miss is an input whose coin is not in the cache.
type miss struct{ tx, input, k int }

// fill gets the coins that are not in the cache from what was prefetched, or
// from the store. No lock is held: only the writer changes the store.
func (c *Cache) fill(ch *Changes, misses []miss, pre *Prefetched) error {
	if pre != nil && pre.epoch != c.epoch.Load() {
		pre = nil
	}
	for _, m := range misses {
		op := ch.Block.Txs[m.tx].In[m.input].PrevOut
		if pre != nil {
			if coin, ok := pre.coins[op]; ok {
				ch.Coins[m.k] = coin
				continue
			}
		}
		coin, ok, err := c.load(&op)
		if err != nil {
			return err
		}
		if !ok {
			return &MissingError{m.tx, m.input, op}
		}
		ch.Coins[m.k] = coin
	}
	return nil
}

func (c *Cache) checkOverwrite(b *wire.Block) error {
	for i := range b.Txs {
		tx := &b.Txs[i]
		id := tx.TxID()
		for j := range tx.Out {
			op := wire.OutPoint{Hash: id, Index: uint32(j)}
			exists, err := c.has(&op)
			if err != nil {
				return err
			}
			if exists {
				return &OverwriteError{op}
			}
		}
	}
	return nil
}

// findOverwritten finds the coins that a coinbase takes the place of, as two
// early ones of the main network do.
func (c *Cache) findOverwritten(ch *Changes) error {
	tx := &ch.Block.Txs[0]
	for j := range tx.Out {
		op := wire.OutPoint{Hash: tx.TxID(), Index: uint32(j)}
		if !spendable(&tx.Out[j]) {
			continue
		}
		coin, ok, _, err := c.Get(op)
		if err != nil {
			return err
		}
		if ok {
			ch.over = append(ch.over, overwritten{op, coin})
		}
	}
	return nil
}

// Apply carries ch out; the UTXO set then stands for the block. moved, if not
// nil, runs while readers are still kept out, so that whoever publishes the
// new tip does it in the same instant.
func (c *Cache) Apply(ch *Changes, moved func()) {
	b := ch.Block
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range ch.over {
		c.total.sub(&c.hasher, &ch.over[i].op, &ch.over[i].coin)
	}
	k := 0
	for i := range b.Txs {
		tx := &b.Txs[i]
		if i > 0 {
			for j := range tx.In {
				if !ch.inner[k] {
					c.total.sub(&c.hasher, &tx.In[j].PrevOut, &ch.Coins[k])
					c.remove(tx.In[j].PrevOut)
				}
				k++
			}
		}
		id := tx.TxID()
		for j := range tx.Out {
			op := wire.OutPoint{Hash: id, Index: uint32(j)}
			if !spendable(&tx.Out[j]) {
				continue
			}
			if ch.hasInner[i] {
				if _, gone := ch.spent[op]; gone {
					continue
				}
			}
			// A coinbase may repeat an earlier one where BIP30 is not
			// checked; then the store may hold its coin already.
			coin := Coin{Value: tx.Out[j].Value, Height: ch.Height, Coinbase: i == 0, Script: tx.Out[j].Script}
			c.total.add(&c.hasher, &op, &coin)
			c.add(op, &tx.Out[j], ch.Height, i == 0, ch.fresh || i > 0)
		}
	}
	c.best = b.Hash()
	if moved != nil {
		moved()
	}
}

// UncleanError says that undoing a block did not find the UTXO set as the
// block must have left it.
type UncleanError struct{ Reason string }

// Error implements the error interface.
func (e *UncleanError) Error() string { return "coins: " + e.Reason }

// Disconnect takes block b at the given height back; the UTXO set then stands
// for its parent. tolerateMissing is for the blocks of the main network whose
// coinbase a later one overwrote (BIP30). It returns an [UncleanError], and
// changes nothing, if the UTXO set does not fit the block. Only the writer may
// call it.
func (c *Cache) Disconnect(b *wire.Block, u *Undo, height int32, tolerateMissing bool, moved func()) error {
	if err := fits(b, u); err != nil {
		return err
	}
	spent := spentBy(b)
	total := c.total
	for i := range b.Txs {
		tx := &b.Txs[i]
		id := tx.TxID()
		for j := range tx.Out {
			op := wire.OutPoint{Hash: id, Index: uint32(j)}
			if _, inner := spent[op]; inner || !spendable(&tx.Out[j]) {
				continue
			}
			coin, ok, _, err := c.Get(op)
			if err != nil {
				return err
			}
			if ok {
				total.sub(&c.hasher, &op, &coin)
			}
			same := ok && coin.Value == tx.Out[j].Value && coin.Height == height &&
				coin.Coinbase == (i == 0) && bytes.Equal(coin.Script, tx.Out[j].Script)
			if !same && !(i == 0 && tolerateMissing) {
				return &UncleanError{fmt.Sprintf("output %v:%d of the block is not in the UTXO set", id, j)}
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takeBack(b, u, spent, func(op *wire.OutPoint, coin *Coin) { total.add(&c.hasher, op, coin) })
	c.total = total
	c.best = b.Header.PrevBlock
	if moved != nil {
		moved()
	}
	return nil
}

// fits checks that u has the shape of block b.
func fits(b *wire.Block, u *Undo) error {
	if len(u.Spent) != len(b.Txs)-1 {
		return &UncleanError{"block and undo record do not fit"}
	}
	for i, spent := range u.Spent {
		if len(spent) != len(b.Txs[i+1].In) {
			return &UncleanError{"block and undo record do not fit"}
		}
	}
	return nil
}

func spentBy(b *wire.Block) map[wire.OutPoint]struct{} {
	spent := make(map[wire.OutPoint]struct{})
	for i := 1; i < len(b.Txs); i++ {
		for j := range b.Txs[i].In {
			spent[b.Txs[i].In[j].PrevOut] = struct{}{}
		}
	}
	return spent
}

// takeBack removes the outputs of b and restores what it spent. Outputs made
// and spent within the block never were in the UTXO set. restored is told of
// each coin. The lock must be held for writing.
func (c *Cache) takeBack(b *wire.Block, u *Undo, spent map[wire.OutPoint]struct{}, restored func(*wire.OutPoint, *Coin)) {
	made := make(map[wire.Hash]struct{}, len(b.Txs))
	for i := range b.Txs {
		tx := &b.Txs[i]
		id := tx.TxID()
		made[id] = struct{}{}
		for j := range tx.Out {
			op := wire.OutPoint{Hash: id, Index: uint32(j)}
			if _, inner := spent[op]; !inner && spendable(&tx.Out[j]) {
				c.remove(op)
			}
		}
	}
	for i := 1; i < len(b.Txs); i++ {
		for j := range b.Txs[i].In {
			op := b.Txs[i].In[j].PrevOut
			if _, inner := made[op.Hash]; inner {
				continue
			}
			coin := &u.Spent[i-1][j]
			out := wire.TxOut{Value: coin.Value, Script: coin.Script}
			c.add(op, &out, coin.Height, coin.Coinbase, false)
			restored(&op, coin)
		}
	}
}

// Replay applies block b again after an interrupted flush, whatever part of
// its changes the store already holds. It may be repeated. The total is already
// that of the block where the flush was going.
func (c *Cache) Replay(b *wire.Block, height int32) {
	spent := spentBy(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range b.Txs {
		tx := &b.Txs[i]
		if i > 0 {
			for j := range tx.In {
				c.remove(tx.In[j].PrevOut)
			}
		}
		id := tx.TxID()
		for j := range tx.Out {
			op := wire.OutPoint{Hash: id, Index: uint32(j)}
			if _, inner := spent[op]; !inner && spendable(&tx.Out[j]) {
				c.add(op, &tx.Out[j], height, i == 0, false)
			}
		}
	}
	c.best = b.Hash()
}

// Unreplay takes block b back after an interrupted flush, whatever part of
// its changes the store already holds. It may be repeated.
func (c *Cache) Unreplay(b *wire.Block, u *Undo) error {
	if err := fits(b, u); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takeBack(b, u, spentBy(b), func(*wire.OutPoint, *Coin) {})
	c.best = b.Header.PrevBlock
	return nil
}

// AddGenesis puts the outputs of the genesis block into the UTXO set, on
// networks where they may be spent.
func (c *Cache) AddGenesis(b *wire.Block) {
	c.Replay(b, 0)
	if c.heads != nil {
		return // the total includes them
	}
	for i := range b.Txs {
		tx := &b.Txs[i]
		for j := range tx.Out {
			if spendable(&tx.Out[j]) {
				op := wire.OutPoint{Hash: tx.TxID(), Index: uint32(j)}
				c.total.add(&c.hasher, &op, &Coin{Value: tx.Out[j].Value, Coinbase: i == 0, Script: tx.Out[j].Script})
			}
		}
	}
}

// SetBest names the block that an empty UTXO set stands for.
func (c *Cache) SetBest(h wire.Hash) {
	c.mu.Lock()
	c.best = h
	c.mu.Unlock()
}
