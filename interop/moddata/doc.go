// Package moddata finds test data that ships inside other modules, in the
// module cache. It starts the go command and nothing else.
package moddata
