package repocheck

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// A place is something that a public repository must not name.
type place struct {
	what    string
	pattern *regexp.Regexp
}

// Folders of one machine exist nowhere else, and where modules come from is for
// each user's settings to say.
var places = []place{
	{"a path of one machine", regexp.MustCompile(`(?:^|[^\w.~/}-])/(?:home|root|Users|work|farm)/\w|\b[A-Z]:\\Users\\`)},
	{"a registry's host", regexp.MustCompile(`\b(?:proxy|sum|index)\.golang\.org\b|\bgoproxy\.(?:io|cn)\b|` +
		`\b(?:pypi|npmjs|yarnpkg|rubygems)\.(?:org|com)\b|\bcrates\.io\b|\bdocker\.(?:io|com)\b|\bGOPROXY=["']?https?:`)},
}

// checkPlaces looks at every text file.
func checkPlaces(r *repository) []string {
	var complaints []string
	for _, p := range r.paths {
		text, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			for _, place := range places {
				if found := place.pattern.Find(line); found != nil {
					complaints = append(complaints, fmt.Sprintf("%s:%d: %s: %q", p, i+1, place.what, found))
				}
			}
		}
	}
	return complaints
}

var gateCommand = regexp.MustCompile(`(?m)^test_command=\((.+)\)$`)

// checkTestCommand: the gate ends with the very command that the README gives
// to newcomers, so that the README cannot go stale.
func checkTestCommand(r *repository) []string {
	gate := gateCommand.FindStringSubmatch(r.text(".ci/run"))
	if gate == nil {
		return []string{".ci/run: no line test_command=(...)"}
	}
	fenced := false
	for line := range strings.Lines(r.text("README.md")) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced && strings.HasPrefix(line, "go test"):
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); line != gate[1] {
				return []string{fmt.Sprintf("README.md: the test command is %q, .ci/run calls %q", line, gate[1])}
			}
			return nil
		}
	}
	return []string{"README.md: no line of a fenced block begins with go test"}
}
