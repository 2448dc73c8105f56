package tasktree

import (
	"context"
	"runtime/pprof"

	"github.com/trellis-go/trellis/internal/record"
)

// A Config has the settings of a recording. The zero value is what [Record] uses.
type Config struct {
	// Labels makes every task that starts while it is on set two labels for profiles (see
	// [pprof.Do]), so that CPU profiles and goroutine profiles can be read by task, and so
	// can stack traces under GODEBUG=tracebacklabels=1:
	//
	//   - "task" is the name of the task, or of its function. All items of a call of ForEach
	//     and the like share one: the name of the function that the items are given to.
	//   - "nursery" has the names of the nurseries around it, the innermost last, with
	//     slashes between; at most eight. A nursery without a name is called after the
	//     function that opened it, such as "ForEach", and "nursery" if that is Run.
	//
	// A task has the labels of the context that it is given too. It does not inherit other
	// labels of the goroutine that started it.
	//
	// The body of a nursery runs in the goroutine that called Run, which has the label
	// "nursery" as long as Run has not returned. After that it has the labels of the context
	// that was given to Run, and no other ones: what it had set without a context is lost.
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
