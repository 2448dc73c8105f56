package nursery_test

import (
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/deadline"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	"github.com/trellis-go/trellis/temporal/nursery"
)

// Tasks that end one after the other, in a nursery and with the SDK alone. Each step of a workflow
// goes through all its coroutines, so the time grows with the square of their number.
func BenchmarkTasks(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		for name, run := range map[string]func(ctx workflow.Context) error{
			"nursery": func(ctx workflow.Context) error {
				return nursery.ForN(ctx, nursery.NoLimit, n, func(ctx workflow.Context, i int) error {
					return deadline.Sleep(ctx, time.Duration(i)*time.Second)
				})
			},
			"plain": func(ctx workflow.Context) error {
				wg := workflow.NewWaitGroup(ctx)
				wg.Add(n)
				for i := range n {
					workflow.Go(ctx, func(ctx workflow.Context) {
						_ = workflow.Sleep(ctx, time.Duration(i)*time.Second)
						wg.Done()
					})
				}
				wg.Wait(ctx)
				return nil
			},
		} {
			b.Run(fmt.Sprintf("tasks=%d/code=%s", n, name), func(b *testing.B) {
				for b.Loop() {
					if err := wftest.Run(run); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
