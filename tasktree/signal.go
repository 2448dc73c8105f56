package tasktree

import (
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/trellis-go/trellis/internal/record"
)

// OnSignal writes the tree to w as text each time the process receives SIGUSR1, as
// [Tree.WriteText] does for 80 columns, until stop is called. stop returns when nothing is
// written any more; a second call of it does nothing. Errors of w are dropped.
//
// If recording is on with [Config].Labels, it has the goroutines of tasks and their stacks,
// unless the process has more than [MaxStacks] goroutines.
//
//	defer tasktree.Record()()
//	defer tasktree.OnSignal(os.Stderr)()
//
// In a bubble of package testing/synctest a signal ends the process, as with [signal.Notify].
//
// OnSignal does not block. On systems without that signal, such as Windows, it does
// nothing. Redirect the output of a goroutine dump (SIGQUIT) to the same place, and the two
// can be read beside each other.
func OnSignal(w io.Writer) (stop func()) {
	if len(signals) == 0 {
		return func() {}
	}
	received := make(chan os.Signal, 1) // a signal that comes while one waits is one with it
	signal.Notify(received, signals...)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-received:
				Take(Options{Stacks: record.Labels()}).WriteText(w, 0)
			case <-quit:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(received)
		close(quit)
		<-ended
	})
}
