package server

import (
	"sync"

	"starling/connmgr"
	"starling/internal/rolling"
	"starling/wire"
)

const (
	// repeatFlood is how many bytes of blocks that a peer has been sent before make
	// a whole [connmgr.GetDataFlood] by default. Whoever fetches the same blocks at 2.3 MB a
	// second for long is banned; that part of its score fades as fast as it may go on.
	repeatFlood = 200_000_000
	// repeatSteps is in how many parts it is counted, so that the log and the
	// scores are not kept busy by each block.
	repeatSteps = 100

	// repeatPage is how many heights are noted together: 512 bytes. All heights of
	// a million blocks take 125 KB.
	repeatPage = 4096

	// sentTxs is how many transactions a link is known to have been sent, the last
	// ones, and sentChance how likely another is taken for one of them: 18 kB.
	sentTxs    = 5000
	sentChance = 0.01
)

// repeats notes what a link was sent. Blocks go by their height: the second one of a
// height, which reorganisations bring, counts as the first again, and that is rare
// enough. The first copy of each block is free, however many there are, and that of
// each transaction. The goroutines that read from the link and write to it use it.
type repeats struct {
	mu    sync.Mutex
	pages map[int32]*[repeatPage / 64]uint64
	txs   *rolling.Filter // nil until one is sent
	bytes int             // of further copies, not counted yet
}

// sent takes that a block went out, and returns what share of a flood of so many
// bytes has come together, if it is time to count it.
func (r *repeats) sent(height int32, size, flood int) (share float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pages == nil {
		r.pages = make(map[int32]*[repeatPage / 64]uint64)
	}
	page := r.pages[height/repeatPage]
	if page == nil {
		page = new([repeatPage / 64]uint64)
		r.pages[height/repeatPage] = page
	}
	word, bit := &page[height%repeatPage/64], uint64(1)<<(height%64)
	if *word&bit == 0 {
		*word |= bit
		return 0
	}
	return r.again(size, flood)
}

// sentTx takes that a transaction went out, as sent does a block.
func (r *repeats) sentTx(id wire.Hash, size, flood int) (share float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.txs == nil {
		r.txs = rolling.New(sentTxs, sentChance)
	}
	if !r.txs.Has(id) {
		r.txs.Add(id)
		return 0
	}
	return r.again(size, flood)
}

// again counts a further copy.
func (r *repeats) again(size, flood int) (share float64) {
	if r.bytes += size; r.bytes < flood/repeatSteps {
		return 0
	}
	share = float64(r.bytes) / float64(flood)
	r.bytes = 0
	return share
}

// compactCopies is added to the heights of compact blocks, whose first copies are
// free beside those of the whole ones: a peer may need both. singleTxs is added to
// those of blocks of which a peer asks for transactions that it lacks, once.
const (
	compactCopies = 1 << 30
	singleTxs     = 3 << 29
)

// sentCopy counts a copy of a block that goes out with a message. Of what a filter
// leaves of one the block is counted when it is read.
func (s *session) sentCopy(height int32, m wire.Message) {
	switch m := m.(type) {
	case *wire.MsgBlock:
		s.sentBlock(height, len(m.Raw))
	case *wire.MsgCmpctBlock:
		size := wire.HeaderSize + wire.ShortIDSize*len(m.ShortIDs)
		for _, p := range m.Prefilled {
			size += p.Tx.Size()
		}
		s.sentBlock(height+compactCopies, size)
	case *wire.MsgBlockTxn:
		size := 0
		for _, tx := range m.Txs {
			size += tx.Size()
		}
		s.sentBlock(height+singleTxs, size)
	}
}

// sentBlock counts a block that was asked for and sent.
func (s *session) sentBlock(height int32, size int) {
	if flood := s.node.cfg.RepeatFlood; flood >= 0 {
		s.countAgain(s.repeats.sent(height, size, flood))
	}
}

// sentTx counts a transaction that was asked for and sent.
func (s *session) sentTx(m *wire.MsgTx) {
	if flood := s.node.cfg.RepeatFlood; flood >= 0 {
		s.countAgain(s.repeats.sentTx(m.Tx.WTxID(), m.Tx.Size(), flood))
	}
}

// countAgain scores a share of a flood of further copies.
func (s *session) countAgain(share float64) {
	if share > 0 {
		s.node.offence(s.origin(), connmgr.GetDataFlood, share)
	}
}
