package grpcscope

import (
	"time"

	"google.golang.org/grpc/status"
)

// SetPatience changes how long the cancellation of a handler waits for the client's report,
// and how long a client tries to report. It must not be called while a call runs. It
// returns a function that undoes it.
func SetPatience(d time.Duration) (restore func()) {
	hold, limit := holdBack, reportLimit
	holdBack, reportLimit = d, d
	return func() { holdBack, reportLimit = hold, limit }
}

// Calls returns how many calls wait for reports.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// Early returns how many reports are kept for calls that the server does not have.
func (s *Server) Early() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.early)
}

const (
	MaxEarly  = maxEarly
	MaxStatus = maxStatus
	MaxReason = maxReason
	MaxName   = maxName
)

// Encode and Decode are what the interceptors do with the errors of nurseries.
func Encode(err error) *status.Status           { return encode(err) }
func Decode(st *status.Status, err error) error { return decode(st, err) }
