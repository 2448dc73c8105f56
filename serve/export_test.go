package serve

import (
	"context"
	"fmt"
	"os"
)

// ReportExit lets Main print the exit code and return, instead of exiting.
func ReportExit() (restore func()) {
	exit = func(code int) { fmt.Println("exit code", code) }
	return func() { exit = os.Exit }
}

// EnterWait records that the drain waits for what is called name.
func EnterWait(ctx context.Context, name string) (exit func()) {
	d := drainOf(ctx)
	w := d.enter(name)
	return func() { d.exit(w) }
}
