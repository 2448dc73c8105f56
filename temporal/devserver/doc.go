// Command devserver runs a Temporal server in memory, for tests and examples: one process, no
// database, nothing is kept.
//
//	go run -C temporal/devserver .
//
// It prints one line, "ADDRESS NAMESPACE", when the server takes requests, and runs until it
// gets SIGINT or SIGTERM or its standard input ends; so it ends with the program that started
// it and holds the other end of the pipe. Logs go to standard error, of warnings and errors
// only with -v.
//
// It is a module of its own because the server requires some 285 modules, and a version of the
// SDK that differs from the one that workers need. A first build takes several minutes.
package main
