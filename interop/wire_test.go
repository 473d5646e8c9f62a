package interop

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	btcwire "github.com/btcsuite/btcd/wire/v2"

	"starling/interop/moddata"
	"starling/wire"
)

// bigBlock is the 2.2 MB main-network block that ships with btcd's wire
// package: 230 transactions with 7,033 inputs, most of them with witnesses.
const bigBlock = "block-00000000000000000021868c2cefc52a480d173c849412fe81c4e5ab806f94ab.blk"

func wireData(t testing.TB, module string, elem ...string) []byte {
	t.Helper()
	path, err := moddata.Path(module, elem...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wireRecords cuts a file of blocks in Bitcoin Core's framing. It stops at the
// zeros that fill up the end of some files.
func wireRecords(t testing.TB, b []byte) (blocks [][]byte) {
	t.Helper()
	for len(b) >= 8 && binary.LittleEndian.Uint32(b) != 0 {
		n := binary.LittleEndian.Uint32(b[4:])
		if uint64(n) > uint64(len(b)-8) {
			t.Fatalf("record %d is cut", len(blocks))
		}
		blocks = append(blocks, b[8:8+n])
		b = b[8+n:]
	}
	return blocks
}

// compareWireBlock parses a block with both libraries and compares all there is.
func compareWireBlock(t *testing.T, raw []byte) {
	t.Helper()
	var want btcwire.MsgBlock
	if err := want.Deserialize(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	got, err := wire.ParseBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.Hash() != want.BlockHash() || got.Header.Hash() != want.BlockHash() {
		t.Fatalf("hash %s, btcd says %s", got.Hash(), want.BlockHash())
	}
	if !got.Header.Time().Equal(want.Header.Timestamp) || got.Header.Bits != want.Header.Bits || got.Header.Nonce != want.Header.Nonce ||
		got.Header.Version != want.Header.Version || got.Header.PrevBlock != want.Header.PrevBlock || got.Header.MerkleRoot != want.Header.MerkleRoot {
		t.Fatalf("header %+v, btcd says %+v", got.Header, want.Header)
	}
	if got.Size() != want.SerializeSize() || got.BaseSize() != want.SerializeSizeStripped() {
		t.Fatalf("sizes %d and %d, btcd says %d and %d", got.Size(), got.BaseSize(), want.SerializeSize(), want.SerializeSizeStripped())
	}
	var base bytes.Buffer
	if err := want.SerializeNoWitness(&base); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.AppendBase(nil), base.Bytes()) {
		t.Fatal("the forms without witness differ")
	}
	if len(got.Txs) != len(want.Transactions) {
		t.Fatalf("%d transactions, btcd says %d", len(got.Txs), len(want.Transactions))
	}
	// Ids hashed one by one must equal those hashed all at once.
	for i := range got.Txs {
		compareWireTx(t, &got.Txs[i], want.Transactions[i])
	}
	got.HashTxs()
	for i := range got.Txs {
		compareWireTx(t, &got.Txs[i], want.Transactions[i])
	}
}

func compareWireTx(t *testing.T, got *wire.Tx, want *btcwire.MsgTx) {
	t.Helper()
	if got.TxID() != want.TxHash() || got.WTxID() != want.WitnessHash() {
		t.Fatalf("ids %s and %s, btcd says %s and %s", got.TxID(), got.WTxID(), want.TxHash(), want.WitnessHash())
	}
	if got.Version != want.Version || got.LockTime != want.LockTime || len(got.In) != len(want.TxIn) || len(got.Out) != len(want.TxOut) ||
		got.Size() != want.SerializeSize() || got.BaseSize() != want.SerializeSizeStripped() || got.HasWitness() != want.HasWitness() {
		t.Fatalf("transaction %s differs", want.TxHash())
	}
	for i, in := range want.TxIn {
		g := &got.In[i]
		if g.PrevOut.Hash != in.PreviousOutPoint.Hash || g.PrevOut.Index != in.PreviousOutPoint.Index ||
			g.Sequence != in.Sequence || !bytes.Equal(g.Script, in.SignatureScript) || g.Witness.Len() != len(in.Witness) {
			t.Fatalf("input %d of %s differs", i, want.TxHash())
		}
		for j, item := range in.Witness {
			if !bytes.Equal(g.Witness.Item(j), item) {
				t.Fatalf("witness item %d of input %d of %s differs", j, i, want.TxHash())
			}
		}
	}
	for i, out := range want.TxOut {
		if got.Out[i].Value != out.Value || !bytes.Equal(got.Out[i].Script, out.PkScript) {
			t.Fatalf("output %d of %s differs", i, want.TxHash())
		}
	}
}

func TestWireRealBlocks(t *testing.T) {
	t.Run("first 14,131", func(t *testing.T) {
		blocks := wireRecords(t, wireData(t, moddata.BTCD, "blockchain", "testdata", "blk_0_to_14131.dat"))
		if len(blocks) != 14_132 {
			t.Errorf("%d blocks, want those of heights 0 to 14,131", len(blocks))
		}
		for _, raw := range blocks {
			compareWireBlock(t, raw)
		}
	})
	t.Run("277647", func(t *testing.T) {
		b, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(wireData(t, moddata.BTCD, "blockchain", "testdata", "277647.dat.bz2"))))
		if err != nil {
			t.Fatal(err)
		}
		blocks := wireRecords(t, b)
		if len(blocks) != 1 {
			t.Fatalf("%d blocks, want 1", len(blocks))
		}
		compareWireBlock(t, blocks[0])
	})
	for _, name := range []string{bigBlock, "block-0000000000000000001602407ac49862a7bca9d00f7f402db20b7be2f5de59d2.blk"} {
		t.Run(name, func(t *testing.T) {
			compareWireBlock(t, wireData(t, moddata.BTCDWire, "testdata", name))
		})
	}
	t.Run("1 MB transaction", func(t *testing.T) {
		raw, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(wireData(t, moddata.BTCDWire, "testdata", "megatx.bin.bz2"))))
		if err != nil {
			t.Fatal(err)
		}
		var want btcwire.MsgTx
		if err := want.Deserialize(bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
		got, err := wire.ParseTx(raw[:want.SerializeSize()])
		if err != nil {
			t.Fatal(err)
		}
		compareWireTx(t, got, &want)
	})
}

