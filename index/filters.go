package index

import (
	"encoding/binary"

	"starling/chain"
	"starling/chain/headertree"
	"starling/index/gcs"
	"starling/store"
	"starling/wire"
)

// The records of a block are kept under its height and hash, so that those of
// neighbours lie together and those of blocks that have left the chain are not in
// the way of others. Nothing is ever taken back: a filter is a function of its
// block, and who has seen a block leave the chain may still ask for its filter.
const (
	keyFilter  = 'f' // the filter, as it travels
	keyHeaders = 'h' // its hash, and the header that chains it to those before
)

// FilterIndex has the compact filters of all blocks that were in the chain
// (BIP157, BIP158). On the main network they take some 13 GB.
type FilterIndex struct{ *Index }

// OpenFilters opens the index of filters.
func OpenFilters(opts Options) (*FilterIndex, error) {
	x := &filterIndexer{dir: opts.Dir}
	ix, err := Open(opts, x)
	if err != nil {
		return nil, err
	}
	x.view = ix.View
	return &FilterIndex{ix}, nil
}

// Filter returns the filter of a block; ok is false if the index does not have it,
// yet or because the block never was in the chain.
func (f *FilterIndex) Filter(n *headertree.Node) (filter []byte, ok bool, err error) {
	err = f.View(func(db *store.Snapshot, _ *headertree.Node) (err error) {
		filter, ok, err = db.Get(filterKey(keyFilter, n))
		return err
	})
	return filter, ok, err
}

// FilterHeader returns the hash of the filter of a block, and the header that
// chains it to the filters of the blocks before.
func (f *FilterIndex) FilterHeader(n *headertree.Node) (hash, header wire.Hash, ok bool, err error) {
	err = f.View(func(db *store.Snapshot, _ *headertree.Node) (err error) {
		hash, header, ok, err = filterHeaders(db, f.opts.Dir, n)
		return err
	})
	return hash, header, ok, err
}

// filterHeaders reads the record of a block.
func filterHeaders(db *store.Snapshot, dir string, n *headertree.Node) (hash, header wire.Hash, ok bool, err error) {
	v, ok, err := db.Get(filterKey(keyHeaders, n))
	if err != nil || !ok {
		return hash, header, false, err
	}
	if len(v) != 2*wire.HashSize {
		return hash, header, false, &store.CorruptError{Path: dir, What: "the record of the filter of block " + n.Hash.String() + " does not decode"}
	}
	return wire.Hash(v[:wire.HashSize]), wire.Hash(v[wire.HashSize:]), true, nil
}

// filterIndexer makes the records.
type filterIndexer struct {
	dir  string
	view func(func(*store.Snapshot, *headertree.Node) error) error

	// The last block and its header, which need not be written yet.
	last       *headertree.Node
	lastHeader wire.Hash
}

// Name implements Indexer.
func (x *filterIndexer) Name() string { return "blockfilterindex" }

// Version implements Indexer.
func (x *filterIndexer) Version() uint16 { return 1 }

// Connect implements Indexer.
func (x *filterIndexer) Connect(b *store.Batch, e chain.Event) error {
	before, err := x.header(e.Node.Parent)
	if err != nil {
		return err
	}
	filter := gcs.Basic(e.Block, e.Undo)
	hash, header := gcs.Header(filter, before)
	b.Set(filterKey(keyFilter, e.Node), filter)
	b.Set(filterKey(keyHeaders, e.Node), append(append(make([]byte, 0, 2*wire.HashSize), hash[:]...), header[:]...))
	x.last, x.lastHeader = e.Node, header
	return nil
}

// header returns the filter header of a block that was connected, or what stands
// before the genesis block's. If it is not that of the last call, the index has
// just been opened or has gone back, so that it is written.
func (x *filterIndexer) header(n *headertree.Node) (header wire.Hash, err error) {
	switch n {
	case nil:
		return header, nil
	case x.last:
		return x.lastHeader, nil
	}
	err = x.view(func(db *store.Snapshot, _ *headertree.Node) error {
		var ok bool
		_, header, ok, err = filterHeaders(db, x.dir, n)
		if err == nil && !ok {
			err = &store.CorruptError{Path: x.dir, What: "the record of the filter of block " + n.Hash.String() + " is missing"}
		}
		return err
	})
	return header, err
}

// Disconnect implements Indexer.
func (x *filterIndexer) Disconnect(*store.Batch, chain.Event) error { return nil }

// Forget implements Indexer.
func (x *filterIndexer) Forget(*store.Batch, int32) error { return nil }

func filterKey(kind byte, n *headertree.Node) []byte {
	k := binary.BigEndian.AppendUint32(append(make([]byte, 0, 1+4+wire.HashSize), kind), uint32(n.Height))
	return append(k, n.Hash[:]...)
}
