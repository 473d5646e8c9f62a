// Package gcs makes and reads the compact filters of blocks (BIP158): sets of
// scripts, coded by Golomb and Rice, of which anybody can tell whether a script
// may be in them, at 20 or so bits for each. [Basic] makes the one filter that is
// defined; [Header] chains filters, so that two nodes can compare all of theirs
// by one hash.
//
// It is made of pure functions and owns nothing. It never asks where a filter
// comes from: [Decode] takes any bytes, and what it has accepted can be matched
// without errors. No goroutine runs.
package gcs
