// Package layered gathers settings from sources that lie over each other: what
// a command decides itself over flags over environment variables over a TOML
// file over defaults. It remembers where each value came from, and says so when
// one is wrong.
//
// It knows no setting: a [Schema] says which there are and where they are
// looked for. It reads files when [Schema.Read] is called, and never later;
// variables and flags are given to it. It starts no goroutine.
package layered
