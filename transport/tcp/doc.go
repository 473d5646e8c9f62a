// Package tcp carries messages over plain TCP in the version 1 frames of
// the Bitcoin protocol: magic, command, length and checksum, then the payload.
//
// It owns framing, buffering and the deadlines for messages that are under way.
// It never looks into a payload and knows nothing of sessions. It starts no
// goroutine.
//
// An idle link costs a read buffer of 4 KiB; write buffers are shared and held
// only while something is buffered.
package tcp
