package consensus

import (
	"bytes"
	"encoding/hex"
	"testing"

	"starling/params"
	"starling/wire"
)

func TestSignetRealBlocks(t *testing.T) {
	signet := params.Signet()
	for i, b := range readBlocks(t, "testdata/signet.hex") {
		height := int32(i + 1)
		if err := CheckBlock(b, signet); err != nil {
			t.Errorf("block %d: %v", height, err)
		}
		if err := CheckBlockContext(b, signet, height, int64(b.Header.Timestamp)-1); err != nil {
			t.Errorf("block %d: %v", height, err)
		}
		if err := CheckProofOfWork(b.Hash(), b.Header.Bits, signet); err != nil {
			t.Errorf("block %d: %v", height, err)
		}
	}
	if err := CheckBlock(signet.Genesis, signet); err != nil {
		t.Errorf("genesis: %v", err)
	}
}

// TestSignetOtherChallenge checks real blocks against the challenge with both
// signatures required.
func TestSignetOtherChallenge(t *testing.T) {
	challenge := bytes.Clone(params.Signet().SignetChallenge)
	challenge[0] = 0x52
	net := params.SignetWith(challenge)
	b := readBlocks(t, "testdata/signet.hex")[0]
	wantReject(t, CheckBlock(b, net), Invalid, "bad-signet-blksig")
}

// TestSignetDamage flips each bit of what the solution covers or consists of.
func TestSignetDamage(t *testing.T) {
	signet := params.Signet()
	raw := readBlocks(t, "testdata/signet.hex")[0].Bytes()
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		b, err := wire.ParseBlock(bad)
		if err != nil {
			continue
		}
		b.HashTxs()
		err = CheckBlock(b, signet)
		// Bits and nonce are left to the proof of work, and the coinbase's
		// witness to the witness commitment.
		free := i >= 72 && i < 80 || i >= len(raw)-4-32 && i < len(raw)-4
		if (err == nil) != free {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestSignetChallengeForAll(t *testing.T) {
	opTrue := params.SignetWith([]byte{0x51})
	opFalse := params.SignetWith([]byte{0x00})
	noCommitment := makeBlock(coinbase(1))
	plain := segwitBlock(1, payment(1))
	// push returns the block with more behind its commitment.
	push := func(more ...byte) *wire.Block {
		cb := &plain.Txs[0]
		out := append([]wire.TxOut(nil), cb.Out...)
		out[1].Script = append(bytes.Clone(out[1].Script), more...)
		return makeBlock(wire.NewTx(1, cb.In, out, 0), payment(1))
	}
	magic := []byte(signetMagic)
	tests := []struct {
		name   string
		net    *params.Network
		block  *wire.Block
		kind   Kind
		reason string
	}{
		{"no solution needed", opTrue, plain, 0, ""},
		{"nothing solves", opFalse, plain, Invalid, "bad-signet-blksig"},
		{"no commitment", opTrue, noCommitment, Invalid, "bad-signet-blksig"},
		{"no transactions", opTrue, makeBlock(), Invalid, "bad-signet-blksig"},
		{"magic alone is no solution", opTrue, push(append([]byte{4}, magic...)...), 0, ""},
		{"empty solution", opTrue, push(append(append([]byte{6}, magic...), 0, 0)...), 0, ""},
		{"solution with too much", opTrue, push(append(append([]byte{7}, magic...), 0, 0, 0)...), Invalid, "bad-signet-blksig"},
		{"solution with too little", opTrue, push(append(append([]byte{5}, magic...), 0)...), Invalid, "bad-signet-blksig"},
		{"solution counts more than it has", opTrue, push(append(append([]byte{6}, magic...), 0, 9)...), Invalid, "bad-signet-blksig"},
		{"true solution of a block with a wrong root", opFalse, withRoot(plain, testID(1)), Mutated, "bad-signet-blksig"},
		{"no solution needed, wrong root", opTrue, withRoot(plain, testID(1)), Mutated, "bad-txnmrklroot"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantReject(t, CheckBlock(tt.block, tt.net), tt.kind, tt.reason)
		})
	}
}

func TestCutSignetSolution(t *testing.T) {
	const m = "ecc7daa2"
	tests := []struct {
		name, script string
		cleared      string // empty: as it was
		solution     string
	}{
		{"nothing", "6a", "", ""},
		{"other push", "6a0401020304", "", ""},
		{"magic without more", "6a04" + m, "", ""},
		{"solution", "6a06" + m + "0102", "6a04" + m, "0102"},
		{"first of two", "06" + m + "0102" + "05" + m + "03", "04" + m + "05" + m + "03", "0102"},
		{"behind another push", "6a020102" + "05" + m + "07", "6a020102" + "04" + m, "07"},
		{"long push becomes short", "4c06" + m + "0102", "04" + m, "0102"},
		{"other long pushes become short", "4d020001024e0100000003" + "05" + m + "07", "020102" + "0103" + "04" + m, "07"},
		{"torn end is lost", "05" + m + "07" + "4c", "04" + m, "07"},
		{"torn push is lost", "05" + m + "07" + "0501", "04" + m, "07"},
		{"nothing after a torn push", "4c", "", ""},
		{"empty push", "00" + "05" + m + "07" + "51", "00" + "04" + m + "51", "07"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cleared, solution, found := cutSignetSolution(unhex(t, tt.script))
			want := tt.cleared
			if want == "" {
				want = tt.script
			}
			if hex.EncodeToString(cleared) != want || hex.EncodeToString(solution) != tt.solution || found != (tt.cleared != "") {
				t.Fatalf("got %x, %x, %v", cleared, solution, found)
			}
		})
	}
}

// FuzzSignetScript checks that no commitment script makes the search fail.
func FuzzSignetScript(f *testing.F) {
	f.Add([]byte("\x6a\x06" + signetMagic + "\x01\x02"))
	f.Add([]byte{opPushData4, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, s []byte) {
		cleared, solution, found := cutSignetSolution(s)
		if !found && !bytes.Equal(cleared, s) {
			t.Fatal("changed without a solution")
		}
		if found && len(solution) == 0 {
			t.Fatal("found an empty solution")
		}
	})
}
