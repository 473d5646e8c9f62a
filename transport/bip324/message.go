package bip324

import "starling/wire"

const (
	// longType is the first byte of contents that spell out their command, in
	// the longSize bytes after it.
	longType = 0
	longSize = 12
	// MaxTypeSize is the most that the type of a message takes of a packet's
	// contents, in bytes.
	MaxTypeSize = 1 + longSize
)

// commands are the messages with a type of one byte, which is their place here.
var commands = [...]string{
	1: wire.CmdAddr, 2: wire.CmdBlock, 3: wire.CmdBlockTxn, 4: wire.CmdCmpctBlock,
	5: wire.CmdFeeFilter, 6: wire.CmdFilterAdd, 7: wire.CmdFilterClear, 8: wire.CmdFilterLoad,
	9: wire.CmdGetBlocks, 10: wire.CmdGetBlockTxn, 11: wire.CmdGetData, 12: wire.CmdGetHeaders,
	13: wire.CmdHeaders, 14: wire.CmdInv, 15: wire.CmdMempool, 16: wire.CmdMerkleBlock,
	17: wire.CmdNotFound, 18: wire.CmdPing, 19: wire.CmdPong, 20: wire.CmdSendCmpct,
	21: wire.CmdTx, 22: wire.CmdGetCFilters, 23: wire.CmdCFilter, 24: wire.CmdGetCFHeaders,
	25: wire.CmdCFHeaders, 26: wire.CmdGetCFCheckpt, 27: wire.CmdCFCheckpt, 28: wire.CmdAddrV2,
}

// types turns commands around.
var types = func() map[string]byte {
	m := make(map[string]byte, len(commands))
	for t, c := range commands {
		if c != "" {
			m[c] = byte(t)
		}
	}
	return m
}()

// AppendType adds the type of a message to dst; the payload comes after it. A
// command longer than 12 bytes is cut.
func AppendType(dst []byte, command string) []byte {
	if t, ok := types[command]; ok {
		return append(dst, t)
	}
	var long [longSize]byte
	copy(long[:], command)
	return append(append(dst, longType), long[:]...)
}

// Message takes a packet's contents apart. It reports false for a type that
// nobody has defined; such a message is to be passed over.
func Message(contents []byte) (command string, payload []byte, ok bool) {
	if len(contents) == 0 {
		return "", nil, false
	}
	if t := int(contents[0]); t != longType {
		if t >= len(commands) {
			return "", nil, false
		}
		return commands[t], contents[1:], true
	}
	if len(contents) < MaxTypeSize {
		return "", nil, false
	}
	long := contents[1:MaxTypeSize]
	n := 0
	for n < longSize && long[n] >= ' ' && long[n] <= '~' {
		n++
	}
	for _, pad := range long[n:] {
		if pad != 0 {
			return "", nil, false
		}
	}
	return string(long[:n]), contents[MaxTypeSize:], true
}
