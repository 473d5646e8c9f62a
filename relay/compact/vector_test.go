package compact_test

import (
	"encoding/hex"
	"testing"

	"starling/relay/compact"
	"starling/relay/compact/compacttest"
	"starling/wire"
)

// A block with one payment besides its coinbase, and its compact form as
// Elements, which shares its code for this with Bitcoin Core, made it.
const (
	vectorHeader   = "000000206c750a364035aefd5f81508a08769975116d9195312ee4520dceac39e1fdc62c4dc67473b8e354358c1e610afeaff7410858bd45df43e2940f8a62bd3d5e3ac943c2975cffff7f2000000000"
	vectorCoinbase = "020000000001010000000000000000000000000000000000000000000000000000000000000000ffffffff04016b0101ffffffff020006062a0100000001510000000000000000266a24aa21a9ed4a3d9f3343dafcc0d6f6d4310f2ee5ce273ed34edca6c75db3a73e7f368734200120000000000000000000000000000000000000000000000000000000000000000000000000"
	vectorPayment  = "020000000001021fc20ba2bd745507b8e00679e3b362558f9457db374ca28ffa5243f4c23a4d5f00000000171600147c9dea14ffbcaec4b575e03f05ceb7a81cd3fcbffdffffff915d689be87b43337f42e26033df59807b768223368f189a023d0242d837768900000000171600147c9dea14ffbcaec4b575e03f05ceb7a81cd3fcbffdffffff0200cdf5050000000017a9146803c72d9154a6a20f404bed6d3dcee07986235a8700e1f5050000000017a9144e6a4c7cb5b5562904843bdf816342f4db9f5797870247304402205e9bf6e70eb0e4b495bf483fd8e6e02da64900f290ef8aaa64bb32600d973c450220670896f5d0e5f33473e5f399ab680cc1d25c2d2afd15abd722f04978f28be887012103e4e4d9312b2261af508b367d8ba9be4f01b61d6d6e78bec499845b4f410bcf2702473044022045ac80596a6ac9c8c572f94708709adaf106677221122e08daf8b9741a04f66a022003ccd52a3b78f8fd08058fc04fc0cffa5f4c196c84eae9e37e2a85babe731b57012103e4e4d9312b2261af508b367d8ba9be4f01b61d6d6e78bec499845b4f410bcf276a000000"
	vectorBlock    = vectorHeader + "02" + vectorCoinbase + vectorPayment
	vectorCompact  = vectorHeader + "a4df3c3744da89fa" + "01" + "0a6979e97145" + "01" + "00" + vectorCoinbase
	vectorNonce    = 0xfa89da44373cdfa4
)

func TestVector(t *testing.T) {
	raw, err := hex.DecodeString(vectorBlock)
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.ParseBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	b.HashTxs()
	m, err := compact.Build(b, vectorNonce)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(m.AppendPayload(nil)); got != vectorCompact {
		t.Errorf("got  %s\nwant %s", got, vectorCompact)
	}
	pool := compacttest.Pool([]*wire.Tx{&b.Txs[1]})
	if r, err := compacttest.Rebuild(b, vectorNonce, pool, nil, true); err != nil || r.Pool != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
