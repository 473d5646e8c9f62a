// Package loglevel holds a log level for each part of a program, which can be
// changed while it runs, and filters what loggers write by them.
//
// It logs nothing itself and starts no goroutine.
package loglevel
