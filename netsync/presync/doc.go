// Package presync looks at the work of a chain of headers before any of the
// chain is kept.
//
// A header costs its maker next to nothing where the difficulty is low, and this
// node some 250 bytes for ever. So a chain is kept only if it has the work of an
// honest one, which shows at its end. Such a chain is fetched twice, and a [Walk]
// goes along: the first pass keeps one secret bit of every so many headers, until
// the work is shown; the second compares them and releases a header only after
// enough bits behind it have matched, so that nobody can show a good chain first
// and a cheap one then.
//
// A walk owns what it has seen of one chain of one peer. What it holds is bounded,
// whatever comes: see [Walk.Size], [Walk.Bound] and [Options], where each limit
// stands with what it costs. It asks for nothing, sends nothing, reads no clock
// and starts no goroutine; it hangs on its inputs and the source of its secrets
// alone. It checks how headers hang together and how the difficulty goes, and
// takes the caller's word for their hashes and the proof of work.
package presync
