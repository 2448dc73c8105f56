package memchan

// Stats is the state of a channel at one moment, for logs and tests. Do not decide by it
// whether to send or receive, because the state may change meanwhile: use [Sender.TrySend]
// and [Receiver.TryReceive].
type Stats struct {
	Capacity         int // as passed to Open; may be Unbounded
	Buffered         int // values in the buffer
	Peak             int // largest number of values that have been in the buffer at a time
	OpenSenders      int // handles that have not been closed
	OpenReceivers    int
	WaitingSenders   int // calls of Send that block
	WaitingReceivers int // calls of Receive that block
	Discarded        int // values that were in the buffer when the last receiver was closed
}

func (h *handle[T]) stats() Stats {
	c := h.c
	if c == nil {
		return Stats{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Capacity:         c.capacity,
		Buffered:         c.buffer.n,
		Peak:             c.peak,
		OpenSenders:      c.senders.open,
		OpenReceivers:    c.receivers.open,
		WaitingSenders:   c.senders.queue.n,
		WaitingReceivers: c.receivers.queue.n,
		Discarded:        c.discarded,
	}
}
