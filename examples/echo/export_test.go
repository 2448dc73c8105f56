package main

import (
	"context"
	"io"
	"net"
	"os"
	"time"
)

var (
	Main      = main
	Run       = run
	ListenTCP = listenTCP
)

// A World is what a program runs in. What is zero is as usual.
type World struct {
	Stderr                   io.Writer
	Listen                   func(ctx context.Context, addr string) (net.Listener, error)
	Signals                  <-chan os.Signal
	Released                 func() // called when signals are given their usual effect back
	Silence, Linger, Parting time.Duration
	Kept                     int
}

// RunIn is Run in another world.
func RunIn(ctx context.Context, w World, args ...string) int {
	p := &program{io.Discard, w.Stderr, w.Listen, w.Signals, w.Released, defaultLimits}
	for limit, d := range map[*time.Duration]time.Duration{
		&p.limits.silence: w.Silence, &p.limits.linger: w.Linger, &p.limits.parting: w.Parting,
	} {
		if d != 0 {
			*limit = d
		}
	}
	if w.Kept != 0 {
		p.limits.kept = w.Kept
	}
	if p.release == nil {
		p.release = func() {}
	}
	return p.run(ctx, args)
}

// Lines cuts what read returns into lines, as the server does, until read fails.
// It returns the lines, the rest, the error, and the size of the buffer then.
func Lines(maxLine int, read func([]byte) (int, error)) (lines []string, rest string, size int, err error) {
	in := input{max: maxLine}
	for {
		line, err := in.next()
		switch {
		case err != nil:
			return lines, string(in.rest()), len(in.buf), err
		case line != nil:
			lines = append(lines, string(line))
		default:
			if err := in.fill(read); err != nil {
				return lines, string(in.rest()), len(in.buf), err
			}
		}
	}
}

var ErrTooLong = errTooLong
