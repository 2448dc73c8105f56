package corpus_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/trellis-go/trellis/internal/corpus"
)

// maxWrap is how many contexts of the standard library that can be canceled
// stand in one chain.
const maxWrap = 1000

// compare runs a generated program and returns how it differs from what the
// model says, as text; nothing if it does not. The error says that there is
// nothing to compare with, because the program never ends or its outcome
// depends on the order of steps within a tick.
func compare(t *testing.T, p *corpus.Program, schedules int) (string, error) {
	t.Helper()
	for _, pace := range []corpus.Pace{corpus.Eager, corpus.Paced} {
		// A cancellation beside errors counts here, task handles or not.
		want, err := corpus.Predict(p, corpus.Trio, pace, 1, schedules)
		if err != nil {
			if pace == corpus.Eager && errors.Is(err, corpus.ErrDepends) {
				continue
			}
			return "", err
		}
		c := &corpus.Case{ID: "generated", Program: p, Expect: want}
		for _, wrap := range []int{0, maxWrap} {
			opts := corpus.Options{Flavor: corpus.Asyncio, Pace: pace, Wrap: wrap}
			if text := runAdjusted(t, c, opts); text != "" {
				return text, nil
			}
		}
		return "", nil
	}
	return "", corpus.ErrDepends
}

// differs is compare for a program that seems to differ: with so many more
// schedules that a dependence on them has hardly been overlooked.
func differs(t *testing.T, p *corpus.Program) string {
	t.Helper()
	text, err := compare(t, p, 1000)
	if err != nil {
		return ""
	}
	return text
}

// check compares one generated program and reports whether it could.
func check(t *testing.T, name string, data []byte) error {
	t.Helper()
	p := corpus.Generate(data)
	text, err := compare(t, p, 12)
	if err != nil || text == "" {
		return err
	}
	if differs(t, p) == "" {
		return corpus.ErrDepends
	}
	small := shrink(p, func(p *corpus.Program) bool { return differs(t, p) != "" })
	t.Errorf("%s: Run and Predict disagree; the smallest program found of which that is true: %s",
		name, differs(t, small))
	return nil
}

// shrink leaves out operations as long as the program still fails.
func shrink(p *corpus.Program, fails func(*corpus.Program) bool) *corpus.Program {
	for again := true; again; {
		again = false
		for i := range p.Size() {
			for _, smaller := range without(p, i) {
				if fails(smaller) {
					p, again = smaller, true
					break
				}
			}
			if again {
				break
			}
		}
	}
	return p
}

// without returns the programs that are p without its operation number i:
// once with all that is inside it left out too, once without only itself.
func without(p *corpus.Program, i int) []*corpus.Program {
	var smaller []*corpus.Program
	for _, keep := range []bool{false, true} {
		at := i
		q := *p
		q.Main = drop(p.Main, &at, keep)
		if keep && q.Size() == p.Size() || !keep && q.Size() >= p.Size() {
			continue
		}
		smaller = append(smaller, &q)
	}
	return smaller
}

func drop(ops []*corpus.Op, at *int, keep bool) []*corpus.Op {
	kept := []*corpus.Op{}
	for _, o := range ops {
		*at--
		if *at == -1 {
			if keep {
				kept = append(append(kept, o.Body...), o.Cleanup...)
			}
			continue
		}
		q := *o
		q.Body = drop(o.Body, at, keep)
		q.Cleanup = drop(o.Cleanup, at, keep)
		kept = append(kept, &q)
	}
	return kept
}

// seedBytes is the input number seed of the generated programs.
func seedBytes(seed int) []byte {
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	data := make([]byte, 40+r.IntN(360))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// TestGenerated compares programs of fixed seeds.
func TestGenerated(t *testing.T) {
	count := 2000
	if testing.Short() {
		count = 300
	}
	compared := 0
	skipped := make(map[error]int)
	ops := make(map[string]int)
	for seed := range count {
		data := seedBytes(seed)
		if err := check(t, fmt.Sprintf("seed %d", seed), data); err != nil {
			skipped[err]++
			continue
		}
		compared++
		corpus.Walk(corpus.Generate(data).Main, func(o *corpus.Op) { ops[o.Op]++ })
		if t.Failed() {
			return // one program at a time
		}
	}
	t.Logf("%d programs, %d compared; skipped: %v; operations: %v", count, compared, skipped, ops)
	if compared < count/3 {
		t.Errorf("of %d programs only %d could be compared; skipped: %v", count, compared, skipped)
	}
}

// FuzzPrograms compares a program made from any bytes. What cannot be
// compared is skipped, but not all of the seeds.
func FuzzPrograms(f *testing.F) {
	const seeds = 100
	for seed := range seeds {
		f.Add(seedBytes(1_000_000 + seed))
	}
	var compared atomic.Int64
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			t.Skip("more than a program needs")
		}
		if err := check(t, "program", data); err != nil {
			t.Skip(err)
		}
		compared.Add(1)
	})
	if flag.Lookup("test.fuzz").Value.String() == "" && compared.Load() == 0 {
		f.Errorf("none of %d seeds could be compared", seeds)
	}
}
