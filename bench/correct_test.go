package bench_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// small is how much work there is in these tests: more than any limit, and few enough
// goroutines for the race detector.
const small = 200

// wanted returns how many tasks, items or calls a run of the workload has to have. It
// reads that from the name, so that no workload can do less than its name says.
func wanted(t *testing.T, name string) int {
	t.Helper()
	key, value, _ := strings.Cut(name, "=")
	kind, _, _ := strings.Cut(value, "/")
	number := func(key string) int {
		_, rest, ok := strings.Cut(name, "/"+key+"=")
		digits, _, _ := strings.Cut(rest, "/")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil {
			t.Fatalf("%s has no number %s", name, key)
		}
		return min(n, small)
	}
	if key == "what" {
		switch {
		case kind == "children-on-n-threads":
			return small * number("n")
		case kind == "a-move-over-n-scopes":
			return 1
		case kind == "a-new-scope-at-depth-n":
			return 100
		case strings.HasSuffix(kind, "-at-depth-n"):
			return 1000
		}
		return number("n")
	}
	switch kind {
	case "request":
		return 8
	case "children":
		return number("count")
	case "spawners":
		return 8 * small
	case "open", "nested", "timeout", "moveover":
		return 1
	}
	return small
}

// Each entrant of each workload does all of its work, each time, and fails exactly
// where that is part of the work.
func TestWorkIsDone(t *testing.T) {
	var count atomic.Int64
	c := config{cap: small, ran: func() { count.Add(1) }}
	seen := make(map[string]bool)
	for _, w := range slices.Concat(rows(c), growth(c)) {
		if seen[w.name] || strings.ContainsAny(w.name, " \t") || w.units < 1 {
			t.Errorf("%s: the name is not the only one, or has a space, or there are %d units", w.name, w.units)
		}
		seen[w.name] = true
		for _, e := range w.entrants {
			t.Run(w.name+"/lib="+e.lib, func(t *testing.T) {
				want := wanted(t, w.name)
				if w.units != want && w.units != 1 { // figures are for one of them, or for all
					t.Errorf("figures are for one of %d, want 1 or %d", w.units, want)
				}
				m := &meter{running: true}
				run := e.setup(t, m)
				for range 2 {
					count.Store(0)
					if err := run(); (err != nil) != w.fails {
						t.Errorf("run gave %v, want an error: %v", err, w.fails)
					}
					if got := int(count.Load()); got != want {
						t.Errorf("the work was done %d times, want %d", got, want)
					}
					if m.misused || !m.running {
						t.Errorf("after run the meter is running: %v, misused: %v, want true and false", m.running, m.misused)
					}
				}
			})
		}
	}
}

// Of the errors of many tasks errgroup keeps one, and the others keep all of them.
func TestErrorsAreKept(t *testing.T) {
	for _, w := range rows(config{cap: small}) {
		if !w.fails {
			continue
		}
		for _, e := range w.entrants {
			// Parked tasks return the error of their context, which most libraries keep.
			got := failures(e.setup(t, &meter{running: true})())
			want := 1
			if w.name == "row=errors" && e.lib != "errgroup" {
				want = small / failEvery
			}
			if got != want {
				t.Errorf("%s with %s gave %d failures, want %d", w.name, e.lib, got, want)
			}
		}
	}
}

// failures counts the failures of tasks in err.
func failures(err error) int {
	switch u := err.(type) {
	case interface{ Unwrap() []error }:
		n := 0
		for _, err := range u.Unwrap() {
			n += failures(err)
		}
		return n
	case interface{ Unwrap() error }:
		return failures(u.Unwrap())
	}
	if errors.Is(err, errWork) {
		return 1
	}
	return 0
}

// Every row is in exactly one of the tables that the script prints, which has all of
// its libraries and compares them with the one that comes first.
func TestScriptHasEveryRow(t *testing.T) {
	script, err := os.ReadFile("run")
	if err != nil {
		t.Fatal(err)
	}
	tables := regexp.MustCompile(`(?m)^\s*table '([^']+)' '([^']+)'$`).FindAllStringSubmatch(string(script), -1)
	for _, w := range rows(config{}) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(w.name, "row="), "/")
		var libs []string
		for _, table := range tables {
			if slices.Contains(strings.Split(table[2], " OR "), kind) {
				libs = append(libs, strings.Fields(table[1])...)
			}
		}
		if len(libs) == 0 {
			t.Errorf("%s: in no table", w.name)
			continue
		}
		if !slices.ContainsFunc(w.entrants, func(e entrant) bool { return e.lib == libs[0] }) {
			t.Errorf("%s: compared with %s, which is no entrant", w.name, libs[0])
		}
		for _, e := range w.entrants {
			n := 0
			for _, lib := range libs {
				if lib == e.lib {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: %s stands in %d columns, want 1", w.name, e.lib, n)
			}
		}
	}
}

// What README.md shows are rows that exist.
func TestPublishedRowsExist(t *testing.T) {
	script, err := os.ReadFile("run")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "published=(")
	list, _, ok := strings.Cut(list, "\n)")
	patterns := strings.Fields(strings.ReplaceAll(list, "'", ""))
	if !ok || len(patterns) == 0 {
		t.Fatal("the script has no list of published rows")
	}
	for _, pattern := range patterns {
		// As go test -bench does, element by element.
		elements := strings.Split("row="+pattern, "/")
		if !slices.ContainsFunc(rows(config{}), func(w workload) bool {
			name := strings.Split(w.name, "/")
			for i, element := range elements {
				if i >= len(name) || !regexp.MustCompile(element).MatchString(name[i]) {
					return false
				}
			}
			return true
		}) {
			t.Errorf("%s: no row matches", pattern)
		}
	}
}
