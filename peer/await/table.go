package await

import (
	"time"

	"starling/wire"
)

// How long answers are awaited. Each has its row in [Table].
const (
	// Version is for the whole handshake, which takes two round trips.
	Version = time.Minute
	// Ping is long because a peer's earlier messages are handled before its ping
	// is answered, and a large block on a slow machine takes its time.
	Ping = 20 * time.Minute

	// Addresses is how long a peer may take to tell of other nodes. One that
	// knows of none, or has told this host already, says nothing.
	Addresses = time.Minute
	// SeedAddresses is the same on a link that was made for nothing else, the dial
	// and the handshake included.
	SeedAddresses = 20 * time.Second
	// Pool is how long a peer may take to begin to tell of its mempool, which it
	// does when it next announces transactions; nothing comes of an empty one.
	Pool = time.Minute

	// HeadersSilent is when a peer counts as one that does not answer getheaders.
	HeadersSilent = 10 * time.Second
	// Headers is how long a getheaders is taken to be on its way. Until it is
	// answered no other is sent to the same peer.
	Headers = 2 * time.Minute
	// AllHeaders is for all headers of the chain, with a millisecond more for each.
	AllHeaders = 15 * time.Minute
	// BetterChain is how long an outbound peer whose chain has stayed behind has
	// to show a better one when it is asked.
	BetterChain = 2 * time.Minute

	// Announced is how long a getblocks may stay unanswered.
	Announced = 10 * time.Second
	// AnnouncedBlocks is how long a peer may deliver none of the blocks that it
	// announced on getblocks. Sixteen blocks of 4 MB within it need 0.5 MB/s, and
	// each block starts the time anew.
	AnnouncedBlocks = 2 * time.Minute

	// BlockLate is when a block in flight may be asked of one more peer. A full
	// block takes 4 s at 1 MB/s.
	BlockLate = 5 * time.Second
	// Window is how long a peer may hold up the whole window at first.
	Window = 2 * time.Second
	// Block is how long the oldest block asked of a peer may take, with 5 min more
	// for each other peer that is downloading.
	Block = 10 * time.Minute
	// Compact is how long the only peer that a block was asked of as a compact one,
	// or its transactions, may take before it is asked for the whole block.
	Compact = 10 * time.Second

	// Tx is how long a transaction may take.
	Tx = time.Minute

	// Filters is how long block filters may take (BIP157).
	Filters = time.Minute
)

// Then is what follows when an answer does not come.
type Then uint8

const (
	// Noted: it is counted and logged at the debug level. The peer may have good
	// reason to be silent.
	Noted Then = iota
	// Others: another peer is asked, or this one in another way.
	Others
	// Ends: the link ends, and its end names what was awaited.
	Ends
)

// String returns it in words.
func (t Then) String() string {
	switch t {
	case Others:
		return "asked otherwise"
	case Ends:
		return "the link ends"
	}
	return "noted"
}

// Keeper names who keeps the time of a request.
type Keeper string

// The keepers, by their packages.
const (
	Session    Keeper = "peer" // by [Watch] where it is only noted
	Discover   Keeper = "discover"
	Download   Keeper = "netsync"
	TxDownload Keeper = "netsync/txdownload"
)

// Rule is one row of the table.
type Rule struct {
	Request string        // command that asks
	What    string        // what is awaited, in words
	Answers []string      // commands that answer
	Wait    time.Duration // for the answer; the least where it grows
	Then    Then
	Keeper  Keeper
}

// Table returns all rules, in the order in which a session comes to them. It is
// the caller's.
func Table() []Rule {
	blocks := []string{wire.CmdBlock, wire.CmdNotFound}
	return []Rule{
		{wire.CmdVersion, "the handshake", []string{wire.CmdVersion, wire.CmdVerack}, Version, Ends, Session},
		{wire.CmdPing, "a pong", []string{wire.CmdPong}, Ping, Ends, Session},
		{wire.CmdGetAddr, "addresses", []string{wire.CmdAddr, wire.CmdAddrV2}, Addresses, Noted, Session},
		{wire.CmdGetAddr, "addresses, on a link made for them", []string{wire.CmdAddr, wire.CmdAddrV2}, SeedAddresses, Ends, Discover},
		{wire.CmdMempool, "the mempool", []string{wire.CmdInv}, Pool, Noted, Session},

		{wire.CmdGetHeaders, "headers, before others are asked", []string{wire.CmdHeaders}, HeadersSilent, Others, Download},
		{wire.CmdGetHeaders, "headers", []string{wire.CmdHeaders}, Headers, Noted, Session},
		{wire.CmdGetHeaders, "a better chain, of a peer that is behind", []string{wire.CmdHeaders}, BetterChain, Ends, Download},
		{wire.CmdGetHeaders, "all headers", []string{wire.CmdHeaders}, AllHeaders, Ends, Download},
		{wire.CmdGetBlocks, "announcements of blocks", []string{wire.CmdInv}, Announced, Others, Download},
		{wire.CmdGetBlocks, "blocks that it announced", blocks, AnnouncedBlocks, Ends, Download},

		{wire.CmdGetData, "the block that the window waits for", blocks, Window, Ends, Download},
		{wire.CmdGetData, "a block, before another is asked", blocks, BlockLate, Others, Download},
		{wire.CmdGetData, "a block", blocks, Block, Ends, Download},
		{wire.CmdGetData, "a compact block", []string{wire.CmdCmpctBlock, wire.CmdBlock, wire.CmdNotFound}, Compact, Others, Download},
		{wire.CmdGetBlockTxn, "transactions of a compact block", []string{wire.CmdBlockTxn}, Compact, Others, Download},
		{wire.CmdGetData, "a transaction", []string{wire.CmdTx, wire.CmdNotFound}, Tx, Others, TxDownload},

		{wire.CmdGetCFilters, "block filters", []string{wire.CmdCFilter}, Filters, Noted, Session},
		{wire.CmdGetCFHeaders, "hashes of block filters", []string{wire.CmdCFHeaders}, Filters, Noted, Session},
		{wire.CmdGetCFCheckpt, "checkpoints of block filters", []string{wire.CmdCFCheckpt}, Filters, Noted, Session},
	}
}
