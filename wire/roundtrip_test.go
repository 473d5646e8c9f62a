package wire

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Generators of everything that messages are made of.

func genHash(t *rapid.T) (h Hash) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), HashSize, HashSize).Draw(t, "hash"))
	return h
}

func genHashes(t *rapid.T, limit int) []Hash {
	h := make([]Hash, rapid.IntRange(0, min(limit, 40)).Draw(t, "hashes"))
	for i := range h {
		h[i] = genHash(t)
	}
	return h
}

func genBytes(t *rapid.T, least, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), least, most).Draw(t, "bytes")
}

func genHeader(t *rapid.T) Header {
	return Header{
		Version: rapid.Int32().Draw(t, "version"), PrevBlock: genHash(t), MerkleRoot: genHash(t),
		Timestamp: rapid.Uint32().Draw(t, "time"), Bits: rapid.Uint32().Draw(t, "bits"), Nonce: rapid.Uint32().Draw(t, "nonce"),
	}
}

// genTxParts draws what a transaction is made of.
func genTxParts(t *rapid.T) (in []TxIn, out []TxOut) {
	in = make([]TxIn, rapid.IntRange(1, 4).Draw(t, "inputs"))
	segwit := rapid.Bool().Draw(t, "segwit")
	for i := range in {
		in[i] = TxIn{
			PrevOut:  OutPoint{genHash(t), rapid.Uint32().Draw(t, "index")},
			Script:   genBytes(t, 0, 300),
			Sequence: rapid.Uint32().Draw(t, "sequence"),
		}
		if segwit {
			in[i].Witness = NewWitness(rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 0, 4).Draw(t, "witness")...)
		}
	}
	out = make([]TxOut, rapid.IntRange(0, 4).Draw(t, "outputs"))
	for i := range out {
		out[i] = TxOut{rapid.Int64().Draw(t, "value"), genBytes(t, 0, 300)}
	}
	return in, out
}

func genTx(t *rapid.T) *Tx {
	in, out := genTxParts(t)
	return NewTx(rapid.Int32().Draw(t, "version"), in, out, rapid.Uint32().Draw(t, "lock time"))
}

// TestViews puts transactions together, in a block with others, and checks
// that every view shows what went in.
func TestViews(t *testing.T) {
	witness := cmp.Comparer(func(a, b Witness) bool {
		return slices.EqualFunc(a.Stack(), b.Stack(), bytes.Equal)
	})
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "transactions")
		ins, outs, txs := make([][]TxIn, n), make([][]TxOut, n), make([]*Tx, n)
		for i := range n {
			ins[i], outs[i] = genTxParts(t)
			txs[i] = NewTx(int32(i), ins[i], outs[i], uint32(i))
		}
		b := NewBlock(genHeader(t), txs)
		for i := range n {
			for _, tx := range []*Tx{txs[i], &b.Txs[i]} {
				if diff := cmp.Diff(ins[i], tx.In, witness, diffOpts); diff != "" {
					t.Errorf("inputs of %d (-want +got):\n%s", i, diff)
				}
				if diff := cmp.Diff(outs[i], tx.Out, diffOpts); diff != "" {
					t.Errorf("outputs of %d (-want +got):\n%s", i, diff)
				}
				// Appending to a view must not write into what follows it.
				for _, in := range tx.In {
					views := append(in.Witness.Stack(), in.Script)
					for _, v := range views {
						if cap(v) != len(v) {
							t.Errorf("a view of %d bytes has room for %d", len(v), cap(v))
						}
					}
				}
				for _, out := range tx.Out {
					if cap(out.Script) != len(out.Script) {
						t.Errorf("an output script of %d bytes has room for %d", len(out.Script), cap(out.Script))
					}
				}
				if tx.Version != int32(i) || tx.LockTime != uint32(i) {
					t.Errorf("version %d, lock time %d of %d", tx.Version, tx.LockTime, i)
				}
			}
		}
	})
}

func genServices(t *rapid.T) ServiceFlag {
	return ServiceFlag(rapid.Uint64().Draw(t, "services"))
}

// genAddr draws an address that survives the older form if v1, and the newer
// one otherwise.
func genAddr(t *rapid.T, v1 bool) NetAddr {
	networks := []NetworkID{NetIPv4, NetIPv6}
	if !v1 {
		networks = append(networks, NetTorV3, NetI2P, NetCJDNS, NetYggdrasil)
	}
	n := rapid.SampledFrom(networks).Draw(t, "network")
	a := NetAddr{
		Time: rapid.Uint32().Draw(t, "time"), Services: genServices(t), Network: n,
		Addr: genBytes(t, n.AddrSize(), n.AddrSize()), Port: rapid.Uint16().Draw(t, "port"),
	}
	if n == NetIPv6 {
		a.Addr[0] = 0x20 // keeps clear of the prefixes with a meaning of their own
	}
	return a
}

