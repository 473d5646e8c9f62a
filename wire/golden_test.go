package wire

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goldenMessages are payloads that other programs made, or that a BIP spells
// out, beside what they say. The fuzz targets start from them too.
func goldenMessages(t testing.TB) []goldenMessage {
	header := func(s string) Header {
		h, err := DecodeHeader(unhex(t, s))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	ip := func(s string, services ServiceFlag, seen uint32) NetAddr {
		return NewNetAddr(netip.MustParseAddrPort(s), services, seen)
	}
	return []goldenMessage{
		{
			"version of Satoshi:0.9.3", "721101000100000000000000bc8f5e5400000000010000000000000000000000000000000000ffffc61b6409208d010000000000000000000000000000000000ffffcb0071c0208d128035cbc97953f80f2f5361746f7368693a302e392e332fcf05050001",
			&MsgVersion{
				Version: 70002, Services: NodeNetwork, Timestamp: 1415483324,
				AddrRecv: ip("198.27.100.9:8333", NodeNetwork, 0),
				AddrFrom: ip("203.0.113.192:8333", NodeNetwork, 0),
				Nonce:    0xf85379c9cb358012, UserAgent: "/Satoshi:0.9.3/", StartHeight: 329167, Relay: true,
			},
		},
		{
			"version of Satoshi:0.17.1", `7f1101000d04000000000000f00f4d5c00000000 0000000000000000 00000000000000000000ffff5bf08c80 b4bd
			0d04000000000000 00000000000000000000000000000000 0000 faa99559cc68a1c1 102f5361746f7368693a302e31372e312f 938c0800 01`,
			&MsgVersion{
				Version: 70015, Services: NodeNetwork | NodeBloom | NodeWitness | NodeNetworkLimited, Timestamp: 1548554224,
				AddrRecv: ip("91.240.140.128:46269", 0, 0),
				AddrFrom: ip("[::]:0", NodeNetwork|NodeBloom|NodeWitness|NodeNetworkLimited, 0),
				Nonce:    13952548347456104954, UserAgent: "/Satoshi:0.17.1/", StartHeight: 560275, Relay: true,
			},
		},
		{"verack", "", &MsgVerack{}},
		{"wtxidrelay", "", &MsgWTxIDRelay{}},
		{"sendaddrv2", "", &MsgSendAddrV2{}},
		{"sendtxrcncl, BIP330's layout", "01000000 0200000000000000", &MsgSendTxRcncl{Version: 1, Salt: 2}},
		{"feature, BIP434's layout, no data", "06 424950343334 00", &MsgFeature{ID: "BIP434"}},
		{"feature with data", "08 4249503433347632 03 010203", &MsgFeature{ID: "BIP434v2", Data: []byte{1, 2, 3}}},
		{"getaddr", "", &MsgGetAddr{}},
		{
			"addr of the protocol's wiki", "01 e215104d 0100000000000000 00000000000000000000ffff0a000001 208d",
			&MsgAddr{Addrs: []NetAddr{ip("10.0.0.1:8333", NodeNetwork, 0x4d1015e2)}},
		},
		{
			"addr of Bitcoin Core's tests", `03
			61bc6649 0000000000000000 00000000000000000000000000000001 0000
			79627683 0100000000000000 00000000000000000000000000000001 00f1
			ffffffff 4804000000000000 00000000000000000000000000000001 f1f2`,
			&MsgAddr{Addrs: []NetAddr{
				ip("[::1]:0", 0, 0x4966bc61),
				ip("[::1]:241", NodeNetwork, 0x83766279),
				ip("[::1]:61938", NodeWitness|NodeCompactFilters|NodeNetworkLimited, 0xffffffff),
			}},
		},
		{
			"addrv2 of Bitcoin Core's tests", `03
			61bc6649 00 02 10 00000000000000000000000000000001 0000
			79627683 01 02 10 00000000000000000000000000000001 00f1
			ffffffff fd4804 02 10 00000000000000000000000000000001 f1f2`,
			&MsgAddrV2{Addrs: []NetAddr{
				ip("[::1]:0", 0, 0x4966bc61),
				ip("[::1]:241", NodeNetwork, 0x83766279),
				ip("[::1]:61938", NodeWitness|NodeCompactFilters|NodeNetworkLimited, 0xffffffff),
			}},
		},
		{
			"addrv2 with all networks in use", `06
			01000000 09 01 04 01020304 208d
			02000000 00 02 10 20010db8000000000000000000000001 208d
			03000000 00 04 20 79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f 208d
			04000000 00 05 20 a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87 0000
			05000000 00 06 10 fc000001000200030004000500060007 208d
			06000000 00 07 10 02000000000000000000000000000001 208d`,
			&MsgAddrV2{Addrs: []NetAddr{
				{Time: 1, Services: NodeNetwork | NodeWitness, Network: NetIPv4, Addr: []byte{1, 2, 3, 4}, Port: 8333},
				ip("[2001:db8::1]:8333", 0, 2),
				{Time: 3, Network: NetTorV3, Addr: unhex(t, "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f"), Port: 8333},
				{Time: 4, Network: NetI2P, Addr: unhex(t, "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87")},
				{Time: 5, Network: NetCJDNS, Addr: unhex(t, "fc000001000200030004000500060007"), Port: 8333},
				{Time: 6, Network: NetYggdrasil, Addr: unhex(t, "02000000000000000000000000000001"), Port: 8333},
			}},
		},
		{
			"inv", "01 02000000 6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000",
			&MsgInv{Inv: []InvVect{{InvBlock, MustHash("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f")}}},
		},
		{
			"getdata for filtered blocks", "02 03000000 30eb2540c41025690160a1014c577061596e32e426b712c7ca00000000000000 03000000 1049847939585b0652fba793661c361223446b6fc41089b8be00000000000000",
			&MsgGetData{Inv: []InvVect{
				{InvFilteredBlock, MustHash("00000000000000cac712b726e4326e596170574c01a16001692510c44025eb30")},
				{InvFilteredBlock, MustHash("00000000000000beb88910c46f6b442312361c6693a7fb52065b583979844910")},
			}},
		},
		{
			"getdata with witnesses, BIP144's types", "02 01000040 " + hexOf(7) + " 02000040 " + hexOf(8),
			&MsgGetData{Inv: []InvVect{{InvWitnessTx, repeatHash(7)}, {InvWitnessBlock, repeatHash(8)}}},
		},
		{"notfound", "01 05000000 " + hexOf(9), &MsgNotFound{Inv: []InvVect{{InvWTx, repeatHash(9)}}}},
		{
			"getheaders", "7f110100 01 a35bd0ca2f4a88c4eda6d213e2378a5758dfcd6af43712000000000000000000 " + hexOf(0),
			&MsgGetHeaders{Version: 70015, Locator: []Hash{MustHash("0000000000000000001237f46acddf58578a37e213d2a6edc4884a2fcad05ba3")}},
		},
		{
			"getblocks", "71110100 02 " + hexOf(1) + hexOf(4) + hexOf(5),
			&MsgGetBlocks{Version: 70001, Locator: []Hash{repeatHash(1), repeatHash(4)}, Stop: repeatHash(5)},
		},
		{
			"two headers of testnet", `02
			00000020df3b053dc46f162a9b00c7f0d5124e2676d47bbe7c5d0793a500000000000000ef445fef2ed495c275892206ca533e7411907971013ab83e3b47bd0d692d14d4dc7c835b67d8001ac157e670 00
			0000002030eb2540c41025690160a1014c577061596e32e426b712c7ca00000000000000768b89f07044e6130ead292a3f51951adbd2202df447d98789339937fd006bd44880835b67d8001ade092046 00`,
			&MsgHeaders{Headers: []Header{
				header("00000020df3b053dc46f162a9b00c7f0d5124e2676d47bbe7c5d0793a500000000000000ef445fef2ed495c275892206ca533e7411907971013ab83e3b47bd0d692d14d4dc7c835b67d8001ac157e670"),
				{
					Version: 0x20000000, PrevBlock: MustHash("00000000000000cac712b726e4326e596170574c01a16001692510c44025eb30"),
					MerkleRoot: MustHash("d46b00fd3799338987d947f42d20d2db1a95513f2a29ad0e13e64470f0898b76"),
					Timestamp:  0x5b838048, Bits: 0x1a00d867, Nonce: 0x462009de,
				},
			}},
		},
		{"sendheaders", "", &MsgSendHeaders{}},
		{"the first block", genesisHeaderHex + "01" + genesisTxHex, &MsgBlock{Raw: unhex(t, genesisHeaderHex+"01"+genesisTxHex)}},
		{"tx without witness", genesisTxHex, &MsgTx{Tx: mustTx(t, genesisTxHex)}},
		{"tx with witness, of BIP143", bip143TxHex, &MsgTx{Tx: mustTx(t, bip143TxHex)}},
		{"mempool", "", &MsgMempool{}},
		{"ping", "0094102111e2af4d", &MsgPing{Nonce: 0x4dafe21121109400, HasNonce: true}},
		{"ping before BIP31", "", &MsgPing{}},
		{"pong", "0094102111e2af4d", &MsgPong{Nonce: 0x4dafe21121109400, HasNonce: true}},
		{
			"reject", "02 7478 12 15 6261642d74786e732d696e707574732d7370656e74 394715fcab51093be7bfca5a31005972947baf86a31017939575fb2354222821",
			&MsgReject{
				Message: "tx", Code: RejectDuplicate, Reason: "bad-txns-inputs-spent", HasHash: true,
				Hash: MustHash("2128225423fb7595931710a386af7b94725900315acabfe73b0951abfc154739"),
			},
		},
		{"reject without hash", "07 76657273696f6e 11 04 74657374", &MsgReject{Message: "version", Code: RejectObsolete, Reason: "test"}},
		{
			"alert, the final one", `60 01000000 00000000 00000000 ffffff7f 00000000 ffffff7f feffff7f 01 ffffff7f 00000000 ffffff7f 00 ffffff7f 00
			2f 555247454e543a20416c657274206b657920636f6d70726f6d697365642c207570677261646520726571756972656400
			46 30440220653febd6410f470f6bae11cad19c48413becb1ac2c17f908fd0fd53bdc3abd5202206d0e9c96fe88d4a0f01ed9dedae2b6f9e00da94cad0fecaae66ecf689bf71b50`,
			&MsgAlert{
				Payload:   unhex(t, "010000000000000000000000ffffff7f00000000ffffff7ffeffff7f01ffffff7f00000000ffffff7f00ffffff7f002f555247454e543a20416c657274206b657920636f6d70726f6d697365642c207570677261646520726571756972656400"),
				Signature: unhex(t, "30440220653febd6410f470f6bae11cad19c48413becb1ac2c17f908fd0fd53bdc3abd5202206d0e9c96fe88d4a0f01ed9dedae2b6f9e00da94cad0fecaae66ecf689bf71b50"),
			},
		},
		{"feefilter", "7cbd000000000000", &MsgFeeFilter{FeeRate: 48508}},
		{"filterload of Bitcoin Core's tests", "03 614e9b 05000000 00000000 01", &MsgFilterLoad{Filter: []byte{0x61, 0x4e, 0x9b}, HashFuncs: 5, Flags: FilterUpdateAll}},
		{"filterload with a tweak", "03 ce4299 05000000 01000080 01", &MsgFilterLoad{Filter: []byte{0xce, 0x42, 0x99}, HashFuncs: 5, Tweak: 2147483649, Flags: FilterUpdateAll}},
		{"filteradd", "20 " + hexOf(0x1d), &MsgFilterAdd{Data: unhex(t, hexOf(0x1d))}},
		{"filterclear", "", &MsgFilterClear{}},
		{
			"merkleblock", `0100000079cda856b143d9db2c1caff01d1aecc8630d30625d10e8b4b8b0000000000000b50cc069d6a3e33e3ff84a5c41d9d3febe7c770fdcc96b2c3ff60abe184f196367291b4d4c86041b8fa45d63
			01000000 01 b50cc069d6a3e33e3ff84a5c41d9d3febe7c770fdcc96b2c3ff60abe184f1963 01 01`,
			&MsgMerkleBlock{
				Header: header("0100000079cda856b143d9db2c1caff01d1aecc8630d30625d10e8b4b8b0000000000000b50cc069d6a3e33e3ff84a5c41d9d3febe7c770fdcc96b2c3ff60abe184f196367291b4d4c86041b8fa45d63"),
				Total:  1, Hashes: []Hash{MustHash("63194f18be0af63f2c6bc9dc0f777cbefed3d9415c4af83f3ee3a3d669c00cb5")}, Flags: []byte{1},
			},
		},
		{"sendcmpct", "01 0200000000000000", &MsgSendCmpct{Announce: true, Version: CompactBlocksWitness}},
		{
			"cmpctblock of a regtest block", `00000030d923ad36ff2d955abab07f8a0a6e813bc6e066b973e780c5e36674cad5d1cd1f6e265f2a17a0d35cbe701fe9d06e2c6324cfe135f6233e8b767bfa3fb4479b71115dc562ffff7f2006000000
			0000000000000000 00 01 00 ` + coinbaseHex,
			&MsgCmpctBlock{
				Header:    header("00000030d923ad36ff2d955abab07f8a0a6e813bc6e066b973e780c5e36674cad5d1cd1f6e265f2a17a0d35cbe701fe9d06e2c6324cfe135f6233e8b767bfa3fb4479b71115dc562ffff7f2006000000"),
				Prefilled: []PrefilledTx{{0, mustTx(t, coinbaseHex)}},
			},
		},
		{
			"cmpctblock with short ids and two prefilled", genesisHeaderHex + "0807060504030201 03 060504030201 665544332211 ffffffffffff 02 00 " + coinbaseHex + " 02 " + bip143TxHex,
			&MsgCmpctBlock{
				Header: header(genesisHeaderHex), Nonce: 0x0102030405060708,
				ShortIDs:  []uint64{0x010203040506, 0x112233445566, 0xffffffffffff},
				Prefilled: []PrefilledTx{{0, mustTx(t, coinbaseHex)}, {3, mustTx(t, bip143TxHex)}},
			},
		},
		{
			"getblocktxn", hexOf(11) + " 06 00 00 00 00 06 fdaf0b",
			&MsgGetBlockTxn{BlockHash: repeatHash(11), Indexes: []uint16{0, 1, 2, 3, 10, 3002}},
		},
		{
			"blocktxn of a regtest block", "2e93c0cff39ff605020072d96bc3a8d20b8447e294d08092351c8583e08d9b5a 01 020000000001010000000000000000000000000000000000000000000000000000000000000000ffffffff0402dc0000ffffffff0200f90295000000001976a9142b4569203694fc997e13f2c0a1383b9e16c77a0d88ac0000000000000000266a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf90120000000000000000000000000000000000000000000000000000000000000000000000000",
			&MsgBlockTxn{
				BlockHash: MustHash("5a9b8de083851c359280d094e247840bd2a8c36bd972000205f69ff3cfc0932e"),
				Txs:       []*Tx{mustTx(t, "020000000001010000000000000000000000000000000000000000000000000000000000000000ffffffff0402dc0000ffffffff0200f90295000000001976a9142b4569203694fc997e13f2c0a1383b9e16c77a0d88ac0000000000000000266a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf90120000000000000000000000000000000000000000000000000000000000000000000000000")},
			},
		},
		{"getcfilters", "00 34000000 " + hexOf(42), &MsgGetCFilters{FilterType: FilterBasic, StartHeight: 52, Stop: repeatHash(42)}},
		{
			// The filter of the first testnet block, in BIP158's test vectors.
			"cfilter", "00 43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000 04 019dfca8",
			&MsgCFilter{BlockHash: MustHash("000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"), Filter: []byte{1, 0x9d, 0xfc, 0xa8}},
		},
		{"getcfheaders", "00 66000000 " + hexOf(47), &MsgGetCFHeaders{StartHeight: 102, Stop: repeatHash(47)}},
		{
			"cfheaders", "00 " + hexOf(53) + hexOf(12) + "02" + hexOf(4) + hexOf(12),
			&MsgCFHeaders{Stop: repeatHash(53), PrevFilterHeader: repeatHash(12), FilterHashes: []Hash{repeatHash(4), repeatHash(12)}},
		},
		{"getcfcheckpt", "00 " + hexOf(25), &MsgGetCFCheckpt{Stop: repeatHash(25)}},
		{
			"cfcheckpt", "00 " + hexOf(77) + "02" + hexOf(3) + hexOf(99),
			&MsgCFCheckpt{Stop: repeatHash(77), FilterHeaders: []Hash{repeatHash(3), repeatHash(99)}},
		},
	}
}

type goldenMessage struct {
	name    string
	payload string // hexadecimal
	want    Message
}

// hexOf returns a hash that consists of one repeated byte.
func hexOf(b byte) string {
	const digits = "0123456789abcdef"
	s := make([]byte, 0, 2*HashSize)
	for range HashSize {
		s = append(s, digits[b>>4], digits[b&15])
	}
	return string(s)
}

func TestGoldenMessages(t *testing.T) {
	seen := map[string]bool{}
	for _, tc := range goldenMessages(t) {
		seen[tc.want.Command()] = true
		t.Run(tc.name, func(t *testing.T) {
			payload := unhex(t, tc.payload)
			got := mustDecode(t, tc.want.Command(), payload)
			if diff := cmp.Diff(tc.want, got, diffOpts); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(payload, tc.want.AppendPayload(nil), diffOpts); diff != "" {
				t.Errorf("encoded (-want +got):\n%s", diff)
			}
			// Encoding adds to what is there and leaves it alone.
			if got := got.AppendPayload([]byte("head")); string(got) != "head"+string(payload) {
				t.Errorf("encoded after other bytes: %x", got)
			}
			if len(payload) > int(MaxPayload(tc.want.Command())) {
				t.Errorf("limit %d is below a real payload of %d bytes", MaxPayload(tc.want.Command()), len(payload))
			}
		})
	}
	for cmd := range messageTypes {
		if !seen[cmd] {
			t.Errorf("no golden bytes for %s", cmd)
		}
	}
}

// TestGoldenLinks checks golden data against itself: ids that must match.
func TestGoldenLinks(t *testing.T) {
	for _, tc := range goldenMessages(t) {
		switch m := tc.want.(type) {
		case *MsgHeaders:
			for i := 1; i < len(m.Headers); i++ {
				if m.Headers[i].PrevBlock != m.Headers[i-1].Hash() {
					t.Errorf("header %d does not follow header %d", i, i-1)
				}
			}
		case *MsgMerkleBlock:
			if m.Header.MerkleRoot != m.Hashes[0] {
				t.Errorf("%s: root %s, want %s", tc.name, m.Hashes[0], m.Header.MerkleRoot)
			}
		case *MsgBlock:
			if got := m.Hash(); got != MustHash("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f") {
				t.Errorf("%s: hash %s", tc.name, got)
			}
			b, err := ParseBlock(m.Raw)
			if err != nil {
				t.Fatal(err)
			}
			if b.Header.MerkleRoot != b.Txs[0].TxID() || m.Header() != b.Header || b.Hash() != m.Hash() {
				t.Errorf("%s: does not hold together", tc.name)
			}
		}
	}
}
