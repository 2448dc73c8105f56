package stress

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"
)

// A Round is one run of a random test. Its methods may be called by any number of
// goroutines until the round has returned.
type Round struct {
	t    *testing.T
	seed uint64
}

// Run calls round n times, a quarter of that under -short, each time with another seed,
// unless the environment says otherwise. It stops after the first round that fails.
func Run(t *testing.T, n int, round func(r *Round)) {
	t.Helper()
	limit, seed := fromEnvironment(t)
	if testing.Short() {
		n = (n + 3) / 4
	}
	for i, start := 0, time.Now(); i < n || time.Since(start) < limit; i++ {
		r := &Round{t, rand.Uint64()}
		if seed != nil {
			r.seed = *seed
		}
		r.run(round)
		if t.Failed() {
			return
		}
	}
}

func fromEnvironment(t *testing.T) (limit time.Duration, seed *uint64) {
	t.Helper()
	if text := os.Getenv("TRELLIS_STRESS"); text != "" {
		var err error
		if limit, err = time.ParseDuration(text); err != nil {
			t.Fatalf("TRELLIS_STRESS: %v", err)
		}
	}
	if text := os.Getenv("TRELLIS_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 0, 64)
		if err != nil {
			t.Fatalf("TRELLIS_SEED: %v", err)
		}
		seed = &n
	}
	return limit, seed
}

// run calls round in a goroutine of its own, so that one that never returns can be
// reported while there is still time to do so.
func (r *Round) run(round func(r *Round)) {
	r.t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v\n\n%s", v, debug.Stack())
			}
		}()
		round(r)
	}()
	select {
	case <-ended:
	case <-r.late():
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		r.t.Fatalf("the round hangs\n%s\n\n%s", r.again(), stacks)
	}
}

// late returns a channel that gives something when half of the time that the test has
// left is over. Without a limit it never does.
func (r *Round) late() <-chan time.Time {
	deadline, ok := r.t.Deadline()
	if !ok {
		return nil
	}
	return time.After(time.Until(deadline) / 2)
}

// again says how to repeat the round.
func (r *Round) again() string {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return fmt.Sprintf("seed %#x, again: TRELLIS_SEED=%#x TRELLIS_STRESS=1m go test -race -run '^%s$' ./%s",
		r.seed, r.seed, r.t.Name(), filepath.Base(dir))
}

// Rand returns a new source of numbers that depend on the seed and id alone. It is for
// one goroutine.
func (r *Round) Rand(id uint64) *rand.Rand { return rand.New(rand.NewPCG(r.seed, id)) }

// Errorf reports a failure with the seed.
func (r *Round) Errorf(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s\n%s", fmt.Sprintf(format, args...), r.again())
}