// TestWireRealHeaders reads Neutrino's first 100,000 real headers through a
// headers message and checks that each follows the one before.
func TestWireRealHeaders(t *testing.T) {
	b, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(wireData(t, moddata.Neutrino, "testdata", "block-headers-mainnet-1-100_000.bz2"))))
	if err != nil {
		t.Fatal(err)
	}
	const fileHeader = 10
	b = b[fileHeader:]
	var prev wire.Hash
	n := 0
	for len(b) >= wire.HeaderSize {
		m := &wire.MsgHeaders{}
		for len(m.Headers) < wire.MaxHeaders && len(b) >= wire.HeaderSize {
			h, err := wire.DecodeHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			m.Headers = append(m.Headers, h)
			b = b[wire.HeaderSize:]
		}
		got, err := wire.Decode(wire.CmdHeaders, m.AppendPayload(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range got.(*wire.MsgHeaders).Headers {
			if h.PrevBlock != prev {
				t.Fatalf("header %d does not follow", n)
			}
			prev = h.Hash()
			n++
		}
	}
	if n != 100_000 {
		t.Errorf("%d headers", n)
	}
}

// wirePairs returns the same messages made with both libraries.
func wirePairs(t *testing.T) []wirePair {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	randHash := func() (h wire.Hash) {
		for i := range h {
			h[i] = byte(rng.Uint32())
		}
		return h
	}
	hashes := make([]wire.Hash, 5)
	ptrs := make([]*wire.Hash, len(hashes))
	for i := range hashes {
		hashes[i] = randHash()
		ptrs[i] = &hashes[i]
	}
	stop := randHash()
	raw := wireData(t, moddata.BTCDWire, "testdata", bigBlock)
	var bBlock btcwire.MsgBlock
	if err := bBlock.Deserialize(bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	block, err := wire.ParseBlock(raw)
	if err != nil {
		t.Fatal(err)
	}

	v4, v6 := net.IP{10, 0, 0, 1}, net.ParseIP("2001:db8::7")
	now := time.Unix(1_700_000_000, 0)
	bAddr := func(ip net.IP, services uint64) *btcwire.NetAddress {
		return btcwire.NewNetAddressTimestamp(now, btcwire.ServiceFlag(services), ip, 8333)
	}
	addr := func(ip net.IP, services uint64, timed bool) wire.NetAddr {
		a := wire.NetAddr{Services: wire.ServiceFlag(services), Network: wire.NetIPv6, Addr: ip, Port: 8333}
		if len(ip) == 4 {
			a.Network = wire.NetIPv4
		}
		if timed {
			a.Time = uint32(now.Unix())
		}
		return a
	}

	bVersion := btcwire.NewMsgVersion(bAddr(v4, 1), bAddr(v6, 9), 0x1122334455667788, 812_345)
	bVersion.Services, bVersion.Timestamp = 1033, now
	bVersion.ProtocolVersion = 70016
	if err := bVersion.AddUserAgent("starling", "0.1"); err != nil {
		t.Fatal(err)
	}
	version := &wire.MsgVersion{
		Version: 70016, Services: 1033, Timestamp: now.Unix(), Nonce: 0x1122334455667788, StartHeight: 812_345,
		AddrRecv: addr(v6, 9, false), AddrFrom: addr(v4, 1, false), UserAgent: bVersion.UserAgent, Relay: true,
	}

	var (
		bInv, bGetData, bNotFound = btcwire.NewMsgInv(), btcwire.NewMsgGetData(), btcwire.NewMsgNotFound()
		inv                       []wire.InvVect
	)
	for i, typ := range []wire.InvType{wire.InvTx, wire.InvBlock, wire.InvFilteredBlock, wire.InvWitnessTx, wire.InvWitnessBlock} {
		iv := btcwire.NewInvVect(btcwire.InvType(typ), &hashes[i])
		for _, err := range []error{bInv.AddInvVect(iv), bGetData.AddInvVect(iv), bNotFound.AddInvVect(iv)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		inv = append(inv, wire.InvVect{Type: typ, Hash: hashes[i]})
	}

	bGetBlocks, bGetHeaders := btcwire.NewMsgGetBlocks(&stop), btcwire.NewMsgGetHeaders()
	bGetBlocks.ProtocolVersion, bGetHeaders.ProtocolVersion = 70016, 70016
	bGetHeaders.HashStop = stop
	bGetBlocks.BlockLocatorHashes, bGetHeaders.BlockLocatorHashes = ptrs, ptrs

	bHeaders := btcwire.NewMsgHeaders()
	for range 3 {
		if err := bHeaders.AddBlockHeader(&bBlock.Header); err != nil {
			t.Fatal(err)
		}
	}
	bAddrs := btcwire.NewMsgAddr()
	if err := bAddrs.AddAddresses(bAddr(v4, 1), bAddr(v6, 1033)); err != nil {
		t.Fatal(err)
	}
	bAddrs2 := btcwire.NewMsgAddrV2()
	bAddrs2.AddrList = []*btcwire.NetAddressV2{
		btcwire.NetAddressV2FromBytes(now, 1, v4, 8333),
		btcwire.NetAddressV2FromBytes(now, 1033, v6, 8333),
		btcwire.NetAddressV2FromBytes(now, 1<<33, hashes[0][:], 8333), // Tor version 3
	}
	tor := wire.NetAddr{Time: uint32(now.Unix()), Services: 1 << 33, Network: wire.NetTorV3, Addr: hashes[0][:], Port: 8333}

	bMerkle := btcwire.NewMsgMerkleBlock(&bBlock.Header)
	bMerkle.Transactions, bMerkle.Hashes, bMerkle.Flags = 40, ptrs, []byte{0xb7, 1}
	bReject := btcwire.NewMsgReject("tx", btcwire.RejectDust, "dust")
	bReject.Hash = stop
	bCFHeaders := btcwire.NewMsgCFHeaders()
	bCFHeaders.StopHash, bCFHeaders.PrevFilterHeader, bCFHeaders.FilterHashes = stop, hashes[0], ptrs
	bCheckpt := btcwire.NewMsgCFCheckpt(btcwire.GCSFilterRegular, &stop, len(ptrs))
	bCheckpt.FilterHeaders = ptrs

	return []wirePair{
		{version, bVersion},
		{&wire.MsgVerack{}, btcwire.NewMsgVerAck()},
		{&wire.MsgSendAddrV2{}, btcwire.NewMsgSendAddrV2()},
		{&wire.MsgWTxIDRelay{}, btcwire.NewMsgWTxIdRelay()},
		{&wire.MsgGetAddr{}, btcwire.NewMsgGetAddr()},
		{&wire.MsgAddr{Addrs: []wire.NetAddr{addr(v4, 1, true), addr(v6, 1033, true)}}, bAddrs},
		{&wire.MsgAddrV2{Addrs: []wire.NetAddr{addr(v4, 1, true), addr(v6, 1033, true), tor}}, bAddrs2},
		{&wire.MsgInv{Inv: inv}, bInv},
		{&wire.MsgGetData{Inv: inv}, bGetData},
		{&wire.MsgNotFound{Inv: inv}, bNotFound},
		{&wire.MsgGetBlocks{Version: 70016, Locator: hashes, Stop: stop}, bGetBlocks},
		{&wire.MsgGetHeaders{Version: 70016, Locator: hashes, Stop: stop}, bGetHeaders},
		{&wire.MsgHeaders{Headers: []wire.Header{block.Header, block.Header, block.Header}}, bHeaders},
		{&wire.MsgSendHeaders{}, btcwire.NewMsgSendHeaders()},
		{&wire.MsgBlock{Raw: raw}, &bBlock},
		{&wire.MsgTx{Tx: &block.Txs[1]}, bBlock.Transactions[1]},
		{&wire.MsgMempool{}, btcwire.NewMsgMemPool()},
		{&wire.MsgPing{Nonce: 7, HasNonce: true}, btcwire.NewMsgPing(7)},
		{&wire.MsgPong{Nonce: 7, HasNonce: true}, btcwire.NewMsgPong(7)},
		{&wire.MsgReject{Message: "tx", Code: wire.RejectDust, Reason: "dust", HasHash: true, Hash: stop}, bReject},
		{&wire.MsgFeeFilter{FeeRate: 1000}, btcwire.NewMsgFeeFilter(1000)},
		{&wire.MsgFilterLoad{Filter: []byte{1, 2, 3}, HashFuncs: 5, Tweak: 6, Flags: wire.FilterUpdateAll}, btcwire.NewMsgFilterLoad([]byte{1, 2, 3}, 5, 6, btcwire.BloomUpdateAll)},
		{&wire.MsgFilterAdd{Data: stop[:]}, btcwire.NewMsgFilterAdd(stop[:])},
		{&wire.MsgFilterClear{}, btcwire.NewMsgFilterClear()},
		{&wire.MsgMerkleBlock{Header: block.Header, Total: 40, Hashes: hashes, Flags: []byte{0xb7, 1}}, bMerkle},
		{&wire.MsgGetCFilters{StartHeight: 9, Stop: stop}, btcwire.NewMsgGetCFilters(btcwire.GCSFilterRegular, 9, &stop)},
		{&wire.MsgCFilter{BlockHash: stop, Filter: []byte{1, 2, 3}}, btcwire.NewMsgCFilter(btcwire.GCSFilterRegular, &stop, []byte{1, 2, 3})},
		{&wire.MsgGetCFHeaders{StartHeight: 9, Stop: stop}, btcwire.NewMsgGetCFHeaders(btcwire.GCSFilterRegular, 9, &stop)},
		{&wire.MsgCFHeaders{Stop: stop, PrevFilterHeader: hashes[0], FilterHashes: hashes}, bCFHeaders},
		{&wire.MsgGetCFCheckpt{Stop: stop}, btcwire.NewMsgGetCFCheckpt(btcwire.GCSFilterRegular, &stop)},
		{&wire.MsgCFCheckpt{Stop: stop, FilterHeaders: hashes}, bCheckpt},
	}
}

type wirePair struct {
	ours wire.Message
	btcd btcwire.Message
}

// TestMessagesAgainstBTCD compares whole frames byte for byte, and reads each
// side's frame with the other.
func TestMessagesAgainstBTCD(t *testing.T) {
	magic := [4]byte{0xf9, 0xbe, 0xb4, 0xd9}
	for _, pair := range wirePairs(t) {
		t.Run(pair.ours.Command(), func(t *testing.T) {
			var want bytes.Buffer
			if _, err := btcwire.WriteMessageWithEncodingN(&want, pair.btcd, 70016, btcwire.MainNet, btcwire.LatestEncoding); err != nil {
				t.Fatal(err)
			}
			got := wire.AppendFrame(nil, magic, pair.ours)
			if !bytes.Equal(got, want.Bytes()) {
				t.Fatalf("frames differ\nours %x\nbtcd %x", firstBytes(got), firstBytes(want.Bytes()))
			}
			if _, _, _, err := btcwire.ReadMessageWithEncodingN(bytes.NewReader(got), 70016, btcwire.MainNet, btcwire.LatestEncoding); err != nil &&
				// btcd writes wtxidrelay but has no reader for it.
				!(pair.ours.Command() == wire.CmdWTxIDRelay && errors.Is(err, btcwire.ErrUnknownMessage)) {
				t.Errorf("btcd does not read our frame: %v", err)
			}
			h, err := wire.ParseFrameHeader(want.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			payload := want.Bytes()[wire.FrameHeaderSize:]
			if err := h.CheckPayload(payload); err != nil {
				t.Error(err)
			}
			m, err := wire.Decode(h.Command, payload)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.AppendPayload(nil), payload) {
				t.Error("btcd's payload changes on its way through our decoder")
			}
		})
	}
}

func firstBytes(b []byte) []byte { return b[:min(len(b), 400)] }

// TestParseBlockAllocations bounds the allocations of parsing the big block:
// one for each 100 inputs at most, with all ids hashed.
func TestParseBlockAllocations(t *testing.T) {
	raw := wireData(t, moddata.BTCDWire, "testdata", bigBlock)
	b, err := wire.ParseBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	inputs := 0
	for i := range b.Txs {
		inputs += len(b.Txs[i].In)
	}
	allocs := testing.AllocsPerRun(5, func() {
		b, err := wire.ParseBlock(raw)
		if err != nil {
			t.Fatal(err)
		}
		b.HashTxs()
	})
	if allocs*100 > float64(inputs) {
		t.Errorf("%v allocations for %d inputs", allocs, inputs)
	}
	t.Logf("%v allocations, %d bytes, %d transactions, %d inputs", allocs, len(raw), len(b.Txs), inputs)
}

// BenchmarkBigBlock compares decoding the big block: every input, output and
// witness item bounds-checked and addressable.
func BenchmarkBigBlock(b *testing.B) {
	raw := wireData(b, moddata.BTCDWire, "testdata", bigBlock)
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	parse := func() (*wire.Block, error) { return wire.ParseBlock(raw) }
	r := bytes.NewReader(raw)
	deserialize := func() (*btcwire.MsgBlock, error) {
		r.Reset(raw)
		m := new(btcwire.MsgBlock)
		return m, m.Deserialize(r)
	}
	run("decode/starling", func() error { _, err := parse(); return err })
	run("decode/btcd", func() error { _, err := deserialize(); return err })
	run("decode+ids/starling", func() error {
		blk, err := parse()
		if err != nil {
			return err
		}
		blk.HashTxs()
		return nil
	})
	run("decode+ids/btcd", func() error {
		m, err := deserialize()
		if err != nil {
			return err
		}
		for _, tx := range m.Transactions {
			tx.TxHash()
			tx.WitnessHash()
		}
		return nil
	})
}
