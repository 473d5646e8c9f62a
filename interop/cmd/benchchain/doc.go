// Command benchchain writes a regtest chain for benchmarks as a flat file, see
// package benchchain.
//
//	benchchain -out FILE [-blocks 400] [-txs 1500] [-empty 2200] [-seed 1] [-start TIME] [-spacing 10m]
package main
