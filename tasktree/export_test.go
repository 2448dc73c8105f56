package tasktree

// What is here is for tests.
var (
	Columns   = columns
	Duration  = duration
	ParseDump = parseDump
)
