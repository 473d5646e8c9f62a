package benchchain

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/sync/errgroup"
)

// Config says what chain to make. The zero value of each field means the
// default that is named beside it.
type Config struct {
	Blocks  int           // full blocks (400)
	Txs     int           // signed transactions in each of them (1,500)
	Empty   int           // empty blocks on top (2,200; negative for none)
	Seed    uint64        // of everything random
	Start   time.Time     // time of the first block after genesis (2021-01-01 UTC)
	Spacing time.Duration // between blocks, at least a second (10 min)
	// Multisig locks all coins by 2 of 3 keys in P2WSH, so that blocks have the
	// most bytes for their weight: 2 MB when they are full.
	Multisig bool
}

func (c Config) withDefaults() Config {
	if c.Blocks == 0 {
		c.Blocks = 400
	}
	if c.Txs == 0 {
		c.Txs = 1500
	}
	if c.Empty == 0 {
		c.Empty = 2200
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.Spacing == 0 {
		c.Spacing = 10 * time.Minute
	}
	return c
}

// Summary says what a chain holds.
type Summary struct {
	Height    int // of the best block
	Best      chainhash.Hash
	FirstFull int // height of the first full block
	LastFull  int // height of the last full block
	// LastFullHash is the block to assume valid when scripts shall be skipped.
	LastFullHash chainhash.Hash
	Txs          int   // all transactions, coinbases included
	Inputs       int   // of all but coinbases
	Coins        int   // unspent outputs of the wallet at the end
	Checks       int   // signature checks that validating takes
	Bytes        int64 // of the file
	MaxWeight    int64 // weight of the heaviest block
}

// String shows the summary as lines of names and values.
func (s Summary) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "height         %d\n", s.Height)
	fmt.Fprintf(&b, "best block     %s\n", s.Best)
	fmt.Fprintf(&b, "full blocks    %d to %d\n", s.FirstFull, s.LastFull)
	fmt.Fprintf(&b, "last full      %s\n", s.LastFullHash)
	fmt.Fprintf(&b, "transactions   %d\n", s.Txs)
	fmt.Fprintf(&b, "inputs         %d\n", s.Inputs)
	fmt.Fprintf(&b, "signatures     %d checks\n", s.Checks)
	fmt.Fprintf(&b, "coins          %d\n", s.Coins)
	fmt.Fprintf(&b, "bytes          %d\n", s.Bytes)
	fmt.Fprintf(&b, "max weight     %d\n", s.MaxWeight)
	return b.String()
}

const (
	// fanOut is how many coins a fan-out transaction makes, and fanOutTxs how
	// many of these a block holds: together well below the weight limit.
	fanOut, fanOutTxs = 2000, 4

	// coinsPerTx is how many coins there are for each transaction of a full
	// block, so that most inputs spend coins that are several blocks old.
	coinsPerTx = 32

	// minSplit is the least value of a coin that is split in two, in satoshi.
	minSplit = 20_000

	// blockVersion signals nothing.
	blockVersion = 0x20000000
)

// generator is a chain in the making.
type generator struct {
	cfg    Config
	net    *chaincfg.Params
	rng    *rand.Rand
	wallet *wallet
	out    *bufio.Writer

	height int
	prev   chainhash.Hash
	coins  []coin // mature, and so free to be spent
	live   int    // coins, those of the current block among them
	target int    // coins to keep alive
	sum    Summary
}

// Write makes the chain that cfg describes and writes it to w.
func Write(w io.Writer, cfg Config) (Summary, error) {
	cfg = cfg.withDefaults()
	wallet, err := newWallet(cfg.Seed)
	if err != nil {
		return Summary{}, err
	}
	g := &generator{
		cfg: cfg, net: &chaincfg.RegressionNetParams, wallet: wallet,
		rng: rand.New(rand.NewPCG(cfg.Seed, 0x5741524c494e47)),
		out: bufio.NewWriterSize(w, 1<<20),
	}
	if err := g.run(); err != nil {
		return Summary{}, err
	}
	return g.sum, g.out.Flush()
}

