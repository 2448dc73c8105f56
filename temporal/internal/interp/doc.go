// Package interp runs, as Temporal workflows, the recorded programs of package
// internal/corpus of the root module, by means of the public API of this module alone. The
// programs, what they should do and how outcomes are compared are the root module's; only the
// execution of the operations is here.
//
// The tests run all recordings in the SDK's test environment, whose time is virtual. Another
// file of the same form runs through the same test with
//
//	TRELLIS_CORPUS=file.jsonl go test -count=1 -v ./internal/interp
package interp
