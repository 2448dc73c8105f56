package serve

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A waiting is something that a drain waits for: a request, a connection.
type waiting struct {
	name  string
	since time.Time
}

// enter records that a drain has to wait for what is called name, until leave. A nil
// drain records nothing.
func (d *drain) enter(name string) *waiting {
	if d == nil {
		return nil
	}
	w := &waiting{name, time.Now()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waits == nil {
		d.waits = make(map[*waiting]bool)
	}
	d.waits[w] = true
	return w
}

func (d *drain) exit(w *waiting) {
	if w == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waits, w)
}

// waitsLocked returns what the drain waits for, also in programs inside.
func (d *drain) waitsLocked() []*waiting {
	var all []*waiting
	for w := range d.waits {
		all = append(all, w)
	}
	for inner := range d.inner {
		inner.mu.Lock()
		all = append(all, inner.waitsLocked()...)
		inner.mu.Unlock()
	}
	return all
}

// maxNames bounds the names in one log line.
const maxNames = 10

// names returns what the drain waits for, the oldest first, each name once with the
// number and the age of the oldest.
func (d *drain) names() []string {
	d.mu.Lock()
	all := d.waitsLocked()
	d.mu.Unlock()
	slices.SortFunc(all, func(a, b *waiting) int {
		if c := a.since.Compare(b.since); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	var list []string
	var oldest []*waiting
	count := make(map[string]int)
	for _, w := range all {
		if count[w.name]++; count[w.name] == 1 {
			oldest = append(oldest, w)
		}
	}
	for i, w := range oldest {
		if i == maxNames {
			list = append(list, fmt.Sprintf("and %d more", len(oldest)-i))
			break
		}
		text := w.name
		if n := count[w.name]; n > 1 {
			text = fmt.Sprintf("%s × %d", text, n)
		}
		list = append(list, fmt.Sprintf("%s (%v)", text, rounded(time.Since(w.since))))
	}
	return list
}

// rounded returns d for readers.
func rounded(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond)
	case d < time.Minute:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
