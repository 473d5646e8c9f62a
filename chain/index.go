package chain

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"sync"

	"github.com/cespare/xxhash/v2"

	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// keyBlock prefixes the records of the block index. A key is the prefix, the
// height, most significant byte first, and the hash, so that parents come
// before their children.
const keyBlock = 'b'

// keyGenesis holds the hash of the genesis block, so that a data directory is
// never opened for another network.
const keyGenesis = 'g'

// keyReindex stands in an index that is being rebuilt and not complete.
const keyReindex = 'r'

// keyTotal holds what all records of blocks add up to; see indexTotal.
const keyTotal = 't'

// keyPruned prefixes the numbers of block files that are being deleted to save
// space. It is written with the records that forget their blocks.
const keyPruned = 'p'

// keyNoCoins stands in an index while a UTXO set that cannot be used is being
// deleted.
const keyNoCoins = 'c'

// indexRecordSize is a header and nine 32-bit numbers.
const indexRecordSize = wire.HeaderSize + 9*4

// indexBatch is how many headers may wait to be written before they are
// written early; it bounds the size of one write to about 2 MB.
const indexBatch = 10_000

// indexState is what has changed since the block index was last written, and
// which blocks each block file holds.
type indexState struct {
	mu    sync.Mutex
	dirty map[*headertree.Node]struct{}
	files map[uint32]*fileUse
	full  chan struct{} // asks for an early write

	writing sync.Mutex // held while the index is written
	total   indexTotal // of what is on disk; under writing
}

// indexTotal is how many records of blocks there are and the sum of their
// hashes, by which an index that has lost some is found out when it is read.
type indexTotal struct{ records, sum uint64 }

// with returns the total with a record added, or taken away.
func (t indexTotal) with(key, record []byte) indexTotal {
	return indexTotal{t.records + 1, t.sum + recordHash(key, record)}
}

func (t indexTotal) without(key, record []byte) indexTotal {
	return indexTotal{t.records - 1, t.sum - recordHash(key, record)}
}

func recordHash(key, record []byte) uint64 {
	d := xxhash.New()
	_, _ = d.Write(key) // it never fails
	_, _ = d.Write(record)
	return d.Sum64()
}

func (t indexTotal) encode() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, t.records), t.sum)
}

// fileUse says what one block file, and the undo file of the same number,
// holds.
type fileUse struct {
	top              int32 // greatest height of a block in it
	nodes            []*headertree.Node
	blockEnd, revEnd uint32
}

func (ix *indexState) init() {
	ix.dirty = make(map[*headertree.Node]struct{})
	ix.files = make(map[uint32]*fileUse)
	ix.full = make(chan struct{}, 1)
}

// touch notes that the record of n must be written.
func (ix *indexState) touch(n *headertree.Node) {
	ix.mu.Lock()
	ix.dirty[n] = struct{}{}
	early := len(ix.dirty) >= indexBatch
	ix.mu.Unlock()
	if early {
		select {
		case ix.full <- struct{}{}:
		default:
		}
	}
}

// holds notes where the block of n, and its undo record if there is one, lie.
func (ix *indexState) holds(n *headertree.Node) {
	d := n.Data()
	ix.mu.Lock()
	u := ix.files[d.File]
	if u == nil {
		u = &fileUse{}
		ix.files[d.File] = u
	}
	u.nodes = append(u.nodes, n)
	u.top = max(u.top, n.Height)
	u.blockEnd = max(u.blockEnd, d.Offset+d.Size)
	if d.UndoSize != 0 {
		u.revEnd = max(u.revEnd, d.UndoOffset+d.UndoSize+wire.HashSize)
	}
	ix.mu.Unlock()
}

// placed notes that the block of n has been stored.
func (ix *indexState) placed(n *headertree.Node) {
	ix.holds(n)
	ix.touch(n)
}

// placedUndo notes that the undo record of n has been stored.
func (ix *indexState) placedUndo(n *headertree.Node) {
	d := n.Data()
	ix.mu.Lock()
	if u := ix.files[d.File]; u != nil {
		u.revEnd = max(u.revEnd, d.UndoOffset+d.UndoSize+wire.HashSize)
	}
	ix.mu.Unlock()
	ix.touch(n)
}

func indexKey(n *headertree.Node) []byte {
	k := binary.BigEndian.AppendUint32([]byte{keyBlock}, uint32(n.Height))
	return append(k, n.Hash[:]...)
}

