// Package command is what the programs of this module share as processes: signals, the
// command line, the standard output and its errors, and a log that delays nothing.
package command
