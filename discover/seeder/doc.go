// Package seeder is a DNS seed: it crawls a network for good, and answers DNS
// questions for its name with nodes that it has found good.
//
// It owns [Pool], what is known of each node and when it is visited next, which is
// pure, and its file. It never resolves other names, never answers with more than
// a datagram holds, and tells only of nodes at the network's usual port, as DNS
// carries no ports.
//
// Goroutines: [Seeder.Run] has one for its schedule, one for each visit under way,
// and those of the DNS servers; it returns when all are gone.
package seeder
