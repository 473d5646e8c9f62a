package wire

import (
	"bytes"
	"runtime/metrics"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fuzzDecode is the body of the fuzz targets below: whatever is decoded must
// encode to bytes that decode to the same message, and nothing may allocate
// much more than a multiple of its input.
func fuzzDecode(f *testing.F, cmd string) {
	for _, g := range goldenMessages(f) {
		if g.want.Command() == cmd {
			f.Add(unhex(f, g.payload))
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := heapAllocated()
		m, err := Decode(cmd, payload)
		if got := heapAllocated() - before; got > allocLimit(payload) {
			t.Errorf("%d bytes allocated for a payload of %d", got, len(payload))
		}
		if err != nil {
			return
		}
		enc := m.AppendPayload(nil)
		again, err := Decode(cmd, enc)
		if err != nil {
			t.Fatalf("%x decodes, its encoding %x does not: %v", payload, enc, err)
		}
		if diff := cmp.Diff(m, again, diffOpts); diff != "" {
			t.Errorf("changed on its way:\n%s", diff)
		}
		if !bytes.Equal(enc, again.AppendPayload(nil)) {
			t.Error("encoding is not stable")
		}
	})
}

// allocLimit is what decoding b may allocate. The constant part leaves room
// for what the test program itself does at the same time.
func allocLimit(b []byte) uint64 { return 40*uint64(len(b)) + 1<<20 }

// heapAllocated returns how many bytes this process has allocated so far.
func heapAllocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func FuzzDecodeVersion(f *testing.F)      { fuzzDecode(f, CmdVersion) }
func FuzzDecodeSendTxRcncl(f *testing.F)  { fuzzDecode(f, CmdSendTxRcncl) }
func FuzzDecodeFeature(f *testing.F)      { fuzzDecode(f, CmdFeature) }
func FuzzDecodeAddr(f *testing.F)         { fuzzDecode(f, CmdAddr) }
func FuzzDecodeAddrV2(f *testing.F)       { fuzzDecode(f, CmdAddrV2) }
func FuzzDecodeInv(f *testing.F)          { fuzzDecode(f, CmdInv) }
func FuzzDecodeGetData(f *testing.F)      { fuzzDecode(f, CmdGetData) }
func FuzzDecodeNotFound(f *testing.F)     { fuzzDecode(f, CmdNotFound) }
func FuzzDecodeGetBlocks(f *testing.F)    { fuzzDecode(f, CmdGetBlocks) }
func FuzzDecodeGetHeaders(f *testing.F)   { fuzzDecode(f, CmdGetHeaders) }
func FuzzDecodeHeaders(f *testing.F)      { fuzzDecode(f, CmdHeaders) }
func FuzzDecodeTx(f *testing.F)           { fuzzDecode(f, CmdTx) }
func FuzzDecodePing(f *testing.F)         { fuzzDecode(f, CmdPing) }
func FuzzDecodePong(f *testing.F)         { fuzzDecode(f, CmdPong) }
func FuzzDecodeReject(f *testing.F)       { fuzzDecode(f, CmdReject) }
func FuzzDecodeAlert(f *testing.F)        { fuzzDecode(f, CmdAlert) }
func FuzzDecodeFeeFilter(f *testing.F)    { fuzzDecode(f, CmdFeeFilter) }
func FuzzDecodeFilterLoad(f *testing.F)   { fuzzDecode(f, CmdFilterLoad) }
func FuzzDecodeFilterAdd(f *testing.F)    { fuzzDecode(f, CmdFilterAdd) }
func FuzzDecodeMerkleBlock(f *testing.F)  { fuzzDecode(f, CmdMerkleBlock) }
func FuzzDecodeSendCmpct(f *testing.F)    { fuzzDecode(f, CmdSendCmpct) }
func FuzzDecodeCmpctBlock(f *testing.F)   { fuzzDecode(f, CmdCmpctBlock) }
func FuzzDecodeGetBlockTxn(f *testing.F)  { fuzzDecode(f, CmdGetBlockTxn) }
func FuzzDecodeBlockTxn(f *testing.F)     { fuzzDecode(f, CmdBlockTxn) }
func FuzzDecodeGetCFilters(f *testing.F)  { fuzzDecode(f, CmdGetCFilters) }
func FuzzDecodeCFilter(f *testing.F)      { fuzzDecode(f, CmdCFilter) }
func FuzzDecodeGetCFHeaders(f *testing.F) { fuzzDecode(f, CmdGetCFHeaders) }
func FuzzDecodeCFHeaders(f *testing.F)    { fuzzDecode(f, CmdCFHeaders) }
func FuzzDecodeGetCFCheckpt(f *testing.F) { fuzzDecode(f, CmdGetCFCheckpt) }
func FuzzDecodeCFCheckpt(f *testing.F)    { fuzzDecode(f, CmdCFCheckpt) }

// FuzzDecodeAny also reaches the messages without payload, and unknown ones.
func FuzzDecodeAny(f *testing.F) {
	for _, g := range goldenMessages(f) {
		f.Add(g.want.Command(), unhex(f, g.payload))
	}
	f.Add("later", []byte{1})
	f.Fuzz(func(t *testing.T, cmd string, payload []byte) {
		m, err := Decode(cmd, payload)
		if err != nil {
			return
		}
		if m.Command() != cmd {
			t.Errorf("%s decodes to %s", cmd, m.Command())
		}
		if _, err := Decode(cmd, m.AppendPayload(nil)); err != nil {
			t.Error(err)
		}
	})
}

// FuzzFrame reads a stream of frames as a version 1 transport does.
func FuzzFrame(f *testing.F) {
	for _, g := range goldenMessages(f) {
		f.Add(AppendFrame(nil, mainMagic, g.want))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseFrameHeader(b)
		if err != nil {
			return
		}
		if enc := h.Append(nil); !bytes.Equal(enc, b[:FrameHeaderSize]) {
			t.Errorf("header %x encodes to %x", b[:FrameHeaderSize], enc)
		}
		if h.Length > MaxPayload(h.Command) {
			t.Errorf("%s of %d bytes was let through", h.Command, h.Length)
		}
		payload := b[FrameHeaderSize:]
		if h.CheckPayload(payload) != nil {
			return
		}
		if got := AppendFrameHeader(nil, h.Magic, h.Command, payload); !bytes.Equal(got, b[:FrameHeaderSize]) {
			t.Errorf("header %x becomes %x", b[:FrameHeaderSize], got)
		}
	})
}

