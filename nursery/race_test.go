package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// after is a function that gives value after d.
func after[T any](d time.Duration, value T) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) { return value, deadline.Sleep(ctx, d) }
}

// lost is a function that fails after d.
func lost(d time.Duration, err error) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) { return 0, failing(d, err)(ctx) }
}

func TestRace(t *testing.T) {
	bubbletest.Run(t, "the first one wins, the others are awaited", func(t *testing.T) {
		start := time.Now()
		var cause error
		got, err := nursery.Race(t.Context(), nil,
			after(3*time.Second, 3), after(time.Second, 1),
			func(ctx context.Context) (int, error) {
				cause = deadline.Sleep(ctx, forever)
				time.Sleep(time.Minute)
				return 2, cause
			})
		if got != 1 || err != nil {
			t.Errorf("Race = %d, %v, want 1, nil", got, err)
		}
		bubbletest.CheckElapsed(t, "Race", start, time.Minute+time.Second)
		if c := bubbletest.CheckCanceled(t, "Sleep of a loser", cause, cancelscope.ByCall); c.Error() != "scope canceled: another function has won the race" {
			t.Errorf("the cause in a loser: %v", c)
		}
	})
	bubbletest.Run(t, "failures do not matter", func(t *testing.T) {
		start := time.Now()
		got, err := nursery.Race(t.Context(), nil, lost(0, errBoom), after(time.Second, 1), lost(time.Minute, errBang),
			func(ctx context.Context) (int, error) { return 0, stubborn(errCrash)(ctx) })
		if got != 1 || err != nil {
			t.Errorf("Race = %d, %v, want 1, nil", got, err)
		}
		bubbletest.CheckElapsed(t, "Race", start, time.Second)
	})
	bubbletest.Run(t, "late successes do not matter", func(t *testing.T) {
		late := func(ctx context.Context) (int, error) { <-ctx.Done(); return 2, nil }
		got, err := nursery.Race(t.Context(), nil, late, after(time.Second, 1), late)
		if got != 1 || err != nil {
			t.Errorf("Race = %d, %v, want 1, nil", got, err)
		}
	})
	bubbletest.Run(t, "all fail", func(t *testing.T) {
		start := time.Now()
		got, err := nursery.Race(t.Context(), nil, lost(2*time.Second, errBoom), lost(time.Second, errBang), func(ctx context.Context) (int, error) {
			return 7, failing(3*time.Second, errCrash)(ctx) // a value beside an error is none
		})
		bubbletest.CheckElapsed(t, "Race", start, 3*time.Second)
		var e *nursery.Error
		if got != 0 || !errors.As(err, &e) || !slices.Equal(leaves(err), []error{errBang, errBoom, errCrash}) {
			t.Errorf("Race = %d, %v, want 0 and an *Error with bang, boom, crash", got, err)
		}
	})
	bubbletest.Run(t, "none wins before the surroundings are canceled", func(t *testing.T) {
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			_, err := nursery.Race(ctx, nil, after(time.Minute, 1), after(time.Hour, 2))
			bubbletest.CheckCanceled(t, "Race", err, cancelscope.ByDeadline)
			return err
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter(Race) = %t, %v, want true, nil", expired, err)
		}
		_, err = deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			_, err := nursery.Race(ctx, nil, after(time.Minute, 1), lost(0, errBoom))
			if e, ok := err.(*nursery.Error); !ok || len(e.Unwrap()) != 2 {
				t.Errorf("Race = %v, want boom and the cancellation", err)
			}
			return err
		})
		if !slices.Equal(leaves(err), []error{errBoom}) {
			t.Errorf("MoveOnAfter(Race) = %v, want boom", err)
		}
	})
	bubbletest.Run(t, "one wins although the surroundings are canceled", func(t *testing.T) {
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			got, err := nursery.Race(ctx, nil, after(time.Minute, 1), func(ctx context.Context) (int, error) { <-ctx.Done(); return 2, nil })
			if got != 2 || err != nil {
				t.Errorf("Race = %d, %v, want 2, nil", got, err)
			}
			return err
		})
		if expired || err != nil {
			t.Errorf("MoveOnAfter(Race) = %t, %v, want false, nil", expired, err)
		}
	})
	bubbletest.Run(t, "a loser may protect its clean-up", func(t *testing.T) {
		start := time.Now()
		cleaned := false
		got, err := nursery.Race(t.Context(), nil, after(time.Second, 1), func(ctx context.Context) (int, error) {
			defer cancelscope.Shield(ctx, time.Minute, func(ctx context.Context) error {
				cleaned = deadline.Sleep(ctx, time.Second) == nil
				return nil
			})
			return 0, sleeping(forever)(ctx)
		})
		bubbletest.CheckElapsed(t, "Race", start, 2*time.Second)
		if got != 1 || err != nil || !cleaned {
			t.Errorf("Race = %d, %v, cleaned up: %t, want 1, nil, true", got, err, cleaned)
		}
	})
	for _, b := range breaks {
		for _, winner := range []bool{false, true} {
			bubbletest.Run(t, fmt.Sprintf("%s, one wins: %t", b.name, winner), func(t *testing.T) {
				start := time.Now()
				o := outcomeOf(func() error {
					_, err := nursery.Race(t.Context(), nil,
						func(ctx context.Context) (int, error) {
							if winner {
								return 1, nil
							}
							return 0, sleeping(forever)(ctx)
						},
						func(context.Context) (int, error) {
							time.Sleep(time.Second)
							b.do()
							return 0, nil
						})
					return err
				})
				bubbletest.CheckElapsed(t, "Race", start, time.Second)
				if o.exited != (b.name == "Goexit") || (o.panicked != nil) != (b.name == "panic") {
					t.Errorf("Race: %v, want the %s", o, b.name)
				}
			})
		}
	}
}

