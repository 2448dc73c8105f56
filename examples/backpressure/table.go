package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

const (
	nameWidth = 12
	endWidth  = 60

	// header is the first line of the live table.
	header = "READER             SENT  BUFFERED  BLOCKED FOR  STATE"
)

// line returns r as a line of the live table. What does not fit comes last, so
// that a narrow terminal cuts off what can best be spared.
func (r row) line() string {
	blocked := "-"
	if r.end == "" {
		blocked = seconds(r.blocked)
	}
	return fmt.Sprintf("%-12s %10d %9s %12s  %s", r.name, r.sent, r.between(), blocked, r.state())
}

// between returns how many messages are on their way to the reader, as far as
// that can be known.
func (r row) between() string {
	if r.buffered < 0 {
		return "?"
	}
	return fmt.Sprint(r.buffered)
}

func (r row) state() string {
	switch {
	case r.end != "":
		return r.end
	case r.blocked >= moment:
		return "blocked"
	}
	return "sending"
}

// live returns the table for a terminal: no line is wider than it, and there
// are no more of them than fit. Where something has to give way, it is readers
// that have ended, and then those that came last.
func live(rows []row, gone, width, height int) []string {
	room := height - 2 // a line for the header, one for the count of the others
	shown := make([]bool, len(rows))
	for _, ended := range []bool{false, true} {
		for i, r := range rows {
			if room > 0 && (r.end != "") == ended {
				shown[i] = true
				room--
			}
		}
	}
	lines := []string{header}
	for i, r := range rows {
		if shown[i] {
			lines = append(lines, r.line())
		} else {
			gone++
		}
	}
	if gone > 0 {
		lines = append(lines, others(gone))
	}
	lines = lines[:min(len(lines), max(height, 1))]
	for i, line := range lines {
		lines[i] = line[:min(len(line), max(width, 1))] // all of it is ASCII
	}
	return lines
}

// plain returns the same as lines that stand for themselves, for a file or a
// pipe. It leaves out readers that have ended, whose end is in the log.
func plain(rows []row, elapsed time.Duration) []string {
	var lines []string
	for _, r := range rows {
		if r.end == "" {
			lines = append(lines, fmt.Sprintf("%7s %-12s sent=%d buffered=%s blocked=%s %s",
				seconds(elapsed), r.name, r.sent, r.between(), seconds(r.blocked), r.state()))
		}
	}
	return lines
}

// final returns the table for the end of the program, when every connection
// has ended.
func final(rows []row, gone int) []string {
	lines := []string{"READER             SENT  LONGEST BLOCK  END"}
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%-12s %10d %14s  %s", r.name, r.sent, seconds(r.longest), r.end))
	}
	if gone > 0 {
		lines = append(lines, others(gone))
	}
	return lines
}

func others(n int) string {
	if n == 1 {
		return "and 1 other"
	}
	return fmt.Sprintf("and %d others", n)
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// milliseconds shows what is almost nothing beside what is not.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}

// visible makes something that a peer has sent fit to be shown: printable ASCII
// of at most limit characters, so that it neither does anything to a terminal
// nor pushes the columns of the table about.
func visible(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), limit)])
	return strings.TrimSpace(s)
}
