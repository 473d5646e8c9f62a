package netsync

import (
	"fmt"

	"starling/chain/consensus"
	"starling/params"
	"starling/wire"
)

// batch is a run of headers that follow each other and have the proof of work
// that they claim, with their hashes. Hashing is most of the work of a header,
// so it is done once, in [inspect], before the Manager's lock is taken; whatever
// comes later, the gate and the tree, takes the hashes from here.
type batch struct {
	headers []wire.Header
	hashes  []wire.Hash // hashes[i] is that of headers[i]
}

// single is the batch of a header whose hash and proof of work were looked at.
func single(hash wire.Hash, h *wire.Header) batch {
	return batch{[]wire.Header{*h}, []wire.Hash{hash}}
}

func (b batch) len() int { return len(b.headers) }

// last returns the hash of the last header. The batch must not be empty.
func (b batch) last() wire.Hash { return b.hashes[len(b.hashes)-1] }

// fault is what is wrong with headers by themselves.
type fault struct {
	offence Offence
	err     error
}

// inspect hashes headers and checks what can be seen from them alone: that they
// follow each other and have the work that they claim.
func inspect(net *params.Network, headers []wire.Header) (batch, *fault) {
	b := batch{headers, make([]wire.Hash, len(headers))}
	for i := range headers {
		h := &headers[i]
		if i > 0 && h.PrevBlock != b.hashes[i-1] {
			return batch{}, &fault{BrokenSequence, fmt.Errorf("header %d does not follow the one before", i)}
		}
		b.hashes[i] = h.Hash()
		if err := consensus.CheckProofOfWork(b.hashes[i], h.Bits, net); err != nil {
			return batch{}, &fault{InvalidHeader, err}
		}
	}
	return b, nil
}
