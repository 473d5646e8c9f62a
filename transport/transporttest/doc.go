// Package transporttest holds the tests that every transport must pass. It owns
// no transport and runs nothing outside of tests.
package transporttest
