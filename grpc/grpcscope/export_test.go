package grpcscope

import "time"

// SetHoldBack changes how long the cancellation of a handler waits for the client's report.
// It must not be called while a server runs.
func SetHoldBack(d time.Duration) { holdBack = d }

// Calls returns how many calls wait for reports.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

const (
	MaxStatus = maxStatus
	MaxReason = maxReason
	MaxName   = maxName
)
