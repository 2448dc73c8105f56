package nursery_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// started may be called by another goroutine while the task ends. Either the task moves,
// and its error is the nursery's, or started panics and Start returns the error.
func TestStartedFromAnotherGoroutineWhileTheTaskEnds(t *testing.T) {
	moved, late := 0, 0
	for i := range 2000 {
		var wg sync.WaitGroup
		var refused any
		var startErr error
		err := nursery.Config{Supervise: true}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			_, startErr = nursery.Start(ctx, n, "", func(ctx context.Context, started func(int)) error {
				wg.Add(1)
				go func() {
					defer wg.Done()
					defer func() { refused = recover() }()
					started(i)
				}()
				return errBoom
			})
			return nil
		})
		wg.Wait()
		switch text, _ := refused.(string); {
		case refused == nil && startErr == nil && nursery.First(err) == errBoom:
			moved++
		case strings.HasPrefix(text, "nursery: started called after its task has ended") && startErr == errBoom && err == nil:
			late++
		default:
			t.Fatalf("round %d: started panics with %v, Start = %v, Run = %v; want the error in one place", i, refused, startErr, err)
		}
	}
	t.Logf("%d moved, %d came too late", moved, late)
}

// The scope of a task with a handle has the task's name, also where it is the cause.
func TestTaskNameInACancellation(t *testing.T) {
	bubbletest.Run(t, "cancel of the handle", func(t *testing.T) {
		var cause error
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			task := n.Task("upload", func(ctx context.Context) error {
				<-ctx.Done()
				cause = context.Cause(ctx)
				return ctx.Err()
			})
			task.Cancel(errBang)
			_, err := task.Join()
			if c := bubbletest.CheckCanceled(t, "Join", err, cancelscope.ByCall); c.Scope() != "upload" {
				t.Errorf("Scope() = %q, want upload", c.Scope())
			}
			return nil
		})
		if got, want := cause.Error(), `scope "upload" canceled: bang`; got != want {
			t.Errorf("Cause = %q, want %q", got, want)
		}
	})
}

func TestTextOfAConvertedPanic(t *testing.T) {
	bubbletest.Run(t, "one task", func(t *testing.T) {
		err := nursery.Config{Panics: nursery.ConvertPanics}.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
			n.GoNamed("fetch", panicking)
			return nil
		})
		first, rest, _ := strings.Cut(err.Error(), "\n")
		if first != "task fetch panicked: bad" || !strings.Contains(rest, "nursery_test.panicking(") {
			t.Errorf("Error() =\n%v\nwant the task once, the value, and the stack", err)
		}
	})
}

func TestTaskErrorWithOneMember(t *testing.T) {
	e := &nursery.TaskError{Task: "fetch", Err: errors.Join(errBoom, context.Canceled)}
	one, ok := e.Derive([]error{errBoom}).(*nursery.TaskError)
	if !ok || one.Task != "fetch" || one.Err != errBoom {
		t.Errorf("Derive with one member = %#v, want the member as it is", one)
	}
	two, ok := e.Derive([]error{errBoom, errBang}).(*nursery.TaskError)
	if !ok || shape(two) != "fetch=join(boom bang)" {
		t.Errorf("Derive with two members = %s, want both joined", shape(two))
	}
	// It keeps the name through a nursery that is canceled.
	bubbletest.Run(t, "through a canceled scope", func(t *testing.T) {
		_, err := deadline.MoveOnAfter(t.Context(), time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			return &nursery.TaskError{Task: "fetch", Err: errors.Join(errBoom, ctx.Err())}
		})
		if shape(err) != "fetch=boom" && shape(err) != "fetch=join(boom)" {
			t.Errorf("MoveOnAfter = %s, want boom of fetch", shape(err))
		}
	})
}