func (g *generator) run() error {
	if err := g.write(g.net.GenesisBlock); err != nil {
		return err
	}
	g.sum.Txs = 1
	fanOuts := (coinsPerTx*g.cfg.Txs + fanOut - 1) / fanOut

	// The coinbases of the first blocks pay the wallet; each becomes spendable
	// a hundred blocks later.
	var mature []coin
	for range fanOuts + int(g.net.CoinbaseMaturity) {
		c, err := g.mine(nil, 0)
		if err != nil {
			return err
		}
		mature = append(mature, c)
	}
	for mature = mature[:fanOuts]; len(mature) > 0; {
		n := min(fanOutTxs, len(mature))
		if err := g.fanOutBlock(mature[:n]); err != nil {
			return err
		}
		mature = mature[n:]
	}
	g.live, g.target = len(g.coins), len(g.coins)
	g.sum.FirstFull = g.height + 1
	for range g.cfg.Blocks {
		if err := g.fullBlock(); err != nil {
			return err
		}
	}
	g.sum.LastFull, g.sum.LastFullHash = g.height, g.prev
	for range max(g.cfg.Empty, 0) {
		if _, err := g.mine(nil, 0); err != nil {
			return err
		}
	}
	g.sum.Height, g.sum.Best, g.sum.Coins = g.height, g.prev, len(g.coins)
	return nil
}

// randomCoin returns a coin of the given value with a random lock, not yet on
// any transaction.
func (g *generator) randomCoin(value int64) coin {
	c := coin{value: value, kind: kind(g.rng.IntN(int(kinds))), key: g.rng.IntN(keyCount)}
	if g.cfg.Multisig {
		c.kind = wsh
	}
	return c
}

// fanOutBlock mines a block that spends coinbases into many coins.
func (g *generator) fanOutBlock(coinbases []coin) error {
	var spends []*spend
	for _, c := range coinbases {
		share := c.value / fanOut
		out := make([]coin, fanOut)
		for i := range out {
			out[i] = g.randomCoin(share)
		}
		spends = append(spends, g.wallet.newSpend(g.rng, []coin{c}, out))
	}
	return g.mineSpends(spends)
}

// fullBlock mines a block of transactions that keep the number of coins.
func (g *generator) fullBlock() error {
	spends := make([]*spend, g.cfg.Txs)
	for i := range spends {
		if len(g.coins) < 2 {
			return fmt.Errorf("no coins left at height %d", g.height)
		}
		fee := int64(150 + g.rng.IntN(300))
		in := []coin{g.take()}
		split := i%2 == 0
		// A coin too small to be split gets help from another, which is why
		// there would be ever fewer of them if every merge took place.
		if split && in[0].value < minSplit || !split && g.live >= g.target {
			in = append(in, g.take())
		}
		var total int64
		for _, c := range in {
			total += c.value
		}
		total -= fee
		if total < 0 {
			return fmt.Errorf("the coins are used up at height %d: fewer full blocks, or more transactions in each", g.height)
		}
		var out []coin
		if split {
			// A fifth to four fifths.
			part := total * int64(20+g.rng.IntN(61)) / 100
			out = append(out, g.randomCoin(part))
			total -= part
		}
		out = append(out, g.randomCoin(total))
		g.live += len(out) - len(in)
		spends[i] = g.wallet.newSpend(g.rng, in, out)
	}
	return g.mineSpends(spends)
}

// take removes a random coin from those that can be spent. Coins that the
// current block makes are not among them yet.
func (g *generator) take() coin {
	i, last := g.rng.IntN(len(g.coins)), len(g.coins)-1
	c := g.coins[i]
	g.coins[i] = g.coins[last]
	g.coins = g.coins[:last]
	return c
}

