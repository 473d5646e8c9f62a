package describe

import (
	"encoding/hex"
	"fmt"

	"starling/chain/consensus"
	"starling/chain/headertree"
	"starling/rpc/jsonrpc"
)

// Difficulty returns how many times harder a target is than the easiest of
// the main network.
func Difficulty(bits uint32) jsonrpc.Float {
	if bits&0x00ffffff == 0 {
		return 0
	}
	d := float64(0xffff) / float64(bits&0x00ffffff)
	shift := int(bits >> 24)
	for ; shift < 29; shift++ {
		d *= 256
	}
	for ; shift > 29; shift-- {
		d /= 256
	}
	return jsonrpc.Float(d)
}

// Bits writes a target in compact form.
func Bits(bits uint32) string { return fmt.Sprintf("%08x", bits) }

// Target writes the target that stands behind its compact form.
func Target(bits uint32) string {
	t, _, _ := consensus.CompactToTarget(bits)
	b := t.Bytes32()
	return hex.EncodeToString(b[:])
}

// Work writes the work in the chain up to a block.
func Work(n *headertree.Node) string {
	b := n.Work.Bytes32()
	return hex.EncodeToString(b[:])
}
