package wallet

import (
	"encoding/binary"

	"starling/store/journal"
	"starling/wallet/ledger"
	"starling/wire"
)

// Keys of the wallet file. What follows the colon differs per entry.
const (
	keyMeta     = "meta"     // version, birthday, flags
	keyPosition = "position" // block the wallet stands on, and what is left to scan
	keyMaster   = "master"   // the encrypted master key
	keySeed     = "seed"     // the seed phrase, a secret
	prefixChain = "chain:"   // a descriptor, by number
	prefixPriv  = "private:" // its private form, a secret, by number
	prefixTx    = "tx:"      // a transaction, by id
	prefixLabel = "label:"   // the label of a script
	prefixLock  = "lock:"    // an output that is not to be spent
)

// position is how far the wallet has read the chain.
type position struct {
	// locator names the block and some of its ancestors, in case the chain
	// does not know the block any more.
	locator []wire.Hash
	height  int32
	// scan is the next height to read again, or -1 if there is nothing to read
	// again. Scans end where the wallet stands.
	scan int32
}

// maxLocator is more than any locator has.
const maxLocator = 64

func (p *position) append(dst []byte) []byte {
	dst = append(dst, 1)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.height))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.scan))
	dst = wire.AppendCompactSize(dst, uint64(len(p.locator)))
	for i := range p.locator {
		dst = append(dst, p.locator[i][:]...)
	}
	return dst
}

func parsePosition(b []byte) (p position, err error) {
	c := wire.NewCursor(b, "wallet position")
	if v := c.Uint8(); v != 1 {
		c.Failf("version %d", v)
	}
	p.height, p.scan = int32(c.Uint32()), int32(c.Uint32())
	if p.height < 0 || p.scan < -1 {
		c.Failf("height out of range")
	}
	n := c.Count(maxLocator, wire.HashSize)
	if n == 0 {
		c.Failf("no block")
	}
	for range n {
		p.locator = append(p.locator, c.Hash())
	}
	return p, c.End()
}

// flagNoKeys marks wallets that only watch.
const flagNoKeys = 1

// meta is what a wallet is from its beginning on.
type meta struct {
	network  string
	genesis  wire.Hash
	birthday int64 // nothing was paid to the wallet before, in seconds since 1970
	flags    uint32
	gap      int32 // how many unused addresses of each kind are watched
	created  int64
}

func (m *meta) append(dst []byte) []byte {
	dst = append(dst, 1)
	dst = wire.AppendVarBytes(dst, []byte(m.network))
	dst = append(dst, m.genesis[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(m.birthday))
	dst = binary.LittleEndian.AppendUint32(dst, m.flags)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.gap))
	return binary.LittleEndian.AppendUint64(dst, uint64(m.created))
}

func parseMeta(b []byte) (m meta, err error) {
	c := wire.NewCursor(b, "wallet header")
	if v := c.Uint8(); v != 1 {
		c.Failf("version %d; a newer program made it", v)
	}
	m.network, m.genesis = string(c.VarBytes(128)), c.Hash()
	m.birthday, m.flags, m.gap, m.created = int64(c.Uint64()), c.Uint32(), int32(c.Uint32()), int64(c.Uint64())
	if m.gap < 0 || m.gap > maxGap {
		c.Failf("gap of %d", m.gap)
	}
	return m, c.End()
}

// fileFormat is that of the file of a wallet.
func fileFormat() journal.Format {
	return journal.Format{
		Magic:  "STARLING WALLET\n",
		Name:   "wallet",
		Advice: "nothing was changed; restore it from a backup, or restore the wallet from its seed phrase",
	}
}

// maxText bounds what a label or a comment may take.
const maxText = ledger.MaxText

const (
	// DefaultGap is how many unused addresses of each kind a wallet watches
	// beyond the last one that was given out or used, as Bitcoin Core does:
	// whoever has the same keys elsewhere may have skipped many.
	DefaultGap = 1000
	// maxGap bounds the memory of one descriptor: about 20 MB.
	maxGap = 100_000
)