// mineSpends signs the transactions, on all processors, and mines a block of
// them. What they make can be spent from the next block on.
func (g *generator) mineSpends(spends []*spend) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	const batch = 32
	for start := 0; start < len(spends); start += batch {
		part := spends[start:min(start+batch, len(spends))]
		group.Go(func() error {
			for _, s := range part {
				if err := g.wallet.sign(s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	txs := make([]*wire.MsgTx, len(spends))
	var fees int64
	for i, s := range spends {
		txs[i] = s.tx
		for _, c := range s.in {
			fees += c.value
		}
		for _, c := range s.out {
			fees -= c.value
		}
		g.coins = append(g.coins, s.out...)
		g.sum.Inputs += len(s.in)
		g.sum.Checks += s.checks()
	}
	_, err := g.mine(txs, fees)
	return err
}

// mine mines a block of txs and returns the coin of its coinbase.
func (g *generator) mine(txs []*wire.MsgTx, fees int64) (coin, error) {
	g.height++
	reward := coin{value: blockchain.CalcBlockSubsidy(int32(g.height), g.net) + fees, kind: wpkh, key: g.height % keyCount}
	// The height, by BIP34, and a byte, as a script of one byte is too short.
	script, err := build(func(b *txscript.ScriptBuilder) { b.AddInt64(int64(g.height)).AddInt64(0) })
	if err != nil {
		return coin{}, err
	}
	coinbase := wire.NewMsgTx(2)
	coinbase.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{}, wire.MaxPrevOutIndex), script, nil))
	coinbase.AddTxOut(wire.NewTxOut(reward.value, g.wallet.script(reward)))
	if len(txs) > 0 {
		if err := commit(coinbase, txs); err != nil {
			return coin{}, err
		}
	}
	reward.op = wire.OutPoint{Hash: coinbase.TxHash()}

	ids := []chainhash.Hash{reward.op.Hash}
	for _, tx := range txs {
		ids = append(ids, tx.TxHash())
	}
	block := &wire.MsgBlock{
		Header: wire.BlockHeader{
			Version: blockVersion, PrevBlock: g.prev, MerkleRoot: merkleRoot(ids),
			Timestamp: g.cfg.Start.Add(time.Duration(g.height-1) * g.cfg.Spacing), Bits: g.net.PowLimitBits,
		},
		Transactions: append([]*wire.MsgTx{coinbase}, txs...),
	}
	// Half of all hashes will do.
	for hash := block.BlockHash(); blockchain.HashToBig(&hash).Cmp(g.net.PowLimit) > 0; hash = block.BlockHash() {
		block.Header.Nonce++
	}
	weight := int64(3*block.SerializeSizeStripped() + block.SerializeSize())
	if weight > blockchain.MaxBlockWeight {
		return coin{}, fmt.Errorf("block %d has weight %d, above the limit of %d: fewer transactions in each", g.height, weight, blockchain.MaxBlockWeight)
	}
	g.sum.MaxWeight = max(g.sum.MaxWeight, weight)
	g.sum.Txs += len(block.Transactions)
	return reward, g.write(block)
}

// commit adds the witness commitment (BIP141) to a coinbase.
func commit(coinbase *wire.MsgTx, txs []*wire.MsgTx) error {
	ids := make([]chainhash.Hash, 1, len(txs)+1) // the coinbase counts as zero
	for _, tx := range txs {
		ids = append(ids, tx.WitnessHash())
	}
	root := merkleRoot(ids)
	var reserved [32]byte
	commitment := chainhash.DoubleHashB(append(root[:], reserved[:]...))
	script, err := build(func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_RETURN).AddData(append([]byte{0xaa, 0x21, 0xa9, 0xed}, commitment...))
	})
	if err != nil {
		return err
	}
	coinbase.TxIn[0].Witness = wire.TxWitness{reserved[:]}
	coinbase.AddTxOut(wire.NewTxOut(0, script))
	return nil
}

// merkleRoot returns the root of the tree over ids, which it overwrites.
func merkleRoot(ids []chainhash.Hash) chainhash.Hash {
	for len(ids) > 1 {
		if len(ids)%2 == 1 {
			ids = append(ids, ids[len(ids)-1])
		}
		half := ids[:0]
		for i := 0; i < len(ids); i += 2 {
			half = append(half, chainhash.DoubleHashH(append(ids[i][:len(ids[i]):len(ids[i])], ids[i+1][:]...)))
		}
		ids = half
	}
	return ids[0]
}

// write adds a block to the file: magic, length, block.
func (g *generator) write(block *wire.MsgBlock) error {
	g.prev = block.BlockHash()
	n := block.SerializeSize()
	frame := binary.LittleEndian.AppendUint32(nil, uint32(g.net.Net))
	frame = binary.LittleEndian.AppendUint32(frame, uint32(n))
	if _, err := g.out.Write(frame); err != nil {
		return err
	}
	g.sum.Bytes += int64(len(frame) + n)
	return block.Serialize(g.out)
}
