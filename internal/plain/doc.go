// Package plain makes text that came from elsewhere fit to be shown: what a
// peer calls itself, a label, the name of a file, what another program answers.
//
// A terminal obeys what is printed on it, and so does the eye: an escape
// sequence moves the cursor or sets the clipboard, a line break forges a line
// of a log, and a mark for right-to-left text turns what stands beside it
// around. Nothing here decides what is true; it only sees to it that what is
// shown is seen.
package plain
