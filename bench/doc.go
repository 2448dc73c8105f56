// Package bench measures Trellis beside others: see the compare and growth commands,
// and README.md, into which these put what they have measured.
//
//	go generate -C bench
//
// does all of that, in about half an hour, and wants a machine that does nothing else.
package bench

//go:generate go run ./compare -plot ratios.svg -update README.md
//go:generate go run ./growth -plot growth.svg -update README.md
