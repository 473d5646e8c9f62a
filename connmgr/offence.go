package connmgr

import "fmt"

// Offence is something that an honest peer does not do.
type Offence uint8

// The offences and what they weigh are in one table below.
const (
	InvalidBlock Offence = iota
	MutatedBlock
	InvalidHeader
	OnInvalidBlock
	BrokenHeaders
	InvalidTx
	BadCompactBlock
	BadFilter
	Malformed
	Oversized
	OutOfOrder
	MempoolFlood
	GetDataFlood
	offences // how many there are
)

// weight is what an offence adds to the score of its host: a part that stays
// for as long as the host is remembered, and a part that halves every minute.
// One that ends the link is such that this node does not want to go on with its
// peer.
type weight struct {
	name           string
	lasting, decay float64
	ends           bool
}

// weights says what each offence costs. At 100 points a host is banned unless
// set otherwise.
//
// What cannot happen to an honest node, because it checks the same rules, is
// enough at once. What an old or different program may do by mistake is allowed
// a few times. Floods decay: an occasional large request is no offence.
var weights = [offences]weight{
	InvalidBlock:  {name: "invalid block", lasting: 100, ends: true},
	MutatedBlock:  {name: "mutated block", lasting: 100, ends: true},
	InvalidHeader: {name: "invalid header", lasting: 100, ends: true},
	// An operator may have declared the block below it invalid, so that it is no
	// reason to ban the rest of the world.
	OnInvalidBlock:  {name: "block on an invalid one", ends: true},
	BrokenHeaders:   {name: "headers that do not follow each other", lasting: 20, ends: true},
	InvalidTx:       {name: "invalid transaction", lasting: 100, ends: true},
	BadCompactBlock: {name: "invalid compact block", lasting: 100, ends: true},
	BadFilter:       {name: "invalid bloom filter", lasting: 100, ends: true},
	Malformed:       {name: "malformed message", lasting: 20, ends: true},
	Oversized:       {name: "message above its limit", lasting: 20, ends: true},
	OutOfOrder:      {name: "message out of order", lasting: 1},
	// Answering costs a walk over the whole mempool.
	MempoolFlood: {name: "mempool flood", decay: 33},
	// In proportion: to the bytes of blocks that the peer was sent before, and to
	// the number of entries that nobody has.
	GetDataFlood: {name: "getdata flood", decay: 99},
}

// String returns the offence in words.
func (o Offence) String() string {
	if o < offences {
		return weights[o].name
	}
	return fmt.Sprintf("offence %d", uint8(o))
}

// Ends reports whether the link ends on which the offence was committed.
func (o Offence) Ends() bool { return o < offences && weights[o].ends }
