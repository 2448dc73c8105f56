package serve_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
