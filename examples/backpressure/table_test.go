package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	backpressure "github.com/trellis-go/trellis/examples/backpressure"
)

var rows = []backpressure.Row{
	backpressure.NewRow("fast", 123456, 3, 49*time.Millisecond, 80*time.Millisecond, ""),
	backpressure.NewRow("slow", 12, 4, 1234*time.Millisecond, 2*time.Second, ""),
	backpressure.NewRow("gone", 7, 2, 0, 90*time.Millisecond, "broke off"),
	backpressure.NewRow("a-name-of-12", 1, -1, 0, 0, ""),
}

func expectLines(t *testing.T, call string, got []string, want string) {
	t.Helper()
	if got, want := strings.Join(got, "\n"), strings.Trim(want, "\n"); got != want {
		t.Errorf("%s:\n%s\nwant\n%s", call, got, want)
	}
}

func TestLive(t *testing.T) {
	for _, test := range []struct {
		gone, width, height int
		want                string
	}{
		{0, 80, 24, `
READER             SENT  BUFFERED  BLOCKED FOR  STATE
fast             123456         3         0.0s  sending
slow                 12         4         1.2s  blocked
gone                  7         2            -  broke off
a-name-of-12          1         ?         0.0s  sending`},
		{3, 20, 24, `
READER             S
fast             123
slow                
gone                
a-name-of-12        
and 3 others`},
		// Too few lines: first those who have ended give way.
		{0, 80, 5, `
READER             SENT  BUFFERED  BLOCKED FOR  STATE
fast             123456         3         0.0s  sending
slow                 12         4         1.2s  blocked
a-name-of-12          1         ?         0.0s  sending
and 1 other`},
		{2, 60, 4, `
READER             SENT  BUFFERED  BLOCKED FOR  STATE
fast             123456         3         0.0s  sending
slow                 12         4         1.2s  blocked
and 4 others`},
	} {
		call := fmt.Sprintf("live(rows, %d, %d, %d)", test.gone, test.width, test.height)
		expectLines(t, call, backpressure.Live(rows, test.gone, test.width, test.height), test.want)
	}
}

// Whatever the size of the terminal, nothing is wider or higher.
func TestLiveFits(t *testing.T) {
	for width := -1; width < 90; width++ {
		for height := -1; height < 12; height++ {
			got := backpressure.Live(rows, 1, width, height)
			wide := func(line string) bool { return len(line) > max(width, 1) }
			if len(got) > max(height, 1) || slices.ContainsFunc(got, wide) {
				t.Fatalf("live(rows, 1, %d, %d):\n%s", width, height, strings.Join(got, "\n"))
			}
		}
	}
}

func TestPlain(t *testing.T) {
	expectLines(t, "plain(rows, 12.34s)", backpressure.Plain(rows, 12340*time.Millisecond), `
  12.3s fast         sent=123456 buffered=3 blocked=0.0s sending
  12.3s slow         sent=12 buffered=4 blocked=1.2s blocked
  12.3s a-name-of-12 sent=1 buffered=? blocked=0.0s sending`)
	expectLines(t, "plain(nil, 0)", backpressure.Plain(nil, 0), "")
}

func TestFinal(t *testing.T) {
	expectLines(t, "final(rows, 2)", backpressure.Final(rows[2:3], 2), `
READER             SENT  LONGEST BLOCK  END
gone                  7           0.1s  broke off
and 2 others`)
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain":           "plain",
		"two words ":      "two words",
		"\x1b[2Jx\r\n":    "?[2Jx??",
		"naïve":           "na?ve",
		"\xff\xfe":        "??",
		"0123456789abcde": "0123456789ab",
		"":                "",
	} {
		if got := backpressure.Visible(in, 12); got != want {
			t.Errorf("visible(%q, 12) = %q, want %q", in, got, want)
		}
	}
}
