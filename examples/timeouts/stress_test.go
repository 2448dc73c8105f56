package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"

	timeouts "github.com/trellis-go/trellis/examples/timeouts"
)

// Random groups, with handlers that fail, hang and take their time, and an
// interruption somewhere. The test keeps accounts of its own and compares
// them with those of the group.
func TestNoneIsLost(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	first := rand.Uint64()
	for i := range rounds {
		seed := first + uint64(i)
		if problems := stress(t.Context(), rand.New(rand.NewPCG(seed, 0))); len(problems) > 0 {
			t.Fatalf("seed %d: %s", seed, strings.Join(problems, "; "))
		}
	}
}

// accounts is what the handlers of one round know.
type accounts struct {
	mu                        sync.Mutex
	running                   int
	begun                     []int // requests, in the order in which they were
	handled, failed, canceled []int
}

func stress(ctx context.Context, r *rand.Rand) (problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var books accounts
	g := randomGroup(r)
	g.Do = books.handler(r, g, cancel)
	counts, check, err := g.Run(ctx)
	text := fmt.Sprintf("%+v, error %v", counts, err)

	b := &books // nothing writes to it any more
	if b.running != 0 {
		complain("%d handlers run on; %s", b.running, text)
	}
	if check != nil {
		complain("%v; %s", check, text)
	}
	if last := len(b.begun) - 1; g.AtOnce == 1 && len(b.failed) > 0 && b.begun[last] != b.failed[0] {
		complain("request %d begun after the failure of %d; %s", b.begun[last], b.failed[0], text)
	}
	begun := slices.Clone(b.begun)
	slices.Sort(begun)
	for i, n := range begun {
		if n != i+1 {
			complain("begun: %v, want every request up to the last of them once", begun)
			break
		}
	}
	if len(begun)+counts.Unbegun != counts.Accepted {
		complain("%d begun; %s", len(begun), text)
	}
	if len(b.handled) != counts.Handled || len(b.failed) != counts.Failed || len(b.canceled) != counts.Canceled+counts.GivenUp {
		complain("%d handled, %d failed, %d canceled; %s", len(b.handled), len(b.failed), len(b.canceled), text)
	}
	stopped := len(b.failed) > 0 || ctx.Err() != nil
	if !stopped && (counts.Accepted != g.Requests || counts.Canceled+counts.Unbegun > 0 || err != nil) {
		complain("nothing failed; %s", text)
	}
	if !g.Tasks && counts.GivenUp > 0 || counts.GivenUp > 2 { // there are two clients
		complain("given up: %s", text)
	}
	return append(problems, checkError(ctx, err, b.failed)...)
}

// checkError checks that err has every failure, by the name of its task, and
// nothing else but the interruption.
func checkError(ctx context.Context, err error, failures []int) (problems []string) {
	var want, got []string
	for _, n := range failures {
		want = append(want, fmt.Sprintf("request %d: out of order", n))
	}
	_, rest := cancelscope.Split(ctx, err)
	if all, ok := errors.AsType[*nursery.Error](rest); ok {
		for _, err := range all.Unwrap() {
			got = append(got, err.Error())
		}
	} else if rest != nil {
		problems = append(problems, fmt.Sprintf("error %v is no *nursery.Error", rest))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		problems = append(problems, fmt.Sprintf("errors %q, want %q", got, want))
	}
	return problems
}

func randomGroup(r *rand.Rand) timeouts.Group {
	g := timeouts.Group{
		Tasks:    r.IntN(2) == 0,
		Requests: 1 + r.IntN(40),
		AtOnce:   1 + r.IntN(6),
		Buffer:   r.IntN(6),
	}
	if g.Tasks && r.IntN(2) == 0 {
		g.Hang = 1 + r.IntN(g.Requests)
		g.Patience = time.Duration(r.IntN(100)) * time.Microsecond
	}
	if r.IntN(4) == 0 {
		g.Every = time.Microsecond
	}
	return g
}

// handler returns what does the work of the requests of g. All that is random
// is decided in advance, so that a seed is as much of a repetition as there
// can be.
func (b *accounts) handler(r *rand.Rand, g timeouts.Group, interrupt func()) func(context.Context, int) error {
	rare := 1 + r.IntN(2*g.Requests)
	interruptAt := r.IntN(3 * g.Requests) // a request, or none
	effort, fails := make([]int, g.Requests+1), make([]bool, g.Requests+1)
	for n := range effort {
		effort[n] = r.IntN(20)
		fails[n] = n != g.Hang && r.IntN(rare) == 0
	}
	return func(ctx context.Context, n int) error {
		b.mu.Lock()
		b.running++
		b.begun = append(b.begun, n)
		b.mu.Unlock()
		if n == interruptAt {
			interrupt()
		}
		err := work(ctx, effort[n], fails[n], n == g.Hang)

		b.mu.Lock()
		defer b.mu.Unlock()
		b.running--
		switch {
		case err == nil:
			b.handled = append(b.handled, n)
		case err == errOutOfOrder: // errors.Is finds it also as the reason of a cancellation
			b.failed = append(b.failed, n)
		default:
			b.canceled = append(b.canceled, n)
		}
		return err
	}
}

var errOutOfOrder = errors.New("out of order")

func work(ctx context.Context, effort int, fails, hangs bool) error {
	if hangs {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for range effort {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		runtime.Gosched()
	}
	if fails {
		return errOutOfOrder
	}
	return nil
}