func indexRecord(n *headertree.Node) []byte {
	b := n.Header.Append(make([]byte, 0, indexRecordSize))
	var d headertree.Data
	if p := n.Data(); p != nil {
		d = *p
	}
	for _, v := range []uint32{uint32(n.Status()), d.File, d.Offset, d.Size, d.CRC, n.Txs(), d.UndoOffset, d.UndoSize, d.UndoCRC} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// writeIndex writes all changed records, after the blocks and undo records
// that they name are on disk, and in the same step what also adds.
func (c *Chain) writeIndex(also ...func(*store.Batch)) error {
	ix := &c.index
	ix.writing.Lock()
	defer ix.writing.Unlock()
	ix.mu.Lock()
	dirty := ix.dirty
	ix.dirty = make(map[*headertree.Node]struct{})
	ix.mu.Unlock()
	if len(dirty) == 0 && len(also) == 0 {
		return nil
	}
	err := c.writeRecords(dirty, also)
	if err != nil {
		ix.mu.Lock()
		maps.Copy(ix.dirty, dirty)
		ix.mu.Unlock()
	}
	return err
}

func (c *Chain) writeRecords(dirty map[*headertree.Node]struct{}, also []func(*store.Batch)) error {
	// The records are made before the files are synced, so they name nothing
	// that the sync may miss.
	b := c.indexDB.NewBatch()
	total := c.index.total
	for n := range dirty {
		key, record := indexKey(n), indexRecord(n)
		if n.Recorded {
			old, had, err := c.indexDB.Get(key)
			if err != nil {
				return err
			}
			if !had {
				return c.indexDamage("the record of a header is gone")
			}
			total = total.without(key, old)
		}
		total = total.with(key, record)
		b.Set(key, record)
	}
	for _, add := range also {
		add(b)
	}
	if err := c.blocks.Sync(); err != nil {
		return err
	}
	if err := c.undos.Sync(); err != nil {
		return err
	}
	if err := c.writeTotal(b, total); err != nil {
		return err
	}
	for n := range dirty {
		n.Recorded = true
	}
	return nil
}

// writeTotal writes b, which makes the records add up to total.
func (c *Chain) writeTotal(b *store.Batch, total indexTotal) error {
	b.Set([]byte{keyTotal}, total.encode())
	b.Note(fmt.Sprintf("%d headers", total.records+1))
	if err := c.indexDB.Write(b, true); err != nil {
		return err
	}
	c.index.total = total
	return nil
}

// runIndex writes the index from time to time.
func (c *Chain) runIndex(ctx context.Context) error {
	timer := c.clk.NewTimer(indexEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.index.full:
		case <-timer.C:
			timer.Reset(indexEvery)
		}
		if err := c.writeIndex(); err != nil {
			return err
		}
	}
}

// indexDamage is the error of an index whose records cannot be believed.
func (c *Chain) indexDamage(what string) error {
	return &store.CorruptError{
		Path: c.indexDir(), What: what,
		Advice: "check the disk, then start with --reindex to rebuild it from the block files",
	}
}

// loadIndex fills the header tree from disk.
func (c *Chain) loadIndex() error {
	genesis, ok, err := c.indexDB.Get([]byte{keyGenesis})
	if err != nil {
		return err
	}
	if ok && wire.Hash(genesis) != c.net.GenesisHash {
		return fmt.Errorf("%s holds another network than %s: choose another --datadir or --network", c.cfg.Dir, c.net.Name)
	}
	var total indexTotal
	err = c.indexDB.Iterate([]byte{keyBlock}, func(key, v []byte) error {
		total = total.with(key, v)
		return c.loadRecord(key, v)
	})
	if err != nil {
		return err
	}
	if !ok && total.records > 0 {
		return c.indexDamage("it does not say of which network it is")
	}
	stored, has, err := c.indexDB.Get([]byte{keyTotal})
	if err != nil {
		return err
	}
	if has && string(stored) != string(total.encode()) {
		return c.indexDamage(fmt.Sprintf("it holds %d headers, and not those that it should", total.records+1))
	}
	if !ok || !has {
		// New, or from before there were totals.
		b := c.indexDB.NewBatch()
		b.Set([]byte{keyGenesis}, c.net.GenesisHash[:])
		if err := c.writeTotal(b, total); err != nil {
			return err
		}
	}
	c.index.total = total
	if c.indexDB.InDoubt() {
		c.log.Warn("the mark of the block index was lost; all that the index holds is there", "headers", total.records+1)
		return c.indexDB.Trust()
	}
	return nil
}

// loadRecord puts one record into the header tree.
func (c *Chain) loadRecord(key, v []byte) error {
	if len(v) != indexRecordSize {
		return c.indexDamage("a record has the wrong length")
	}
	h, err := wire.DecodeHeader(v)
	if err != nil {
		return c.indexDamage(err.Error())
	}
	cur := wire.NewCursor(v[wire.HeaderSize:], "block index")
	status := headertree.Status(cur.Uint32())
	d := &headertree.Data{File: cur.Uint32(), Offset: cur.Uint32(), Size: cur.Uint32(), CRC: cur.Uint32()}
	txs := cur.Uint32()
	d.UndoOffset, d.UndoSize, d.UndoCRC = cur.Uint32(), cur.Uint32(), cur.Uint32()
	n, err := c.tree.Restore(&h, status)
	if err != nil {
		return c.indexDamage(err.Error())
	}
	if string(indexKey(n)) != string(key) {
		return c.indexDamage("a record is not under its own key")
	}
	n.SetTxs(txs)
	n.Recorded = true
	if d.Size != 0 {
		n.SetData(d)
		c.index.holds(n) // what was read need not be written
	}
	return nil
}

// checkFiles fails if a block or undo file does not reach as far as the index
// says.
func (c *Chain) checkFiles() error {
	blockEnds, undoEnds := map[uint32]uint32{}, map[uint32]uint32{}
	for file, u := range c.index.files {
		blockEnds[file] = u.blockEnd
		if u.revEnd > 0 {
			undoEnds[file] = u.revEnd
		}
	}
	if err := c.blocks.Require(blockEnds); err != nil {
		return err
	}
	return c.undos.Require(undoEnds)
}