func genAddrs(t *rapid.T, v1 bool) []NetAddr {
	a := make([]NetAddr, rapid.IntRange(0, 20).Draw(t, "addresses"))
	for i := range a {
		a[i] = genAddr(t, v1)
	}
	return a
}

func genInv(t *rapid.T) []InvVect {
	inv := make([]InvVect, rapid.IntRange(0, 40).Draw(t, "entries"))
	for i := range inv {
		inv[i] = InvVect{InvType(rapid.Uint32().Draw(t, "type")), genHash(t)}
	}
	return inv
}

// genIndexes draws n rising numbers below limit.
func genIndexes(t *rapid.T, n, limit int) []uint16 {
	if n == 0 {
		return nil
	}
	set := rapid.SliceOfNDistinct(rapid.IntRange(0, limit-1), n, n, rapid.ID).Draw(t, "indexes")
	slices.Sort(set)
	idx := make([]uint16, n)
	for i := range set {
		idx[i] = uint16(set[i])
	}
	return idx
}

// messageGenerators draws any message of each kind that has a payload.
var messageGenerators = map[string]func(t *rapid.T) Message{
	CmdVersion: func(t *rapid.T) Message {
		recv, from := genAddr(t, true), genAddr(t, true)
		recv.Time, from.Time = 0, 0
		return &MsgVersion{
			Version: rapid.Int32().Draw(t, "version"), Services: genServices(t), Timestamp: rapid.Int64().Draw(t, "time"),
			AddrRecv: recv, AddrFrom: from, Nonce: rapid.Uint64().Draw(t, "nonce"),
			UserAgent: string(genBytes(t, 0, MaxUserAgent)), StartHeight: rapid.Int32().Draw(t, "height"), Relay: rapid.Bool().Draw(t, "relay"),
		}
	},
	CmdSendTxRcncl: func(t *rapid.T) Message {
		return &MsgSendTxRcncl{rapid.Uint32().Draw(t, "version"), rapid.Uint64().Draw(t, "salt")}
	},
	CmdFeature: func(t *rapid.T) Message {
		return &MsgFeature{string(genBytes(t, MinFeatureID, MaxFeatureID)), genBytes(t, 0, MaxFeatureData)}
	},
	CmdAddr:     func(t *rapid.T) Message { return &MsgAddr{genAddrs(t, true)} },
	CmdAddrV2:   func(t *rapid.T) Message { return &MsgAddrV2{genAddrs(t, false)} },
	CmdInv:      func(t *rapid.T) Message { return &MsgInv{genInv(t)} },
	CmdGetData:  func(t *rapid.T) Message { return &MsgGetData{genInv(t)} },
	CmdNotFound: func(t *rapid.T) Message { return &MsgNotFound{genInv(t)} },
	CmdGetBlocks: func(t *rapid.T) Message {
		return &MsgGetBlocks{rapid.Uint32().Draw(t, "version"), genHashes(t, MaxLocator), genHash(t)}
	},
	CmdGetHeaders: func(t *rapid.T) Message {
		return &MsgGetHeaders{rapid.Uint32().Draw(t, "version"), genHashes(t, MaxLocator), genHash(t)}
	},
	CmdHeaders: func(t *rapid.T) Message {
		h := make([]Header, rapid.IntRange(0, 20).Draw(t, "headers"))
		for i := range h {
			h[i] = genHeader(t)
		}
		return &MsgHeaders{h}
	},
	CmdBlock: func(t *rapid.T) Message {
		txs := make([]*Tx, rapid.IntRange(1, 4).Draw(t, "transactions"))
		for i := range txs {
			txs[i] = genTx(t)
		}
		return &MsgBlock{NewBlock(genHeader(t), txs).Bytes()}
	},
	CmdTx:   func(t *rapid.T) Message { return &MsgTx{Tx: genTx(t)} },
	CmdPing: func(t *rapid.T) Message { return &MsgPing{rapid.Uint64().Draw(t, "nonce"), true} },
	CmdPong: func(t *rapid.T) Message { return &MsgPong{rapid.Uint64().Draw(t, "nonce"), true} },
	CmdReject: func(t *rapid.T) Message {
		m := &MsgReject{
			Message: string(genBytes(t, 0, maxCommand)), Code: RejectCode(rapid.Byte().Draw(t, "code")),
			Reason: string(genBytes(t, 0, maxRejectReason)), HasHash: rapid.Bool().Draw(t, "has hash"),
		}
		if m.HasHash {
			m.Hash = genHash(t)
		}
		return m
	},
	CmdAlert: func(t *rapid.T) Message {
		return &MsgAlert{genBytes(t, 0, 400), genBytes(t, 0, maxAlertSignature)}
	},
	CmdFeeFilter: func(t *rapid.T) Message { return &MsgFeeFilter{rapid.Int64().Draw(t, "rate")} },
	CmdFilterLoad: func(t *rapid.T) Message {
		return &MsgFilterLoad{
			genBytes(t, 0, 400), rapid.Uint32Range(0, MaxFilterHashFuncs).Draw(t, "functions"),
			rapid.Uint32().Draw(t, "tweak"), FilterFlags(rapid.Byte().Draw(t, "flags")),
		}
	},
	CmdFilterAdd: func(t *rapid.T) Message { return &MsgFilterAdd{genBytes(t, 0, MaxFilterAdd)} },
	CmdMerkleBlock: func(t *rapid.T) Message {
		h := genHashes(t, 40)
		return &MsgMerkleBlock{
			genHeader(t), rapid.Uint32Range(uint32(len(h)), maxMerkleTxs).Draw(t, "total"),
			h, genBytes(t, (len(h)+7)/8, maxMerkleFlags),
		}
	},
	CmdSendCmpct: func(t *rapid.T) Message {
		return &MsgSendCmpct{rapid.Bool().Draw(t, "announce"), rapid.Uint64().Draw(t, "version")}
	},
	CmdCmpctBlock: func(t *rapid.T) Message {
		m := &MsgCmpctBlock{
			Header: genHeader(t), Nonce: rapid.Uint64().Draw(t, "nonce"),
			ShortIDs: rapid.SliceOfN(rapid.Uint64Range(0, 1<<48-1), 0, 40).Draw(t, "short ids"),
		}
		n := rapid.IntRange(0, 4).Draw(t, "prefilled")
		for _, at := range genIndexes(t, n, n+len(m.ShortIDs)) {
			m.Prefilled = append(m.Prefilled, PrefilledTx{at, genTx(t)})
		}
		return m
	},
	CmdGetBlockTxn: func(t *rapid.T) Message {
		n := rapid.IntRange(0, 40).Draw(t, "count")
		return &MsgGetBlockTxn{genHash(t), genIndexes(t, n, maxCompactIndex+1)}
	},
	CmdBlockTxn: func(t *rapid.T) Message {
		m := &MsgBlockTxn{BlockHash: genHash(t)}
		for range rapid.IntRange(0, 4).Draw(t, "transactions") {
			m.Txs = append(m.Txs, genTx(t))
		}
		return m
	},
	CmdGetCFilters: func(t *rapid.T) Message {
		return &MsgGetCFilters{FilterType(rapid.Byte().Draw(t, "type")), rapid.Uint32().Draw(t, "height"), genHash(t)}
	},
	CmdCFilter: func(t *rapid.T) Message {
		return &MsgCFilter{FilterType(rapid.Byte().Draw(t, "type")), genHash(t), genBytes(t, 0, 600)}
	},
	CmdGetCFHeaders: func(t *rapid.T) Message {
		return &MsgGetCFHeaders{FilterType(rapid.Byte().Draw(t, "type")), rapid.Uint32().Draw(t, "height"), genHash(t)}
	},
	CmdCFHeaders: func(t *rapid.T) Message {
		return &MsgCFHeaders{FilterType(rapid.Byte().Draw(t, "type")), genHash(t), genHash(t), genHashes(t, 40)}
	},
	CmdGetCFCheckpt: func(t *rapid.T) Message {
		return &MsgGetCFCheckpt{FilterType(rapid.Byte().Draw(t, "type")), genHash(t)}
	},
	CmdCFCheckpt: func(t *rapid.T) Message {
		return &MsgCFCheckpt{FilterType(rapid.Byte().Draw(t, "type")), genHash(t), genHashes(t, 40)}
	},
}

// TestRoundTrip draws messages, sends them in a frame and reads them again.
func TestRoundTrip(t *testing.T) {
	for cmd, mt := range messageTypes {
		gen, ok := messageGenerators[cmd]
		if !ok {
			if n := len(mt.make().AppendPayload(nil)); n != 0 {
				t.Errorf("%s has a payload but no generator", cmd)
			}
			continue
		}
		t.Run(cmd, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := gen(t)
				frame := AppendFrame(nil, mainMagic, want)
				h, err := ParseFrameHeader(frame)
				if err != nil {
					t.Fatal(err)
				}
				payload := frame[FrameHeaderSize:]
				if err := h.CheckPayload(payload); err != nil {
					t.Fatal(err)
				}
				got, err := Decode(h.Command, payload)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, diffOpts); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
				if !bytes.Equal(got.AppendPayload(nil), payload) {
					t.Fatal("encodes to something else")
				}
			})
		})
	}
}
