package presync

import "starling/wire"

const (
	// DefaultPeriod is the distance of the headers of which a bit is kept. Each
	// bit stands for 48 KB of headers that somebody had to send.
	DefaultPeriod = 600
	// DefaultBuffer is how many headers of the second pass wait for others behind
	// them to match. There are 24 bits among those, so that one try in 16 million
	// gets cheap headers into the tree, and each try costs a chain with all the
	// work. The headers take 1.3 MB with the message that comes on top.
	DefaultBuffer = 24 * DefaultPeriod
	// DefaultRate is how many headers a chain can have per second of its time: the
	// median of eleven must grow by a second, which takes six headers. It bounds
	// the bits of the first pass: on the main network to 700 KB in 2026, and to
	// 40 KB more each year.
	DefaultRate = 6

	// headerBytes is what a header takes in memory.
	headerBytes = 80
	// firstBytes is how much room for bits is made at first: 300,000 headers'.
	firstBytes = 64
)

// Options are the limits of a [Walk]. The zero value has the ones that a node
// uses.
type Options struct {
	// Period is the distance of the headers of which a bit is kept; zero, or
	// less, for [DefaultPeriod].
	Period int32
	// Buffer is how many headers of the second pass are held before the first of
	// them is released; zero for [DefaultBuffer]. Less is no limit: all of the
	// chain is held until its work is shown again.
	Buffer int
	// Rate is how many headers a chain may have per second of its time; zero for
	// [DefaultRate]. Less is no limit: a bit is kept for each period, without end.
	Rate int64
}

// filled returns the options with their defaults in place.
func (o Options) filled() Options {
	if o.Period <= 0 {
		o.Period = DefaultPeriod
	}
	if o.Buffer == 0 {
		o.Buffer = DefaultBuffer
	}
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	return o
}

// held returns how many headers can be held at most: a full buffer and the
// message that comes on top, before what it pushes out is released.
func (o Options) held() int { return o.Buffer + wire.MaxHeaders }
