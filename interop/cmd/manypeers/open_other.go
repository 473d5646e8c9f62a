//go:build !unix

package main

// allowOpen does nothing where there is no such limit.
func allowOpen(int) error { return nil }
