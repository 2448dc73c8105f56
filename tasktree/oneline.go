package tasktree

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errorText returns the text of an error as one line, however long: a part of it may be what
// Options.Redact would have replaced.
func errorText(err error) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("%T (its Error method panicked)", err)
		}
	}()
	text = err.Error()
	return oneLine(text, len(text))
}

// maxReason is how many bytes of a name or the text of a reason are shown.
const maxReason = 200

// short returns text, cut if it has more than maxReason bytes.
func short(text string) string {
	if len(text) <= maxReason+len("…") {
		return text
	}
	end := maxReason
	for end > maxReason-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// oneLine returns text without line breaks and other characters that do not print, and cut
// if it has more than limit bytes.
func oneLine(text string, limit int) string {
	cut := len(text) > limit
	if cut {
		text = strings.ToValidUTF8(text[:limit], "") // the last character may have been cut
	}
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if text = printable(text); cut {
		text += "…"
	}
	return text
}

// printable replaces the characters of a text that do not print.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
