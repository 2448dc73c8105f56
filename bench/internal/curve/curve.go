package curve

import (
	"math"
	"slices"
)

// A Curve is a piece of work of many sizes, and the same for each of its entrants.
type Curve struct {
	Name     string // key=value elements
	Title    string // for people
	Size     string // what there is more and more of: "children", "depth" and so on
	Unit     string // what the costs are given for: "child", "call" and so on
	Sizes    []int  // ascending
	Costs    []Cost // those that are worth showing, at least one
	Once     bool   // one measurement is as good as many
	Repeat   int    // so many more in each round: they are quick, and must be told from noise
	Goals    []Goal
	Entrants []Entrant
}

// A Cost is one of the figures of a [Sample].
type Cost string

const (
	Time   Cost = "time"
	Memory Cost = "memory"
)

// A Sample is one measurement.
type Sample struct {
	Time   float64 `json:"ns"`    // nanoseconds for a unit
	Memory float64 `json:"bytes"` // what a unit holds while it is there
}

// Of returns the figure for c.
func (s Sample) Of(c Cost) float64 {
	if c == Memory {
		return s.Memory
	}
	return s.Time
}

// An Entrant is one library's way to do the work. Measure may leave the runtime in a
// state that burdens or helps whatever is measured next in the process.
type Entrant struct {
	Lib     string
	Measure func(size int) (Sample, error)
}

// Shows reports whether a figure says anything at that size. What the runtime has and
// does by the way is more than the memory of a few units.
func (c Curve) Shows(cost Cost, size int) bool {
	return slices.Contains(c.Costs, cost) && (cost != Memory || size >= settled || c.Once)
}

// own is the entrant that has goals.
const own = "trellis"

// A Goal says how the costs of Trellis may grow.
type Goal struct {
	Text string // says what Value is
	Cost Cost
	Max  float64

	// Value is given the sizes that were measured, and the costs by the name of an
	// entrant and a size, NaN where there is none. It returns NaN if it needs one.
	Value func(sizes []int, cost func(lib string, size int) float64) float64
}

// All returns all curves, in the order in which people should read them.
func All() []Curve {
	return slices.Concat(children(), threads(), scopes(), depths(), lifetimes())
}

// flat is the goal of a cost that does not depend on the size. A quarter more is what
// the same call varies by; what grows with the size is far above it at the end.
func flat() Goal {
	return Goal{
		Text: "the last one, as a ratio to the first one", Cost: Time, Max: 1.25,
		Value: func(sizes []int, cost func(lib string, size int) float64) float64 {
			if len(sizes) == 1 {
				return math.NaN()
			}
			return cost(own, last(sizes)) / cost(own, sizes[0])
		},
	}
}

// settled is the size from which on the cost of a unit should not change: in smaller
// ones the cost of the whole has a share.
const settled = 1000

// linear is the goal that the whole grows no worse than linearly. Caches and the
// garbage collector make each unit of a million dearer whoever has made it, so what
// counts is how the cost of a unit grows beside that of another entrant.
func linear(base string) Goal {
	return Goal{
		Text: "growth from 1,000 on, as a ratio to that of " + base, Cost: Time, Max: 1.5,
		Value: func(sizes []int, cost func(lib string, size int) float64) float64 {
			if last(sizes) <= settled {
				return math.NaN()
			}
			growth := func(lib string) float64 { return cost(lib, last(sizes)) / cost(lib, settled) }
			return growth(own) / growth(base)
		},
	}
}

// beside is the goal that the last size costs little more than with another entrant.
func beside(base string, most float64) Goal {
	return Goal{
		Text: "the last one, as a ratio to " + base, Cost: Time, Max: most,
		Value: func(sizes []int, cost func(lib string, size int) float64) float64 {
			return cost(own, last(sizes)) / cost(base, last(sizes))
		},
	}
}

// above is the goal that at the last size a unit holds little more than with another
// entrant, in bytes.
func above(base string, most float64) Goal {
	return Goal{
		Text: "bytes more than " + base + ", the last one", Cost: Memory, Max: most,
		Value: func(sizes []int, cost func(lib string, size int) float64) float64 {
			if last(sizes) < settled {
				return math.NaN()
			}
			return cost(own, last(sizes)) - cost(base, last(sizes))
		},
	}
}

func last(sizes []int) int { return sizes[len(sizes)-1] }

// powers returns the powers of ten from 1 to last.
func powers(last int) []int {
	var all []int
	for n := 1; n <= last; n *= 10 {
		all = append(all, n)
	}
	return all
}
