// Package settings gathers a node's settings: flags over STARLING_* environment
// variables over a TOML file over defaults, and remembers where each value
// came from. It also holds the log levels, which are one of the settings and
// can be changed while the node runs.
//
// It reads files and variables when [Load] is called, and never later. It
// starts no goroutine.
package settings
