package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// escaper does to a file name what sha256sum does, so that every file is one
// line, and sha256sum -c finds it again.
var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)

// line returns the line that sha256sum would print: an escaped name is marked
// by a backslash before the digest.
func (f file) line() string {
	name, mark := escaper.Replace(f.path), ""
	if name != f.path {
		mark = `\`
	}
	return mark + hex.EncodeToString(f.sum[:]) + "  " + name + "\n"
}

// printable returns a path as a message may show it: in quotes, with escapes,
// if it has anything in it that would not show, or would do something to the
// terminal.
func printable(path string) string {
	if quoted := strconv.Quote(path); quoted != `"`+path+`"` || path == "" {
		return quoted
	}
	return path
}

func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// byteCount returns a size with three digits or so: 999 bytes, 1.0 kB, 23.4 MB.
func byteCount(n int64) string {
	if n < 1000 {
		return plural(n, "byte")
	}
	size, unit := float64(n)/1000, 0
	// 999950 would be rounded to 1000.0.
	for size >= 999.95 && unit < len("kMGTPE")-1 {
		size, unit = size/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", size, "kMGTPE"[unit])
}
