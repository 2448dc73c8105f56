package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-go/trellis/bench/internal/curve"
)

// A task is one measurement.
type task struct {
	curve, lib string
	size       int
}

func (t task) String() string { return fmt.Sprintf("%s,%s,%d", t.curve, t.lib, t.size) }

// parseTask is the reverse of String.
func parseTask(text string) (task, error) {
	parts := strings.Split(text, ",")
	if len(parts) == 3 {
		if size, err := strconv.Atoi(parts[2]); err == nil && size > 0 {
			return task{parts[0], parts[1], size}, nil
		}
	}
	return task{}, fmt.Errorf("-sample %s: want NAME,LIBRARY,SIZE", text)
}

// errNoTask says that there is no such thing to measure.
var errNoTask = errors.New("nothing has such a name")

// here takes a measurement in this process.
func (t task) here(curves []curve.Curve) (curve.Sample, error) {
	for _, c := range curves {
		for _, e := range c.Entrants {
			if c.Name == t.curve && e.Lib == t.lib {
				return e.Measure(t.size)
			}
		}
	}
	return curve.Sample{}, fmt.Errorf("-sample %v: %w", t, errNoTask)
}

// apart takes a measurement in a process of its own, which is this program again. It
// ends with ctx.
func apart(ctx context.Context, t task) (curve.Sample, error) {
	var s curve.Sample
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	c := exec.CommandContext(ctx, self, "-sample", t.String())
	c.Stderr = new(strings.Builder)
	c.WaitDelay = time.Second
	out, err := c.Output()
	if err != nil {
		return s, fmt.Errorf("%v: %w: %s", t, err, strings.TrimSpace(c.Stderr.(*strings.Builder).String()))
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fmt.Errorf("%v: %w", t, err)
	}
	return s, nil
}
