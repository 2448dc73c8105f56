package tasktest

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/trellis-go/trellis/tasktree"
)

// A Config has the settings of a test. The zero value is what [Context] and [Run] use.
type Config struct {
	// Grace is how long what runs under the context of a test may take to end once the
	// test has ended, and what [Run] has canceled may take as well. Zero means five
	// seconds.
	Grace time.Duration

	// Before is how long before the limit of go test -timeout the tree is printed. Zero
	// means a tenth of the time that is left when the test begins, but not less than 100
	// milliseconds and not more than five seconds.
	Before time.Duration

	// Output is where the tree is printed when the limit is near, with one call of Write
	// by another goroutine. Nil means os.Stderr: the log of a test is lost when the limit
	// ends the test binary.
	Output io.Writer
}

func (c Config) withDefaults() Config {
	if c.Grace <= 0 {
		c.Grace = 5 * time.Second
	}
	if c.Output == nil {
		c.Output = os.Stderr
	}
	return c
}

// record turns recording on until the test has ended. Labels are affordable in a test, and
// with them the tree says what each task waits for.
func record(t testing.TB) { t.Cleanup(tasktree.Config{Labels: true}.Record()) }
