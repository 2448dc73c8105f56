package docrun

import (
	"fmt"
	"go/format"
	"strings"
)

// A block is one piece of Go code of a page.
type block struct {
	page string
	line int    // of its first line, from 1
	code string // as the reader sees it

	// What the reader does not see.
	decls, before, after string
	shared               string // declarations for all blocks of the page from here on

	output    string // what it must print
	checked   bool   // there is an output to compare with
	unordered bool

	tests bool // it has tests, and no main function; set by source
}

func (b *block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// parse returns the blocks of a page. read returns the text of a file that the page names.
func parse(page, text string, read func(name string) (string, error)) ([]*block, error) {
	p := parser{page: page, read: read, lines: strings.Split(text, "\n"), next: &block{page: page}}
	for p.at < len(p.lines) {
		line := p.lines[p.at]
		p.at++
		var err error
		switch {
		case strings.HasPrefix(line, "<!-- go:page ") && strings.HasSuffix(line, " -->"):
			err = p.include(strings.TrimSuffix(strings.TrimPrefix(line, "<!-- go:page "), " -->"))
		case strings.HasPrefix(line, "<!-- go:"):
			err = p.hidden(strings.TrimPrefix(line, "<!-- go:"))
		case strings.HasPrefix(line, "```"):
			err = p.fenced(strings.TrimPrefix(line, "```"))
		}
		if err != nil {
			return nil, err
		}
	}
	if n := p.next; n.decls+n.before+n.after != "" {
		return nil, fmt.Errorf("%s: hidden code at the end, without a block", page)
	}
	return p.blocks, nil
}

type parser struct {
	page   string
	read   func(name string) (string, error)
	lines  []string
	at     int    // the next line
	shared string // declarations for all blocks from here on
	blocks []*block
	next   *block // has the hidden code so far
	last   *block // nil if the next text is not its output
}

// include takes the declarations for all blocks from a file.
func (p *parser) include(name string) error {
	text, err := p.read(name)
	if err != nil {
		return fmt.Errorf("%s:%d: %w", p.page, p.at, err)
	}
	p.shared += text
	return nil
}

// hidden reads a comment up to its end.
func (p *parser) hidden(kind string) error {
	start := p.at
	body, err := p.until("-->")
	switch {
	case err != nil:
		return err
	case kind == "decls":
		p.next.decls += body
	case kind == "page":
		p.shared += body
	case kind == "before":
		p.next.before += body
	case kind == "after":
		p.next.after += body
	default:
		return fmt.Errorf("%s:%d: hidden code of an unknown kind %q", p.page, start, kind)
	}
	return nil
}

// fenced reads a block up to its end.
func (p *parser) fenced(mark string) error {
	start := p.at
	body, err := p.until("```")
	if err != nil {
		return err
	}
	switch mark {
	case "go":
		b := p.next
		b.line, b.code, b.shared = start+1, body, p.shared
		if formatted, err := format.Source([]byte(body)); err == nil && strings.TrimSpace(string(formatted)) != strings.TrimSpace(body) {
			return fmt.Errorf("%s: the block is not formatted as gofmt does", b)
		}
		p.blocks, p.last, p.next = append(p.blocks, b), b, &block{page: p.page}
	case "text", "text unordered":
		if p.last != nil {
			p.last.output, p.last.checked, p.last.unordered = body, true, mark != "text"
		}
		p.last = nil
	default:
		p.last = nil
	}
	return nil
}

// until returns the lines before the next one that is end, and skips that.
func (p *parser) until(end string) (string, error) {
	for i := p.at; i < len(p.lines); i++ {
		if strings.TrimRight(p.lines[i], " ") == end {
			body := strings.Join(p.lines[p.at:i], "\n") + "\n"
			p.at = i + 1
			return body, nil
		}
	}
	return "", fmt.Errorf("%s:%d: no line %q after this one", p.page, p.at, end)
}
