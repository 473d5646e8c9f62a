// Package tcp carries messages over TCP, in one of two framings: the frames of
// version 1 of the Bitcoin protocol, which are in the clear (magic, command,
// length and checksum, then the payload), and the encrypted packets of version 2
// (BIP324). Who is dialled shows by what he answers, and who dials by his first
// bytes, which of the two it is.
//
// It owns framing, buffering, the handshake of version 2 and the deadlines for
// what is under way. It never looks into a payload and knows nothing of
// sessions; the cryptography is package bip324's. It starts no goroutine:
// Dial waits for the other side's key, and the handshake of a link that was
// accepted is made by Receive.
//
// Who is to be dialled through a proxy is for others to say ([Options.Proxy]);
// names that no resolver knows are then the proxy's, or refused.
//
// What arrives takes memory as it comes, and links that others have opened share a
// budget of what has not come in full ([Options.Budget]).
//
// An idle link costs next to nothing, and an encrypted one its keys: buffers are
// shared, and held only while something is in them or arriving (on Windows a link
// keeps a read buffer of 4 KiB).
package tcp
