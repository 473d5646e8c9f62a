package interop

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/blockchain/fullblocktests"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"starling/interop/harness"
)

// submitter drives a running node with btcd's generated blocks.
type submitter struct {
	t       *testing.T
	node    *harness.Node
	orphans []string // blocks in hexadecimal whose parents have not come
}

// one submits a block and reports what the node says: nothing if it is
// accepted, else the reason.
func (s *submitter) one(block string) string {
	var reason *string
	if err := s.node.TryCall(&reason, "submitblock", block); err != nil {
		return err.Error()
	}
	if reason == nil {
		return ""
	}
	return *reason
}

// submit submits a block, and after one that is accepted the orphans again.
func (s *submitter) submit(raw []byte) string {
	block := hex.EncodeToString(raw)
	said := s.one(block)
	if said == "prev-blk-not-found" {
		s.orphans = append(s.orphans, block)
		return said
	}
	for again := true; again; {
		again = false
		var still []string
		for _, o := range s.orphans {
			if s.one(o) == "prev-blk-not-found" {
				still = append(still, o)
			} else {
				again = true
			}
		}
		s.orphans = still
	}
	return said
}

// TestFullBlocksSubmitted hands all 92 groups to a running node by submitblock
// and judges by the best block after each.
func TestFullBlocksSubmitted(t *testing.T) {
	groups, err := fullblocktests.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	s := &submitter{t: t, node: starling(t)}
	bytesOf := func(b *btcwire.MsgBlock) []byte {
		var buf bytes.Buffer
		if err := b.Serialize(&buf); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	played := 0
	for i, group := range groups {
		for _, item := range group {
			name, hash, best := "", "", false
			before := s.node.Best()
			orphans := len(s.orphans)
			said := ""
			switch it := item.(type) {
			case fullblocktests.AcceptedBlock:
				name, hash, best = it.Name, it.Block.BlockHash().String(), it.IsMainChain
				said = s.submit(bytesOf(it.Block))
			case fullblocktests.RejectedBlock:
				name, hash = it.Name, it.Block.BlockHash().String()
				said = s.submit(bytesOf(it.Block))
				if len(s.orphans) < orphans {
					continue // its orphan is rejected; the next item tells the best block
				}
				if after := s.node.Best(); after != before {
					t.Fatalf("group %d: %s moved the best block from %s to %s (%s)", i, name, before, after, said)
				}
			case fullblocktests.OrphanOrRejectedBlock:
				name, hash = it.Name, it.Block.BlockHash().String()
				said = s.submit(bytesOf(it.Block))
			case fullblocktests.ExpectedTip:
				name, hash, best = it.Name, it.Block.BlockHash().String(), true
				if h := s.node.Height(); h != int(it.Height) {
					t.Fatalf("group %d: %s: height %d, want %d", i, name, h, it.Height)
				}
			case fullblocktests.RejectedNonCanonicalBlock:
				name = it.Name
				if said = s.one(hex.EncodeToString(it.RawBlock)); !strings.Contains(said, "decode") {
					t.Fatalf("group %d: %s: %q, want it not to decode", i, name, said)
				}
			case fullblocktests.BlockDisconnectExpectUTXO:
				continue // TestFullBlocks looks into the chain for these
			}
			if isBest := s.node.Best() == hash; isBest != best {
				t.Fatalf("group %d: %s is the best block: %v, want %v (submitblock said %q)", i, name, isBest, best, said)
			}
			played++
		}
	}
	t.Logf("%d groups, %d items judged by the best block", len(groups), played)
}
