package mining

import (
	"errors"
	"fmt"
	"time"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/params"
	"starling/script"
	"starling/wire"
)

const (
	// blockVersion is the version of a new block: version bits (BIP9) with no
	// deployment signalled.
	blockVersion = 0x20000000

	// coinbaseSequence lets the lock time of a coinbase count.
	coinbaseSequence = wire.SequenceFinal - 1

	// timewarpSlack is how far, in seconds, the first block of a difficulty
	// period may lie before its parent (BIP94). It is kept on all networks,
	// since it costs nothing and others may come to demand it.
	timewarpSlack = 600
)

// ErrSignet reports that a block of a signet was asked for. Such a block needs
// a signature (BIP325), which this package cannot give.
var ErrSignet = errors.New("mining: blocks of this network must be signed")

// Options says what block to make. Network, Parent, Now and Script are needed.
type Options struct {
	Network *params.Network
	Parent  *headertree.Node // the block to build on
	Now     time.Time
	Script  []byte // where the subsidy and the fees go

	// Txs follow the coinbase in this order, and pay Fees in total, in
	// satoshi. Nobody checks here whether they may spend what they spend.
	Txs  []*wire.Tx
	Fees int64

	// ExtraNonce goes into the coinbase, so that blocks that agree in all else
	// differ.
	ExtraNonce uint64

	// Unsigned asks for a block of a signet all the same, without its
	// signature.
	Unsigned bool
	// Unchecked leaves out the checks of what the transactions say, for those
	// that come from a pool that has checked them.
	Unchecked bool
}

// Template returns a block that obeys every rule but proof of work; see
// [Solve]. The error is a *consensus.RuleError if the transactions given
// cannot be in a block, unless they are not looked at.
func Template(o Options) (*wire.Block, error) {
	net, height := o.Network, o.Parent.Height+1
	if net.IsSignet() {
		if !o.Unsigned {
			return nil, ErrSignet
		}
		// All rules hold but that of the signature.
		plain := *net
		plain.SignetChallenge = nil
		net = &plain
	}
	segwit := height >= net.SegwitHeight

	outs := []wire.TxOut{{Value: consensus.Subsidy(height, net) + o.Fees, Script: o.Script}}
	var witness wire.Witness
	if segwit {
		var reserved [wire.HashSize]byte
		commitment := consensus.WitnessCommitment(witnessRoot(o.Txs), reserved[:])
		outs = append(outs, wire.TxOut{Script: consensus.WitnessCommitmentScript(commitment)})
		witness = wire.NewWitness(reserved[:])
	}
	in := wire.TxIn{
		PrevOut: wire.OutPoint{Index: wire.NullIndex},
		// Half the number fits whatever its highest bit is, and leaves
		// numbers enough.
		Script:   script.AppendInt(consensus.CoinbaseHeight(height), int64(o.ExtraNonce>>1)),
		Sequence: coinbaseSequence,
		Witness:  witness,
	}
	// The lock time tells the coinbase from that of every other height, even
	// for who does not read scripts.
	coinbase := wire.NewTx(2, []wire.TxIn{in}, outs, uint32(height-1))

	txs := make([]*wire.Tx, 0, 1+len(o.Txs))
	txs = append(append(txs, coinbase), o.Txs...)
	ids := make([]wire.Hash, len(txs))
	for i, tx := range txs {
		ids[i] = tx.TxID()
	}
	root, _ := consensus.MerkleRoot(ids)
	t := max(o.Now.Unix(), MinTime(o.Parent, net))
	b := wire.NewBlock(wire.Header{
		Version:    blockVersion,
		PrevBlock:  o.Parent.Hash,
		MerkleRoot: root,
		Timestamp:  uint32(t),
		Bits:       headertree.NextBits(o.Parent, t, net),
	}, txs)

	if o.Unchecked {
		return b, nil
	}
	err := consensus.CheckBlock(b, net)
	if err == nil {
		err = consensus.CheckBlockContext(b, net, height, o.Parent.MedianTime())
	}
	if err != nil {
		return nil, fmt.Errorf("mining: block %d on %v: %w", height, o.Parent.Hash, err)
	}
	return b, nil
}

// witnessRoot returns the root of the witness ids of a block with txs after
// its coinbase, whose own counts as zero (BIP141).
func witnessRoot(txs []*wire.Tx) wire.Hash {
	ids := make([]wire.Hash, 1+len(txs))
	for i, tx := range txs {
		ids[1+i] = tx.WTxID()
	}
	root, _ := consensus.MerkleRoot(ids)
	return root
}

// MinTime returns the earliest time that a block on parent may have, in
// seconds since 1970.
func MinTime(parent *headertree.Node, net *params.Network) int64 {
	t := parent.MedianTime() + 1
	if (parent.Height+1)%net.DifficultyInterval() == 0 {
		t = max(t, parent.Time()-timewarpSlack)
	}
	return t
}
