package tasktree

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// columns returns how many columns of a terminal a text takes.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

// columnsOf knows the wide characters of East Asia, and symbols that are shown as pictures.
func columnsOf(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115f, 0x2329 <= r && r <= 0x232a, 0x2e80 <= r && r <= 0xa4cf, 0xa960 <= r && r <= 0xa97f, 0xac00 <= r && r <= 0xd7a3, 0xf900 <= r && r <= 0xfaff,
		0xfe10 <= r && r <= 0xfe19, 0xfe30 <= r && r <= 0xfe6f, 0xff00 <= r && r <= 0xff60, 0xffe0 <= r && r <= 0xffe6,
		0x16fe0 <= r && r <= 0x1b2ff, 0x1f000 <= r && r <= 0x1faff, 0x20000 <= r && r <= 0x3fffd, strings.ContainsRune(pictures, r):
		return 2
	}
	return 1
}

// pictures are the symbols among others that are not, which terminals show two columns wide.
const pictures = "⌚⌛⏩⏪⏫⏬⏰⏳◽◾☔☕♈♉♊♋♌♍♎♏♐♑♒♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽✅✊✋✨❌❎❓❔❕❗➕➖➗➰➿⬛⬜⭐⭕"

// cut returns text without what is beyond width columns.
func cut(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	used := 0
	for i, r := range text {
		if used += columnsOf(r); used > width-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// cutFront returns the end of text that has width columns.
func cutFront(text string, width int) string {
	for i := range text {
		if columns(text[i:]) <= width-1 {
			if i == 0 || columns(text) <= width {
				return text
			}
			return "…" + text[i:]
		}
	}
	return text
}

// count returns "1 task" or "1,234 tasks".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return digits(n) + " " + what + "s"
}

// digits returns n with commas.
func digits(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// duration returns d in one or two units.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < day:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", d/day, int(d.Hours())%24)
}
