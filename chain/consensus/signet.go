package consensus

import (
	"encoding/binary"

	"starling/params"
	"starling/script"
	"starling/wire"
)

// signetMagic is what the push with the solution starts with, inside the
// witness commitment output (BIP325).
const signetMagic = "\xec\xc7\xda\xa2"

// signetFlags are the script rules that a solution is checked with, whatever
// the height.
const signetFlags = script.P2SH | script.Witness | script.DERSig | script.NullDummy

// Opcodes that the rewriting of the commitment script has to know.
const (
	op0         = 0x00
	opPushData1 = 0x4c
	opPushData2 = 0x4d
	opPushData4 = 0x4e
	opReturn    = 0x6a
)

// checkSignetSolution checks that the block carries a solution of the
// network's challenge (BIP325). The genesis block needs none.
func checkSignetSolution(b *wire.Block, net *params.Network) *RuleError {
	if b.Hash() == net.GenesisHash {
		return nil
	}
	fail := func(why string) *RuleError {
		return Reject(Invalid, "bad-signet-blksig", "signet block signature validation failure: %s", why)
	}
	spend, toSpend, why := signetTxs(b, net.SignetChallenge)
	if why != "" {
		return fail(why)
	}
	v := script.NewVerifier(script.Options{})
	if err := v.Tx(spend, toSpend.Out, signetFlags).Input(0); err != nil {
		return fail(err.Error())
	}
	return nil
}

// SignetTxs returns the two transactions of BIP325 for a block: spend, whose
// only input spends the only output of toSpend, which holds the challenge.
// The block is a valid signet block if spend is valid. It fails, saying why,
// for a block that can have no solution. Whoever signs a block gives it an
// empty solution first.
func signetTxs(b *wire.Block, challenge []byte) (spend, toSpend *wire.Tx, why string) {
	at := FindWitnessCommitment(b)
	if at < 0 {
		return nil, nil, "no witness commitment"
	}
	coinbase := &b.Txs[0]
	cleared, solution, found := cutSignetSolution(coinbase.Out[at].Script)

	var sigScript []byte
	var witness wire.Witness
	// No solution at all leaves both empty, which solves a challenge that
	// everybody can.
	if found {
		c := wire.NewCursor(solution, "signet solution")
		sigScript = c.VarBytes(len(solution))
		items := make([][]byte, c.Count(len(solution), 1))
		for i := range items {
			items[i] = c.VarBytes(len(solution))
		}
		if err := c.End(); err != nil {
			return nil, nil, err.Error()
		}
		witness = wire.NewWitness(items...)
	}

	// The signature covers the header but for its bits and nonce, with the
	// merkle root that the block would have without the solution.
	level := make([]byte, merkleScratch(len(b.Txs)))
	id := txidWithOutput(coinbase, at, cleared)
	copy(level, id[:])
	for i := 1; i < len(b.Txs); i++ {
		id := b.Txs[i].TxID()
		copy(level[i*wire.HashSize:], id[:])
	}
	root, _ := foldMerkle(level, len(b.Txs))
	h := &b.Header
	data := make([]byte, 0, 72)
	data = binary.LittleEndian.AppendUint32(data, uint32(h.Version))
	data = append(data, h.PrevBlock[:]...)
	data = append(data, root[:]...)
	data = binary.LittleEndian.AppendUint32(data, h.Timestamp)

	toSpend = wire.NewTx(0,
		[]wire.TxIn{{PrevOut: wire.OutPoint{Index: wire.NullIndex}, Script: appendPush([]byte{op0}, data)}},
		[]wire.TxOut{{Script: challenge}}, 0)
	spend = wire.NewTx(0,
		[]wire.TxIn{{PrevOut: wire.OutPoint{Hash: toSpend.TxID()}, Script: sigScript, Witness: witness}},
		[]wire.TxOut{{Script: []byte{opReturn}}}, 0)
	return spend, toSpend, ""
}

// cutSignetSolution looks in a commitment script for the first push that
// starts with the magic and has more, and returns the script with that push
// cut down to the magic, and what was cut off. The script is put together anew
// from its operations, each push in its shortest form, up to the first that
// runs over the end. Without a solution the script is returned as it is.
func cutSignetSolution(s []byte) (cleared, solution []byte, found bool) {
	out := make([]byte, 0, len(s))
	for rest := s; len(rest) > 0; {
		op, data, next, ok := nextOp(rest)
		if !ok {
			break
		}
		rest = next
		if len(data) == 0 {
			out = append(out, op)
			continue
		}
		if n := len(signetMagic); !found && len(data) > n && string(data[:n]) == signetMagic {
			data, solution, found = data[:n], data[n:], true
		}
		out = appendPush(out, data)
	}
	if !found {
		return s, nil, false
	}
	return out, solution, true
}

// nextOp splits the first operation off a script: its code, the data that it
// pushes, and the rest. It fails if the data runs over the end.
func nextOp(s []byte) (op byte, data, rest []byte, ok bool) {
	op, s = s[0], s[1:]
	if op > opPushData4 {
		return op, nil, s, true
	}
	n := uint64(op)
	width := 0
	switch op {
	case opPushData1:
		width = 1
	case opPushData2:
		width = 2
	case opPushData4:
		width = 4
	}
	if width > 0 {
		if len(s) < width {
			return op, nil, nil, false
		}
		var le [8]byte
		copy(le[:], s[:width])
		n, s = binary.LittleEndian.Uint64(le[:]), s[width:]
	}
	if n > uint64(len(s)) {
		return op, nil, nil, false
	}
	return op, s[:n], s[n:], true
}

// appendPush adds the shortest push of data by length to a script.
func appendPush(s, data []byte) []byte {
	switch n := len(data); {
	case n < opPushData1:
		s = append(s, byte(n))
	case n <= 0xff:
		s = append(s, opPushData1, byte(n))
	case n <= 0xffff:
		s = binary.LittleEndian.AppendUint16(append(s, opPushData2), uint16(n))
	default:
		s = binary.LittleEndian.AppendUint32(append(s, opPushData4), uint32(n))
	}
	return append(s, data...)
}

// txidWithOutput returns the id that tx would have if the script of output at
// were another.
func txidWithOutput(tx *wire.Tx, at int, script []byte) wire.Hash {
	out := append([]wire.TxOut(nil), tx.Out...)
	out[at].Script = script
	in := append([]wire.TxIn(nil), tx.In...)
	for i := range in {
		in[i].Witness = wire.Witness{}
	}
	return wire.NewTx(tx.Version, in, out, tx.LockTime).TxID()
}