func FuzzParseTx(f *testing.F) {
	for _, s := range []string{genesisTxHex, bip143TxHex, coinbaseHex} {
		f.Add(unhex(f, s))
	}
	in := []TxIn{{Witness: NewWitness([]byte{1}, nil)}, {}, {Witness: NewWitness([]byte{2, 3})}}
	f.Add(NewTx(1, in, []TxOut{{Value: 1}}, 0).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		before := heapAllocated()
		tx, err := ParseTx(b)
		if got := heapAllocated() - before; got > allocLimit(b) {
			t.Errorf("%d bytes allocated for %d", got, len(b))
		}
		if err == nil {
			checkTx(t, tx)
		}
	})
}

// checkTx rebuilds a parsed transaction from its parts: every view must show
// the right bytes.
func checkTx(t *testing.T, tx *Tx) {
	if len(tx.In) > 0 || len(tx.Out) == 0 {
		if again := NewTx(tx.Version, tx.In, tx.Out, tx.LockTime); !bytes.Equal(again.Bytes(), tx.Bytes()) {
			t.Errorf("%x becomes %x", tx.Bytes(), again.Bytes())
		}
	}
	base := tx.AppendBase(nil)
	if len(base) != tx.BaseSize() || DoubleHash(base) != tx.TxID() || DoubleHash(tx.Bytes()) != tx.WTxID() {
		t.Errorf("ids or sizes of %x", tx.Bytes())
	}
}

func FuzzParseBlock(f *testing.F) {
	f.Add(unhex(f, genesisHeaderHex+"01"+genesisTxHex))
	f.Add(testBlock(f).Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := heapAllocated()
		b, err := ParseBlock(raw)
		if got := heapAllocated() - before; got > allocLimit(raw) {
			t.Errorf("%d bytes allocated for %d", got, len(raw))
		}
		if err != nil {
			return
		}
		txs := make([]*Tx, len(b.Txs))
		for i := range b.Txs {
			txs[i] = &b.Txs[i]
			checkTx(t, txs[i])
		}
		b.HashTxs()
		for i := range b.Txs {
			checkTx(t, txs[i])
		}
		if again := NewBlock(b.Header, txs); !bytes.Equal(again.Bytes(), raw) || again.Hash() != b.Hash() {
			t.Errorf("%x becomes %x", raw, again.Bytes())
		}
	})
}
