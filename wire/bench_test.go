package wire

import (
	"bytes"
	"testing"
)

// benchBlock returns a block of about 2 MB: 4,000 transactions of the shapes
// that golden data holds.
func benchBlock(b *testing.B) []byte {
	b.Helper()
	txs := make([]*Tx, 4000)
	witness := mustTx(b, bip143TxHex)
	plain := mustTx(b, genesisTxHex)
	for i := range txs {
		txs[i] = witness
		if i%4 == 0 {
			txs[i] = plain
		}
	}
	return NewBlock(Header{Version: 4}, txs).Bytes()
}

func BenchmarkParseBlock(b *testing.B) {
	raw := benchBlock(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseBlock(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseBlockHashed(b *testing.B) {
	raw := benchBlock(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		blk, err := ParseBlock(raw)
		if err != nil {
			b.Fatal(err)
		}
		blk.HashTxs()
	}
}

func BenchmarkParseTx(b *testing.B) {
	raw := unhex(b, bip143TxHex)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTx(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func benchDecode(b *testing.B, m Message) {
	b.Helper()
	payload := m.AppendPayload(nil)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(m.Command(), payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHeaders(b *testing.B) {
	benchDecode(b, &MsgHeaders{Headers: make([]Header, MaxHeaders)})
}

func BenchmarkDecodeInv(b *testing.B) { benchDecode(b, &MsgInv{Inv: make([]InvVect, MaxInv)}) }

func BenchmarkDecodeAddrV2(b *testing.B) {
	a := NetAddr{Network: NetIPv4, Addr: []byte{1, 2, 3, 4}, Port: 8333}
	m := &MsgAddrV2{}
	for range MaxAddr {
		m.Addrs = append(m.Addrs, a)
	}
	benchDecode(b, m)
}

func BenchmarkDecodeBlockTxn(b *testing.B) {
	m := &MsgBlockTxn{}
	for range 1000 {
		m.Txs = append(m.Txs, mustTx(b, bip143TxHex))
	}
	benchDecode(b, m)
}

func BenchmarkEncodeHeaders(b *testing.B) {
	m := &MsgHeaders{Headers: make([]Header, MaxHeaders)}
	buf := m.AppendPayload(nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = m.AppendPayload(buf[:0])
	}
}

func BenchmarkFrame(b *testing.B) {
	m := &MsgBlock{Raw: bytes.Repeat([]byte{1}, 1_000_000)}
	buf := AppendFrame(nil, mainMagic, m)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendFrame(buf[:0], mainMagic, m)
	}
}
