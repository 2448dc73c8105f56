package serve_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/serve"
)

// The log names a consumer that handles a message by its task, and by what runs inside.
func TestNamesOfConsumers(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		handle     func(ctx context.Context) error
	}{
		{"handles", `tasks=1 for="[mail (1s)]"`, func(ctx context.Context) error {
			return deadline.Sleep(ctx, 9*time.Second)
		}},
		{"handles in a nursery", `tasks=1 for="[mail > smtp (1s)]"`, func(ctx context.Context) error {
			return nursery.Config{Name: "smtp"}.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				return deadline.Sleep(ctx, 9*time.Second)
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log record
				err := serve.Program{Grace: time.Minute, Log: log.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
					n.GoNamed("mail", func(ctx context.Context) error {
						return serve.UntilDrain(ctx, func(accept, work context.Context) error {
							if err := tt.handle(work); err != nil {
								return err
							}
							<-accept.Done()
							return accept.Err()
						})
					})
					time.Sleep(time.Second)
					serve.Drain(ctx, nil)
					return nil
				})
				if err != nil {
					t.Errorf("Run = %v, want nil", err)
				}
				if line, _, _ := strings.Cut(log.String(), "\n"); !strings.HasSuffix(line, tt.want) {
					t.Errorf("the first line is\n%s\nwant %s", line, tt.want)
				}
			})
		})
	}
}

// handleJob is the function of the items in TestNamesOfItems.
func handleJob(ctx context.Context, job int) error {
	if job == 2 {
		return cancelscope.Shield(ctx, time.Minute, func(ctx context.Context) error { return deadline.Sleep(ctx, 9*time.Second) })
	}
	return deadline.Sleep(ctx, 9*time.Second)
}

// The log names an item by the function that handles it, and a worker that waits for the
// next one by what supplies the items.
func TestNamesOfItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log record
		err := serve.Program{Grace: time.Minute, Log: log.logger()}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			jobs := make(chan int)
			n.GoNamed("jobs", func(ctx context.Context) error { return nursery.ForEach(ctx, 3, jobs, handleJob) })
			for job := range 3 {
				if job == 2 {
					time.Sleep(time.Second)
				}
				jobs <- job
			}
			time.Sleep(time.Second)
			serve.Drain(ctx, nil)
			close(jobs)
			return nil
		})
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		want := `tasks=3 for="[jobs > serve_test.handleJob × 2 (2s) jobs > serve_test.handleJob > shield (1s)]"`
		if line, _, _ := strings.Cut(log.String(), "\n"); !strings.HasSuffix(line, want) {
			t.Errorf("the first line is\n%s\nwant %s", line, want)
		}
	})
}
