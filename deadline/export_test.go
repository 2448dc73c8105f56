package deadline

// Uses returns on how many values calls of Interrupt and Accept are under way.
func Uses() int {
	uses.mu.Lock()
	defer uses.mu.Unlock()
	return len(uses.m)
}
