package wire

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersionShortForms(t *testing.T) {
	full := unhex(t, goldenMessages(t)[0].payload)
	want := *goldenMessages(t)[0].want.(*MsgVersion)
	const addrEnd, nonceEnd, agentEnd, heightEnd = 46, 80, 96, 100

	without := func(change func(m *MsgVersion)) *MsgVersion {
		m := want
		change(&m)
		return &m
	}
	tests := []struct {
		name string
		cut  int
		want *MsgVersion
	}{
		{"without relay flag", heightEnd, &want},
		{"without height", agentEnd, without(func(m *MsgVersion) { m.StartHeight = 0 })},
		{"without user agent", nonceEnd, without(func(m *MsgVersion) { m.StartHeight, m.UserAgent = 0, "" })},
		{"without sender's address", addrEnd, without(func(m *MsgVersion) {
			m.StartHeight, m.UserAgent, m.Nonce, m.AddrFrom = 0, "", 0, NetAddr{Network: NetIPv6, Addr: make([]byte, 16)}
		})},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := mustDecode(t, CmdVersion, full[:tc.cut])
			if diff := cmp.Diff(tc.want, got, diffOpts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for cut := range full {
		switch cut {
		case addrEnd, nonceEnd, agentEnd, heightEnd:
			continue
		}
		if _, err := Decode(CmdVersion, full[:cut]); err == nil {
			t.Errorf("a version cut at byte %d was accepted", cut)
		}
	}
	noRelay := append(bytes.Clone(full[:heightEnd]), 0)
	if mustDecode(t, CmdVersion, noRelay).(*MsgVersion).Relay {
		t.Error("relay flag 0 reads as true")
	}
}

// TestTrailingBytes: bytes after the last field are ignored, but where the
// message's BIP forbids them.
func TestTrailingBytes(t *testing.T) {
	for _, tc := range goldenMessages(t) {
		cmd := tc.want.Command()
		payload := unhex(t, tc.payload)
		if cmd == CmdBlock || cmd == CmdPing || cmd == CmdReject || cmd == CmdFeature {
			continue // see below
		}
		got, err := Decode(cmd, append(payload, 0xee, 0xee))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got, diffOpts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	if _, err := Decode(CmdFeature, unhex(t, "06 424950343334 00 00")); err == nil {
		t.Error("feature with more than BIP434's two fields was accepted")
	}
	block := mustDecode(t, CmdBlock, unhex(t, genesisHeaderHex+"01"+genesisTxHex+"00")).(*MsgBlock)
	if _, err := ParseBlock(block.Raw); err == nil {
		t.Error("a block with a byte too many was parsed")
	}
}

func TestDecodeRefuses(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("00", n) }
	header := zeros(HeaderSize)
	tests := []struct {
		name, cmd, payload string // payload in hexadecimal
		reason             string // part of the error
	}{
		{"user agent of 257 bytes", CmdVersion, zeros(46+26+8) + "fd0101" + zeros(257+5), "limit 256"},
		{"1,001 addresses", CmdAddr, "fde903" + zeros(1001*30), "limit 1000"},
		{"addresses that are not there", CmdAddr, "fde803" + zeros(999*30), "ends early"},
		{"1,001 addresses of version 2", CmdAddrV2, "fde903" + zeros(1001*9), "limit 1000"},
		{"address of 513 bytes", CmdAddrV2, "01 00000000 00 99 fd0102" + zeros(513+2), "limit 512"},
		{"IPv4 address of 16 bytes", CmdAddrV2, "01 00000000 00 01 10" + zeros(18), "want 4"},
		{"IPv6 address of 4 bytes", CmdAddrV2, "01 00000000 00 02 04" + zeros(6), "want 16"},
		{"Tor address of 10 bytes", CmdAddrV2, "01 00000000 00 04 0a" + zeros(12), "want 32"},
		{"I2P address of 31 bytes", CmdAddrV2, "01 00000000 00 05 1f" + zeros(33), "want 32"},
		{"CJDNS address of 15 bytes", CmdAddrV2, "01 00000000 00 06 0f" + zeros(17), "want 16"},
		{"Yggdrasil address of 17 bytes", CmdAddrV2, "01 00000000 00 07 11" + zeros(19), "want 16"},
		{"50,001 entries", CmdInv, "fd51c3" + zeros(50001*36), "limit 50000"},
		{"50,001 wanted", CmdGetData, "fd51c3" + zeros(50001*36), "limit 50000"},
		{"50,001 not found", CmdNotFound, "fd51c3" + zeros(50001*36), "limit 50000"},
		{"count that is not canonical", CmdInv, "fd0100" + zeros(36), "canonical"},
		{"count far beyond the input", CmdInv, "fe00000002" + zeros(36), "limit"},
		{"count of 64 bits", CmdInv, "ffffffffffffffffff" + zeros(36), "too large"},
		{"locator of 102 hashes", CmdGetHeaders, "00000000 66" + zeros(102*32+32), "limit 101"},
		{"locator of 102 hashes, for blocks", CmdGetBlocks, "00000000 66" + zeros(102*32+32), "limit 101"},
		{"no stop hash", CmdGetHeaders, "00000000 00" + zeros(31), "ends early"},
		{"2,001 headers", CmdHeaders, "fdd107" + zeros(2001*81), "limit 2000"},
		{"headers without their counts", CmdHeaders, "02" + zeros(160), "ends early"},
		{"block of a bare header", CmdBlock, header, "ends early"},
		{"reason of 112 bytes", CmdReject, "02 7478 01 70" + zeros(112), "limit 111"},
		{"short fee", CmdFeeFilter, zeros(7), "ends early"},
		{"filter of 36,001 bytes", CmdFilterLoad, "fda18c" + zeros(36001+9), "limit 36000"},
		{"51 hash functions", CmdFilterLoad, "01 00 33000000 00000000 00", "limit 50"},
		{"item of 521 bytes", CmdFilterAdd, "fd0902" + zeros(521), "limit 520"},
		{"merkle block of too many", CmdMerkleBlock, header + "1b410000 00 00", "limit 16666"},
		{"more hashes than transactions", CmdMerkleBlock, header + "01000000 02" + zeros(64) + "01 ff", "2 hashes for 1"},
		{"more hashes than flags", CmdMerkleBlock, header + "ff000000 09" + zeros(9*32) + "01 ff", "flag bits"},
		{"short sendcmpct", CmdSendCmpct, "00" + zeros(7), "ends early"},
		{"index beyond the block", CmdCmpctBlock, header + zeros(8) + "00 01 01" + coinbaseHex, "beyond"},
		{"second index beyond the block", CmdCmpctBlock, header + zeros(8) + "01" + zeros(6) + "02 00" + coinbaseHex + "02" + coinbaseHex, "beyond"},
		{"index of 17 bits", CmdCmpctBlock, header + zeros(8) + "00 01 fe00000100" + coinbaseHex, "16 bits"},
		{"sum of indexes of 17 bits", CmdCmpctBlock, header + zeros(8) + "01" + zeros(6) + "02 00" + coinbaseHex + "fdffff" + coinbaseHex, "16 bits"},
		{"65,536 short ids", CmdCmpctBlock, header + zeros(8) + "fe00000100" + zeros(65536*6), "limit 65535"},
		{"wanted index of 17 bits", CmdGetBlockTxn, zeros(32) + "01 fe00000100", "16 bits"},
		{"sum of wanted indexes of 17 bits", CmdGetBlockTxn, zeros(32) + "02 fdffff 00", "16 bits"},
		{"sum near 2^32", CmdGetBlockTxn, zeros(32) + "02 00 feffffff01", "16 bits"},
		{"transactions that are not there", CmdBlockTxn, zeros(32) + "02" + coinbaseHex, "ends early"},
		{"2,001 filter hashes", CmdCFHeaders, zeros(65) + "fdd107" + zeros(2001*32), "limit 2000"},
		{"filter that is not there", CmdCFilter, zeros(33) + "05 00000000", "ends early"},
		{"feature id of 3 bytes", CmdFeature, "03 424950 00", "too short"},
		{"feature id of 81 bytes", CmdFeature, "51" + zeros(81) + "00", "limit 80"},
		{"feature data of 513 bytes", CmdFeature, "04" + zeros(4) + "fd0102" + zeros(513), "limit 512"},
		{"feature without data", CmdFeature, "04" + zeros(4), "ends early"},
		{"short sendtxrcncl", CmdSendTxRcncl, zeros(11), "ends early"},
		{"verack of 2,000 bytes", CmdVerack, zeros(2000), "too large"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			m, err := Decode(tc.cmd, unhex(t, tc.payload))
			var de *DecodeError
			if !errors.As(err, &de) || m != nil {
				t.Fatalf("got %v, %v; want a *DecodeError and no message", m, err)
			}
			// A payload above the command's limit may be refused before its
			// fields are looked at.
			if !strings.Contains(err.Error(), tc.reason) && !strings.Contains(err.Error(), "too large") {
				t.Errorf("error %q does not tell of %q", err, tc.reason)
			}
		})
	}
}

// TestDecodeCut cuts every golden payload at every byte. Only what has short
// forms decodes then; of all else what is missing is found out.
func TestDecodeCut(t *testing.T) {
	short := map[string]func(cut, whole int) bool{
		CmdVersion: func(cut, whole int) bool { return slices.Contains([]int{46, 80, whole - 5, whole - 1}, cut) },
		CmdPing:    func(int, int) bool { return true }, // before BIP31 there was no nonce
		CmdPong:    func(int, int) bool { return true },
		// Whatever follows the reason need not be a hash.
		CmdReject: func(cut, _ int) bool { return cut >= 26 },
		// A block stays bytes until it is parsed; of its transactions there is a count.
		CmdBlock: func(cut, _ int) bool { return cut >= 81 },
	}
	for _, tc := range goldenMessages(t) {
		payload, command := unhex(t, tc.payload), tc.want.Command()
		for cut := range payload {
			m, err := Decode(command, payload[:cut:cut])
			want := short[command] != nil && short[command](cut, len(payload))
			if got := err == nil; got != want {
				t.Errorf("%s cut at %d of %d: %v", command, cut, len(payload), err)
			}
			if err == nil {
				m.AppendPayload(nil)
			}
		}
	}
}

func TestAddrV2Skips(t *testing.T) {
	entry := func(network, addr string) string {
		n := len(unhex(t, addr))
		return "00000000 00 " + network + string("0123456789abcdef"[n>>4]) + string("0123456789abcdef"[n&15]) + addr + "0001"
	}
	good := entry("01", "01020304")
	tests := []struct{ name, entry string }{
		{"unknown network", entry("08", "00112233")},
		{"unknown network, no address", entry("ff", "")},
		{"Tor version 2", entry("03", "f1f2f3f4f5f6f7f8f9fa")},
		{"IPv4 in IPv6", entry("02", "00000000000000000000ffff01020304")},
		{"Tor version 2 in IPv6", entry("02", "fd87d87eeb43f1f2f3f4f5f6f7f8f9fa")},
		{"a seed's name in IPv6", entry("02", "fd6b88c0872401020304050607080900")},
	}
	want := &MsgAddrV2{Addrs: []NetAddr{
		{Network: NetIPv4, Addr: []byte{1, 2, 3, 4}, Port: 1},
		{Network: NetIPv4, Addr: []byte{1, 2, 3, 4}, Port: 1},
	}}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := mustDecode(t, CmdAddrV2, unhex(t, "03"+good+tc.entry+good))
			if diff := cmp.Diff(want, got, diffOpts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddrLeavesOutWhatDoesNotFit(t *testing.T) {
	v4 := NetAddr{Network: NetIPv4, Addr: []byte{1, 2, 3, 4}, Port: 5}
	m := &MsgAddr{Addrs: []NetAddr{
		{Network: NetTorV3, Addr: make([]byte, 32)}, v4,
		{Network: NetCJDNS, Addr: make([]byte, 16)},
		{Network: NetIPv6, Addr: make([]byte, 4)},
	}}
	got := mustDecode(t, CmdAddr, m.AppendPayload(nil))
	if diff := cmp.Diff(&MsgAddr{Addrs: []NetAddr{v4}}, got, diffOpts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := m.Addrs[0].AddrPort(); ok {
		t.Error("an onion address has an IP endpoint")
	}
	if ap, ok := v4.AddrPort(); !ok || ap.String() != "1.2.3.4:5" {
		t.Errorf("endpoint %v, %v", ap, ok)
	}
}

func TestUnknownMessage(t *testing.T) {
	m := mustDecode(t, "later", []byte{1, 2})
	if diff := cmp.Diff(&MsgUnknown{Cmd: "later", Payload: []byte{1, 2}}, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m.Command() != "later" || !bytes.Equal(m.AppendPayload(nil), []byte{1, 2}) {
		t.Error("does not encode to what it was")
	}
	if MaxPayload("later") != MaxPayloadSize {
		t.Error("limit of unknown commands")
	}
	if _, err := Decode("later", make([]byte, MaxPayloadSize+1)); err == nil {
		t.Error("a payload above every limit was accepted")
	}
}

func TestLimits(t *testing.T) {
	for cmd, mt := range messageTypes {
		if mt.limit > MaxPayloadSize || mt.limit == 0 {
			t.Errorf("%s: limit %d", cmd, mt.limit)
		}
		if got := mt.make().Command(); got != cmd {
			t.Errorf("table says %s, message says %s", cmd, got)
		}
		if len(cmd) > maxCommand {
			t.Errorf("command %s is too long", cmd)
		}
	}
	// The largest messages of each list-like kind must fit their own limits.
	full := []Message{
		&MsgInv{Inv: make([]InvVect, MaxInv)},
		&MsgHeaders{Headers: make([]Header, MaxHeaders)},
		&MsgGetHeaders{Locator: make([]Hash, MaxLocator)},
		&MsgCFHeaders{FilterHashes: make([]Hash, MaxCFHeaders)},
		&MsgCFCheckpt{FilterHeaders: make([]Hash, maxCFCheckpts)},
		&MsgFilterLoad{Filter: make([]byte, MaxFilterSize)},
		&MsgFilterAdd{Data: make([]byte, MaxFilterAdd)},
		&MsgVersion{UserAgent: strings.Repeat("a", MaxUserAgent)},
		&MsgFeature{ID: strings.Repeat("a", MaxFeatureID), Data: make([]byte, MaxFeatureData)},
		&MsgAlert{Payload: make([]byte, maxAlertPayload), Signature: make([]byte, maxAlertSignature)},
	}
	for _, m := range full {
		got := mustDecode(t, m.Command(), m.AppendPayload(nil))
		if !bytes.Equal(m.AppendPayload(nil), got.AppendPayload(nil)) {
			t.Errorf("%s changed on its way", m.Command())
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDecodeMemory feeds each decoder the input that makes it allocate most
// for each byte.
func TestDecodeMemory(t *testing.T) {
	zeros := func(n int) []byte { return make([]byte, n) }
	count := func(n uint64) []byte { return AppendCompactSize(nil, n) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	// The smallest transactions: no inputs, no outputs.
	const nTx = 60_000
	tests := []struct {
		name, cmd string
		payload   []byte
		factor    uint64 // allocated bytes per byte of payload, at most
	}{
		{"inv", CmdInv, join(count(MaxInv), zeros(MaxInv*InvVectSize)), 2},
		{"inv that ends early", CmdInv, join(count(MaxInv), zeros(36)), 2},
		{"headers", CmdHeaders, join(count(MaxHeaders), zeros(MaxHeaders*81)), 2},
		{"addrv2 of unknown networks", CmdAddrV2, join(count(MaxAddr), zeros(MaxAddr*9)), 8},
		{"getblocktxn", CmdGetBlockTxn, join(zeros(32), count(65536), zeros(65536)), 3},
		{"cmpctblock of short ids", CmdCmpctBlock, join(zeros(88), count(65535), zeros(65535*6), count(0)), 2},
		{"cmpctblock of empty transactions", CmdCmpctBlock, join(zeros(88), count(0), count(nTx), zeros(nTx*11)), 30},
		{"blocktxn of empty transactions", CmdBlockTxn, join(zeros(32), count(nTx), zeros(nTx*10)), 30},
		{"tx of empty inputs", CmdTx, join(zeros(4), count(20_000), zeros(20_000*41), count(0), zeros(4)), 8},
		{"tx of empty outputs", CmdTx, join(zeros(4), count(1), zeros(41), count(50_000), zeros(50_000*9), zeros(4)), 8},
		{"tx that claims more inputs", CmdTx, join(zeros(4), count(20_000), zeros(60)), 8},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := allocated(func() { _, _ = Decode(tc.cmd, tc.payload) })
			if limit := tc.factor*uint64(len(tc.payload)) + 16<<10; got > limit {
				t.Errorf("%d bytes allocated for a payload of %d, limit %d", got, len(tc.payload), limit)
			}
		})
	}
	block := join(zeros(80), count(nTx), zeros(nTx*10))
	if got := allocated(func() { _, _ = ParseBlock(block) }); got > 30*uint64(len(block)) {
		t.Errorf("block of empty transactions: %d bytes allocated for %d", got, len(block))
	}
	witness := join(zeros(4), []byte{0, 1}, count(1), zeros(41), count(0), count(500_000), zeros(500_000), zeros(4))
	if got := allocated(func() {
		if _, err := ParseTx(witness); err != nil {
			t.Error(err)
		}
	}); got > 30*uint64(len(witness)) {
		t.Errorf("transaction of empty witness items: %d bytes allocated for %d", got, len(witness))
	}
}

// TestTxKeepsOnlyItself receives small transactions with a lot behind them. Who
// keeps the transactions must not keep the rest.
func TestTxKeepsOnlyItself(t *testing.T) {
	const count, most = 50, 1 << 20
	tx := NewTx(2, []TxIn{{PrevOut: OutPoint{Index: 1}, Script: []byte{1}, Witness: NewWitness([]byte{2})}}, []TxOut{{Value: 5, Script: []byte{3}}}, 0)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var kept []*Tx
	for range count {
		payload := append(make([]byte, 0, 1_000_000), tx.Bytes()...)
		m, err := Decode(CmdTx, payload[:cap(payload)])
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, m.(*MsgTx).Tx)
	}
	grown := max(heap(), before) - before
	t.Logf("%d transactions of %d bytes keep %d", count, tx.Size(), grown)
	if grown > most {
		t.Errorf("%d transactions of %d bytes keep %d", count, tx.Size(), grown)
	}
	for _, k := range kept {
		if k.WTxID() != tx.WTxID() || k.In[0].Witness.Item(0)[0] != 2 {
			t.Error("another transaction")
		}
	}
}
