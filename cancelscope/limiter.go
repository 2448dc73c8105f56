package cancelscope

import "time"

// Limiter implements [tree.Limiter].
func (c *scopeContext) Limiter() (name string, t time.Time, reason error) {
	t, _ = c.Effective()
	if t.IsZero() {
		return "", t, nil
	}
	for s := (*Scope)(c); s != nil; s = s.up.Load() {
		s.mu.Lock()
		own := s.limit.time()
		s.mu.Unlock()
		if own.Equal(t) {
			return s.Name, t, s.Reason
		}
	}
	return "", time.Time{}, nil
}
