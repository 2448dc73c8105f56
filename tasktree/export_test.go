package tasktree

// What is here is for tests.
var (
	Columns   = columns
	Duration  = duration
	ParseDump = parseDump
)

// WhileCollecting replaces what Take calls between its two looks at the nodes.
func WhileCollecting(f func()) (restore func()) {
	whileCollecting = f
	return func() { whileCollecting = func() {} }
}
