package memchan

// SetPatience sets after how many waits under one context the channel founds a crowd.
func SetPatience[T any](s *Sender[T], n int) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.patience = n
}

// Patience returns it.
func Patience[T any](s *Sender[T]) int {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.patience
}

// Crowded reports whether the channel has a crowd.
func Crowded[T any](s *Sender[T]) bool { return s.c.crowd.Load() != nil }

// LeaveCrowd does what a member does that was the last one to leave, and reports whether
// that has ended the crowd: in the meantime others may have come.
func LeaveCrowd[T any](s *Sender[T]) bool { return s.c.crowd.Load().end() }

// Slots returns how many values the buffer of the channel has memory for.
func Slots[T any](s *Sender[T]) int {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return len(s.c.buffer.slots)
}

// Watched returns how many contexts the crowd of the channel watches, 0 if there is none.
func Watched[T any](s *Sender[T]) int {
	x := s.c.crowd.Load()
	if x == nil {
		return 0
	}
	return int(x.watched.Load())
}
