package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A story is what the program prints, with the time that has passed in the
// scene. Any number of goroutines may tell it.
type story struct {
	mu    sync.Mutex
	w     io.Writer
	began time.Time // of the scene
	err   error     // the first one of w
}

// begin opens a scene and starts its clock.
func (s *story) begin(title, code, expected string) {
	s.print("\n%s\n    %s\n  expected: %s\n", title, code, expected)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = time.Now()
}

// elapsed returns how long the scene has been going on.
func (s *story) elapsed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.began)
}

// say prints one event.
func (s *story) say(format string, args ...any) {
	s.print("  %8s  %s\n", seconds(s.elapsed()), fmt.Sprintf(format, args...))
}

// end closes a scene.
func (s *story) end(happened, verdict string) {
	s.print("  happened: %s\n  %s\n", happened, verdict)
}

func (s *story) print(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintf(s.w, format, args...); s.err == nil {
		s.err = err
	}
}

// failure returns the first error of writing.
func (s *story) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// seconds returns d as the story shows times: what is shorter is noise.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }
