// Package droplog has a writer for the log of a server that must not stop because its log is
// not read: a pipe to a program that hangs, or a terminal on which Ctrl-S was pressed.
package droplog
