package tasktree

import (
	"context"
	"runtime/pprof"

	"github.com/trellis-go/trellis/internal/record"
)

// A Config has the settings of a recording. The zero value is what [Record] uses.
type Config struct {
	// Labels makes every task that starts while it is on set two labels for profiles
	// (see [pprof.Do]): "task", its name or that of its function, and "nursery", the
	// names of the nurseries around it with slashes between. So CPU profiles and
	// goroutine profiles can be read by task, and so can stack traces under
	// GODEBUG=tracebacklabels=1. Labels of the context that is given to the task stay; a
	// task does not inherit other labels of the goroutine that started it. The goroutine
	// that runs the body of a nursery has the label "nursery" meanwhile, and then the
	// labels of the context that was given to Run.
	//
	// The task also learns the number of its goroutine, which [Take] needs to show what
	// it waits for. Together that costs several microseconds for each task.
	Labels bool
}

// Record turns recording on for the whole process, and returns a function that turns it
// off. Calls are counted: recording stays on until each of the functions has been called. A
// second call of the same function does nothing. What still runs when recording is turned
// off is forgotten when it ends; until then it is there again if recording is turned on
// anew.
//
// Record and stop do not block, and may be called by any number of goroutines.
func Record() (stop func()) { return Config{}.Record() }

// Record is like the function [Record], with the settings of c. Tasks have labels if they
// start while at least one recording with Labels is on.
func (c Config) Record() (stop func()) {
	if c.Labels {
		return record.Start(labels{})
	}
	return record.Start(nil)
}

// labels implements [record.Labeler].
type labels struct{}

func (labels) Labeled(ctx context.Context, key, value string) context.Context {
	return pprof.WithLabels(ctx, pprof.Labels(key, value))
}

func (labels) Set(ctx context.Context) { pprof.SetGoroutineLabels(ctx) }
