package record

// WhileLinking has f called while a node is put into a list, until restore is called.
func WhileLinking(f func()) (restore func()) {
	was := whileLinking
	whileLinking = f
	return func() { whileLinking = was }
}

// IsOurs reports whether a return address is in a package of this module.
var IsOurs = isOurs
