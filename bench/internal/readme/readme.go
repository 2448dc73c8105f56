package readme

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

func begin(name string) string { return "<!-- begin " + name + " -->\n" }
func end(name string) string   { return "<!-- end " + name + " -->\n" }

// Replace returns document with text, and an empty line before and after it, between
// the markers with that name.
func Replace(document, name, text string) (string, error) {
	head, rest, ok := strings.Cut(document, begin(name))
	_, tail, also := strings.Cut(rest, end(name))
	if !ok || !also {
		return "", fmt.Errorf("no lines %q and %q after it", strings.TrimSpace(begin(name)), strings.TrimSpace(end(name)))
	}
	if strings.Contains(tail, begin(name)) {
		return "", fmt.Errorf("more than one line %q", strings.TrimSpace(begin(name)))
	}
	return head + begin(name) + "\n" + strings.Trim(text, "\n") + "\n\n" + end(name) + tail, nil
}

// Block returns the text between the markers with that name.
func Block(document, name string) (string, error) {
	_, rest, ok := strings.Cut(document, begin(name))
	text, _, also := strings.Cut(rest, end(name))
	if !ok || !also {
		return "", errors.New("no block " + name)
	}
	return strings.Trim(text, "\n"), nil
}

// Update replaces the text in a file.
func Update(file, name, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	document, err := Replace(string(old), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(document), 0o644)
}

// Check returns an error if Update could not replace the text. It is for asking before
// long work.
func Check(file, name string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := Replace(string(old), name, ""); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Malformed says what is wrong with a text that a command has put into a document: it
// has tables, all lines of a table have as many cells as its head, and one line counts
// the goals.
func Malformed(text string) []string {
	var complaints []string
	tables, cells := 0, 0 // cells of the table that the line before belongs to, or 0
	for i, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		count := strings.Count(line, "|") - strings.Count(line, `\|`) - 1
		if cells == 0 {
			cells = count
			tables++
		}
		if count != cells || !strings.HasSuffix(line, "|") {
			complaints = append(complaints, fmt.Sprintf("line %d has %d cells, want %d: %s", i+1, count, cells, line))
		}
	}
	if tables == 0 {
		complaints = append(complaints, "no table")
	}
	if !goals.MatchString(text) {
		complaints = append(complaints, "no line that counts goals")
	}
	return complaints
}

var goals = regexp.MustCompile(`(?m)^\d+ goals, \d+ met\.`)
