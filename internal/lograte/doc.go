// Package lograte keeps what others can have a program log within bounds: each
// message has a number of lines that it may write at once and another that it may
// write in an hour; what goes beyond is left out, and counted with the next line.
//
// It owns the counts. It never changes what a line says but for that number, and
// leaves out no error. It starts no goroutine.
package lograte
