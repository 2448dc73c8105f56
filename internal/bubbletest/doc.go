// Package bubbletest has what the tests of several packages do alike: they run in a
// bubble of package testing/synctest, where time is fake, and check how much of it has
// passed, how a scope was canceled, which error a call returned, and that misuse
// panics. It is for tests only.
//
// A check reports what it finds with Errorf and returns, so that the test continues. Its
// message names the call, what it gave and what is wanted.
package bubbletest
