package main

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A panel is one thing that grows.
type panel struct {
	what, unit string                       // of the benchmark: "children" and "held-B/op"
	values     map[string]map[int][]float64 // by library and size
}

// drawn are the units that have panels, with what the panels call them. The time of
// the processors depends less than that of the clock on what else the machine does.
var drawn = map[string]string{"cpu-ns/op": "processor time", "held-B/op": "memory", "process-B": "memory of the process"}

var result = regexp.MustCompile(`^BenchmarkGrowth/what=([^/]+)/n=([0-9]+)/lib=([a-z]+)(?:-[0-9]+)?\s+[0-9]+\s+(.+)$`)

// read returns a panel for each pair of what= and a unit that is drawn, in the order of
// appearance.
func read(r io.Reader) ([]*panel, error) {
	var panels []*panel
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		found := result.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		n, err := strconv.Atoi(found[2])
		if err != nil {
			return nil, err
		}
		for pair := range slices.Chunk(strings.Fields(found[4]), 2) {
			if len(pair) < 2 || drawn[pair[1]] == "" {
				continue
			}
			if pair[1] == "cpu-ns/op" && strings.Contains(found[4], "process-B") { // time is not its subject
				continue
			}
			v, err := strconv.ParseFloat(pair[0], 64)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(panels, func(p *panel) bool { return p.what == found[1] && p.unit == pair[1] })
			if i < 0 {
				i = len(panels)
				panels = append(panels, &panel{found[1], pair[1], make(map[string]map[int][]float64)})
			}
			p := panels[i]
			if p.values[found[3]] == nil {
				p.values[found[3]] = make(map[int][]float64)
			}
			p.values[found[3]][n] = append(p.values[found[3]][n], v)
		}
	}
	if len(panels) == 0 {
		return nil, errors.Join(errors.New("the input has no results of BenchmarkGrowth"), lines.Err())
	}
	return panels, lines.Err()
}

// median returns the middle one of the values, and the greater one of two.
func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}
