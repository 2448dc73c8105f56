package repocheck

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// A word is one that the prose of the repository does not use, because plain English
// has a better one. The first letters are in brackets so that the patterns do not match
// their own source.
type word struct {
	pattern *regexp.Regexp
	instead string // what a sentence says instead
}

// gap is what may stand between two words of a pattern: spaces, or the end of a line
// and the mark of a comment.
const gap = `(?:[ \t]+|[ \t]*\n[ \t]*(?://[ \t]*)?)`

func words(pattern, instead string) word {
	return word{regexp.MustCompile(`\b(?:` + pattern + `)\b`), instead}
}

var unwanted = []word{
	words(`[Ww]hoever|[Ss]ome(?:body|one)|[Nn]obody|[Aa]ny(?:body|one)|[Ee]very(?:body|one)|[Ss]trangers?|[Cc]rowds?|[Tt]hose`+gap+`[Ww]ho`,
		"name the part or person: the caller, other goroutines, the runtime"),
	words(`[Ss]hall`, "must, or the plain present"),
	words(`[Tt]ell(?:s|ing)?|[Tt]old`, "report, notify or distinguish"),
	words(`[Cc](?:omes?|oming|ame)`+gap+`[Oo]ut`, "is returned"),
	words(`[Gg](?:oes|oing)`+gap+`[Oo]n|[Ww]ent`+gap+`[Oo]n|go`+gap+`on`, "continues"), // but Go is a method's name
	words(`[Ss]ees?`+gap+`[Tt]o`+gap+`it`, "ensures"),
	words(`[Oo]f`+gap+`another`+gap+`[Mm]ake`, "not made by this package"),
	words(`[Hh]ands?`+gap+`[Oo]n`, "passes to"),
	words(`[Cc]ancelle(?:d|r|rs)|[Cc]ancelling`, "canceled, canceling"),
}

// An exception lets one file use one unwanted word.
type exception struct {
	path    string
	pattern *regexp.Regexp // of the word
	reason  string
}

var mayUse = []exception{
	{"docs/trio.md", regexp.MustCompile(`^[C]ancelled$`), "the name of Trio's exception"},
	{"internal/corpus/outcome.go", regexp.MustCompile(`^[c]ancelled$`), "a key and a record in the recordings"},
	{"LICENSE", regexp.MustCompile(`^[s]hall$`), "the text of the license"},
}

// checkProse looks at every text file outside testdata.
func checkProse(r *repository) []string {
	var complaints []string
	used := make([]bool, len(mayUse))
	for _, p := range r.paths {
		if underTestdata(p) {
			continue
		}
		text, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		for _, f := range findWords(text) {
			i := slices.IndexFunc(mayUse, func(e exception) bool { return e.path == p && e.pattern.MatchString(f.text) })
			if i >= 0 {
				used[i] = true
				continue
			}
			complaints = append(complaints, fmt.Sprintf("%s:%d: %q: %s", p, f.line, f.text, f.instead))
		}
	}
	for i, e := range mayUse {
		if slices.Contains(r.paths, e.path) && !used[i] {
			complaints = append(complaints, fmt.Sprintf("%s: needs no exception for %s any more: %s", e.path, e.pattern, e.reason))
		}
	}
	return complaints
}

// A foundWord is an unwanted word in a text.
type foundWord struct {
	text    string // with one space for each gap
	line    int
	instead string
}

// findWords returns the unwanted words of a text, in their order.
func findWords(text []byte) []foundWord {
	type match struct {
		at   []int
		word word
	}
	var matches []match
	for _, w := range unwanted {
		for _, at := range w.pattern.FindAllIndex(text, -1) {
			matches = append(matches, match{at, w})
		}
	}
	slices.SortFunc(matches, func(a, b match) int { return a.at[0] - b.at[0] })
	var found []foundWord
	for _, m := range matches {
		found = append(found, foundWord{
			text:    gaps.ReplaceAllString(string(text[m.at[0]:m.at[1]]), " "),
			line:    1 + bytes.Count(text[:m.at[0]], []byte("\n")),
			instead: m.word.instead,
		})
	}
	return found
}

var gaps = regexp.MustCompile(gap)