func namedFunction(context.Context) (int, error) { return 0, errBoom }

func TestFunctionsAreNamed(t *testing.T) {
	_, err := nursery.Race(t.Context(), nil, namedFunction)
	checkShape(t, "Race", err, "[nursery_test.namedFunction=boom]")
	_, err = nursery.All(t.Context(), namedFunction)
	checkShape(t, "All", err, "[nursery_test.namedFunction=boom]")
}

func TestAll(t *testing.T) {
	bubbletest.Run(t, "values in the order of the functions", func(t *testing.T) {
		start := time.Now()
		got, err := nursery.All(t.Context(), after(3*time.Second, "a"), after(time.Second, "b"), after(2*time.Second, "c"))
		if !slices.Equal(got, []string{"a", "b", "c"}) || err != nil {
			t.Errorf("All = %q, %v, want a, b, c, nil", got, err)
		}
		bubbletest.CheckElapsed(t, "All", start, 3*time.Second)
	})
	bubbletest.Run(t, "the first failure cancels the others", func(t *testing.T) {
		start := time.Now()
		ended := false
		got, err := nursery.All(t.Context(), after(0, 1), lost(time.Second, errBoom), lost(forever, errCrash), func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Minute)
			ended = true
			return 4, errBang
		})
		bubbletest.CheckElapsed(t, "All", start, time.Minute+time.Second)
		if got != nil || !ended || !slices.Equal(leaves(err), []error{errBoom, errBang}) {
			t.Errorf("All = %v, %v, all awaited: %t, want no values, boom and bang, true", got, err, ended)
		}
	})
	bubbletest.Run(t, "no functions", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := nursery.All[int](ctx); len(got) != 0 || err != nil {
			t.Errorf("All() = %v, %v, want no values, nil", got, err)
		}
	})
	bubbletest.Run(t, "the surroundings are canceled", func(t *testing.T) {
		expired, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			got, err := nursery.All(ctx, after(0, 1), after(time.Minute, 2))
			if got != nil {
				t.Errorf("All, canceled = %v, want no values", got)
			}
			return err
		})
		if !expired || err != nil {
			t.Errorf("MoveOnAfter(All) = %t, %v, want true, nil", expired, err)
		}
	})
	for _, b := range breaks {
		bubbletest.Run(t, b.name, func(t *testing.T) {
			var ended atomic.Bool
			o := outcomeOf(func() error {
				_, err := nursery.All(t.Context(), func(context.Context) (int, error) { b.do(); return 0, nil }, func(ctx context.Context) (int, error) {
					defer ended.Store(true)
					return 0, sleeping(forever)(ctx)
				})
				return err
			})
			if o.exited != (b.name == "Goexit") || (o.panicked != nil) != (b.name == "panic") || !ended.Load() {
				t.Errorf("All: %v, the other has ended: %t, want the %s, true", o, ended.Load(), b.name)
			}
		})
	}
}
