// Package interop holds the tests of Starling against programs and data that
// others wrote: btcd as a library and as a peer, its consensus test data and
// its real blocks of the main network, and Neutrino's real headers.
//
// It is a module of its own, so that nothing that only tests need becomes a
// dependency of the product. Test data is read from the module cache, see
// package moddata. No goroutine outlives a test.
package interop
