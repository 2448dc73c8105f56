package cancelscope

import "time"

// Limiter implements [tree.Limiter].
func (c *scopeContext) Limiter() (name string, reason error, t time.Time) {
	t, _ = c.Effective()
	if t.IsZero() {
		return "", nil, t
	}
	for s := (*Scope)(c); s != nil; s = s.up.Load() {
		s.mu.Lock()
		own := s.limit.time()
		s.mu.Unlock()
		if own.Equal(t) {
			return s.Name, s.Reason, t
		}
	}
	return "", nil, time.Time{}
}
