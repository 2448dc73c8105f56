// Package proctest runs programs as processes, for their tests: the test binary starts
// itself, and is the program then.
package proctest
