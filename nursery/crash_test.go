package nursery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/trellis-go/trellis/nursery"
)

// crashVariable says which task of a process of this test is to panic.
const crashVariable = "TRELLIS_TEST_CRASH"

func TestCrashOnPanic(t *testing.T) {
	if who := os.Getenv(crashVariable); who != "" {
		crash(who)
		return
	}
	for _, who := range []string{"body", "gone", "spawned", "started", "early", "nested"} {
		t.Run(who, func(t *testing.T) {
			executable, err := os.Executable()
			if err != nil {
				t.Fatalf("os.Executable: %v", err)
			}
			var stdout, stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), executable, "-test.run=^TestCrashOnPanic$")
			cmd.Env = append(os.Environ(), crashVariable+"="+who)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			var exit *exec.ExitError
			if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("process in which %s panics: %v, want exit status 2, that of a panic", who, err)
			}
			if got, want := stdout.String(), "OnPanic: "+who+" bad\n"; got != want {
				t.Errorf("process in which %s panics wrote %q, want %q and nothing after it", who, got, want)
			}
			for _, want := range []string{"panic: task " + who + " panicked: bad", "nursery_test.panicking("} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("last words of the process in which %s panics = %s\nwant %q in them", who, &stderr, want)
				}
			}
		})
	}
}

// crash runs a nursery in which one panics, another does not end, and the caller
// would recover.
func crash(who string) {
	defer func() { fmt.Println("recovered:", recover()) }()
	config := nursery.Config{Panics: nursery.CrashOnPanic, OnPanic: func(p *nursery.PanicError) {
		fmt.Println("OnPanic:", p.Task, p.Value)
	}}
	err := config.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { select {} })
		switch who {
		case "body":
			return panicking(ctx)
		case "gone":
			n.GoNamed(who, panicking)
		case "spawned":
			nursery.Spawn(n, who, func(ctx context.Context) (int, error) { return 0, panicking(ctx) })
		case "early", "started":
			_, err := nursery.Start(ctx, n, who, func(ctx context.Context, started func(int)) error {
				if who == "started" {
					started(0)
				}
				return panicking(ctx)
			})
			return err
		case "nested": // the nursery inside propagates the panic to its caller, a task of this one
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.GoNamed(who, panicking)
				return nil
			})
		}
		return nil
	})
	fmt.Println("returned:", err)
}
