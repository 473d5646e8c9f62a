package index

import (
	"encoding/binary"
	"errors"

	"starling/chain"
	"starling/chain/headertree"
	"starling/store"
	"starling/wire"
)

// keyTx prefixes the records of the transaction index: the transaction's id in
// the order of the wire, and as its value three variable-length numbers, the
// height of its block, its offset in the block and its length.
const keyTx = 't'

// TxIndex finds confirmed transactions by id. It costs about 50 bytes of disk
// for each. The genesis block's are left out where its outputs cannot be spent.
type TxIndex struct{ *Index }

// OpenTx opens the transaction index.
func OpenTx(opts Options) (*TxIndex, error) {
	ix, err := Open(opts, txIndexer{genesis: opts.Source.Network().GenesisSpendable})
	if err != nil {
		return nil, err
	}
	return &TxIndex{ix}, nil
}

// Location says where a transaction is.
type Location struct {
	Block        *headertree.Node
	Offset, Size uint32 // in bytes, in the block as it travels
}

// Lookup returns where the transaction was confirmed, as of [Index.Best].
// Records that a power cut left behind are possible, though very rare: who
// reads what is at the place should check its id, as [TxIndex.FindTx] does.
func (t *TxIndex) Lookup(id wire.Hash) (loc Location, ok bool, err error) {
	err = t.View(func(db *store.Snapshot, best *headertree.Node) error {
		v, found, err := db.Get(txKey(id))
		if err != nil || !found {
			return err
		}
		height, offset, size, good := decodeTxRecord(v)
		if !good {
			return &store.CorruptError{Path: t.opts.Dir, What: "the record of transaction " + id.String() + " does not decode"}
		}
		loc = Location{Block: best.Ancestor(height), Offset: offset, Size: size}
		ok = loc.Block != nil
		return nil
	})
	return loc, ok, err
}

// FindTx returns the transaction and the hash of its block; ok is false if the
// index does not have it.
func (t *TxIndex) FindTx(id wire.Hash) (tx *wire.Tx, block wire.Hash, ok bool, err error) {
	loc, ok, err := t.Lookup(id)
	if err != nil || !ok {
		return nil, wire.Hash{}, false, err
	}
	raw, err := t.src.Block(loc.Block)
	if errors.Is(err, chain.ErrNoBlock) {
		return nil, wire.Hash{}, false, nil // lost in a power cut, and not fetched again yet
	}
	if err != nil {
		return nil, wire.Hash{}, false, err
	}
	if uint64(loc.Offset)+uint64(loc.Size) > uint64(len(raw)) {
		return nil, wire.Hash{}, false, nil
	}
	// A copy, so that one transaction does not keep its whole block in memory.
	tx, err = wire.ParseTx(append([]byte(nil), raw[loc.Offset:][:loc.Size]...))
	if err != nil || tx.TxID() != id {
		return nil, wire.Hash{}, false, nil
	}
	return tx, loc.Block.Hash, true, nil
}

// txIndexer makes the records.
type txIndexer struct {
	genesis bool // whether the genesis block is indexed
}

// Name implements Indexer.
func (x txIndexer) Name() string { return "txindex" }

// Version implements Indexer.
func (x txIndexer) Version() uint16 { return 1 }

// Connect implements Indexer.
func (x txIndexer) Connect(b *store.Batch, e chain.Event) error {
	if e.Node.Height == 0 && !x.genesis {
		return nil
	}
	var v [3 * binary.MaxVarintLen32]byte
	offset := e.Block.TxOffset(0)
	for i := range e.Block.Txs {
		tx := &e.Block.Txs[i]
		b.Set(txKey(tx.TxID()), appendTxRecord(v[:0], e.Node.Height, uint32(offset), uint32(tx.Size())))
		offset += tx.Size()
	}
	return nil
}

// Disconnect implements Indexer. Two early coinbases repeat older ones (BIP30),
// which are not found any more once the later ones have been taken back; that
// deep a reorganisation would have other worries.
func (x txIndexer) Disconnect(b *store.Batch, e chain.Event) error {
	for i := range e.Block.Txs {
		b.Delete(txKey(e.Block.Txs[i].TxID()))
	}
	return nil
}

// Forget implements Indexer. A record names a height and a place, and the
// transaction that is found there has another id if the record is outdated.
func (x txIndexer) Forget(*store.Batch, int32) error { return nil }

func txKey(id wire.Hash) []byte { return append([]byte{keyTx}, id[:]...) }

func appendTxRecord(b []byte, height int32, offset, size uint32) []byte {
	b = binary.AppendUvarint(b, uint64(height))
	b = binary.AppendUvarint(b, uint64(offset))
	return binary.AppendUvarint(b, uint64(size))
}

func decodeTxRecord(b []byte) (height int32, offset, size uint32, ok bool) {
	var n [3]uint64
	for i := range n {
		v, used := binary.Uvarint(b)
		if used <= 0 || v > 1<<31-1 {
			return 0, 0, 0, false
		}
		n[i], b = v, b[used:]
	}
	return int32(n[0]), uint32(n[1]), uint32(n[2]), len(b) == 0
}
