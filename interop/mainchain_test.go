package interop

import (
	"bufio"
	"compress/bzip2"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"starling/interop/harness"
	"starling/interop/moddata"
	"starling/params"
	"starling/wire"
)

// The first 14,131 blocks of the main network, as btcd ships them.
const (
	realBlocks = 14131
	realBest   = "00000000b3e750f37fdb42e1018799a9f44b546d393b130b369590a072430a1c"
)

// mainFlags make a Starling take a main-network chain that is far behind the
// real one.
var mainFlags = []string{"--min-chain-work", "0", "--assume-valid", "0"}

// The real chain goes from a file into a Starling, from there to another
// Starling and to a btcd, and from that btcd, which leaves getheaders
// unanswered because it is behind, into a third Starling.
func TestRealBlocks(t *testing.T) {
	file := modFile(t, moddata.BTCD, "blockchain", "testdata", "blk_0_to_14131.dat")
	first := harness.NewStarling(t, "main", append(mainFlags, "--connect", "0")...)
	first.Start("--load-block", file)
	first.WaitBest(realBest, 2*time.Minute)

	second := harness.Starling(t, "main", append(mainFlags, "--connect", first.P2P)...)
	btcd := harness.Btcd(t, "main", "--nocheckpoints", "--connect", first.P2P)
	second.WaitBest(realBest, 2*time.Minute)
	btcd.WaitBest(realBest, 5*time.Minute)

	third := harness.NewStarling(t, "main", mainFlags...)
	third.Start("--connect", btcd.P2P)
	third.WaitBest(realBest, 5*time.Minute)
	for _, n := range []*harness.Node{first, second, third} {
		if h := n.Height(); h != realBlocks {
			t.Errorf("height %d, want %d", h, realBlocks)
		}
	}

	// A restart, alone, stands where it was.
	third.Stop()
	third.Start("--connect", "0")
	if best := third.Best(); best != realBest {
		t.Errorf("after a restart the best block is %s", best)
	}
}

// A download that is killed half way goes on from there.
func TestRealBlocksResume(t *testing.T) {
	file := modFile(t, moddata.BTCD, "blockchain", "testdata", "blk_0_to_14131.dat")
	first := harness.NewStarling(t, "main", append(mainFlags, "--connect", "0")...)
	first.Start("--load-block", file)
	first.WaitBest(realBest, 2*time.Minute)
	second := harness.NewStarling(t, "main", append(mainFlags, "--connect", first.P2P)...)
	second.Start()
	second.Eventually("some blocks are there", time.Minute, func() bool { return second.Height() > 1000 })
	second.Kill()
	second.Start()
	second.WaitBest(realBest, 2*time.Minute)
}

// The first 100,000 headers of the main network, height 0 to 99,999, come over
// the wire from a peer that has nothing but headers.
func TestRealHeaders(t *testing.T) {
	headers := realHeaders(t)
	addr := serveHeaders(t, headers)
	n := harness.Starling(t, "main", append(mainFlags, "--connect", addr)...)
	want := headers[len(headers)-1].Hash().String()
	n.Eventually("it has all headers", 2*time.Minute, func() bool {
		var info struct{ Headers int }
		n.Call(&info, "getblockchaininfo")
		return info.Headers == len(headers)-1
	})
	var header struct{ Height int }
	n.Call(&header, "getblockheader", want)
	if header.Height != 99_999 {
		t.Errorf("the last header is at height %d", header.Height)
	}
}

func modFile(t *testing.T, module string, elem ...string) string {
	t.Helper()
	path, err := moddata.Path(module, elem...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// realHeaders reads neutrino's test data: a file header of 10 bytes, then the
// headers of heights 0 to 99,999.
func realHeaders(t *testing.T) []wire.Header {
	t.Helper()
	f, err := os.Open(modFile(t, moddata.Neutrino, "testdata", "block-headers-mainnet-1-100_000.bz2"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(bzip2.NewReader(bufio.NewReader(f)))
	if err != nil {
		t.Fatal(err)
	}
	raw = raw[10:]
	var headers []wire.Header
	for len(raw) >= wire.HeaderSize {
		h, err := wire.DecodeHeader(raw)
		if err != nil {
			t.Fatal(err)
		}
		headers = append(headers, h)
		raw = raw[wire.HeaderSize:]
	}
	if len(headers) != 100_000 || headers[0].Hash() != params.Main().GenesisHash {
		t.Fatalf("%d headers, the first is %v", len(headers), headers[0].Hash())
	}
	return headers
}

// serveHeaders runs a peer on the loopback interface that answers getheaders
// and has no blocks to give.
func serveHeaders(t *testing.T, headers []wire.Header) string {
	t.Helper()
	height := make(map[wire.Hash]int, len(headers))
	for i := range headers {
		height[headers[i].Hash()] = i
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if err := speakHeaders(conn, headers, height); err != nil && err != io.EOF {
					fmt.Fprintln(os.Stderr, "header peer:", err)
				}
			}()
		}
	}()
	return l.Addr().String()
}

func speakHeaders(conn net.Conn, headers []wire.Header, height map[wire.Hash]int) error {
	magic := params.Main().Magic
	send := func(m wire.Message) error {
		payload := m.AppendPayload(nil)
		_, err := conn.Write(append(wire.AppendFrameHeader(nil, magic, m.Command(), payload), payload...))
		return err
	}
	r := bufio.NewReader(conn)
	for {
		buf := make([]byte, wire.FrameHeaderSize)
		if _, err := io.ReadFull(r, buf); err != nil {
			return err
		}
		frame, err := wire.ParseFrameHeader(buf)
		if err != nil {
			return err
		}
		payload := make([]byte, frame.Length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return err
		}
		msg, err := wire.Decode(frame.Command, payload)
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *wire.MsgVersion:
			v := *m
			v.Nonce++
			v.Services = wire.NodeNetwork | wire.NodeWitness
			v.StartHeight = int32(len(headers) - 1)
			if err := send(&v); err != nil {
				return err
			}
			if err := send(&wire.MsgVerack{}); err != nil {
				return err
			}
		case *wire.MsgPing:
			if err := send(&wire.MsgPong{Nonce: m.Nonce}); err != nil {
				return err
			}
		case *wire.MsgGetHeaders:
			from := 0
			for _, h := range m.Locator {
				if i, ok := height[h]; ok {
					from = i + 1
					break
				}
			}
			end := min(from+wire.MaxHeaders, len(headers))
			if err := send(&wire.MsgHeaders{Headers: headers[from:end]}); err != nil {
				return err
			}
		}
	}
}
