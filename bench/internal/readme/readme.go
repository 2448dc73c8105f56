// Package readme puts what a command has measured into a document, between two markers
// that are comments there:
//
//	<!-- begin compare -->
//	<!-- end compare -->
package readme

import (
	"errors"
	"fmt"
	"os"
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
