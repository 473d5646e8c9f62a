// Command seedgen makes the lists of fixed seeds in params/seeds of what a crawl
// or a node's address book has found:
//
//	starling crawl HOST:PORT --json > dump
//	go run ./params/seedgen -network main [-limit 128] < dump > params/seeds/main.txt
//
// It reads what starling crawl --json, starling peers addresses --json and
// starling rpc getnodeaddresses 0 print, or lines of HOST or HOST:PORT. It keeps
// IPv4 and IPv6 addresses that anybody can reach, at the network's default port, of
// nodes that were reached and offer what is looked for, as far as the dump tells;
// the first one of each network group, as many as the limit of each kind allows. The
// same dump gives the same list, sorted, and a list gives itself.
//
// It never dials anybody. It starts no goroutine.
package main
