package memchan

// A ring is a first-in, first-out buffer that grows as it is filled. The zero value is
// empty.
type ring[T any] struct {
	slots []T // slots without a value are zero
	head  int // index of the oldest value
	n     int // number of values
}

const (
	ringMin  = 8    // slots, to begin with
	ringKeep = 1024 // slots that an empty ring without a limit keeps
)

// push appends v. The ring must have fewer than limit values. It never has more slots than
// limit.
func (r *ring[T]) push(v T, limit int) {
	if r.n == len(r.slots) {
		r.grow(limit)
	}
	i := r.head + r.n
	if i >= len(r.slots) {
		i -= len(r.slots)
	}
	r.slots[i] = v
	r.n++
}

// pop removes the oldest value and returns it. There must be one.
func (r *ring[T]) pop() T {
	var zero T
	v := r.slots[r.head]
	r.slots[r.head] = zero
	if r.head++; r.head == len(r.slots) {
		r.head = 0
	}
	r.n--
	return v
}

// grow makes room for at least one more value.
func (r *ring[T]) grow(limit int) {
	slots := make([]T, min(limit, max(ringMin, 2*r.n)))
	n := copy(slots, r.slots[r.head:])
	copy(slots[n:], r.slots[:r.head])
	r.slots, r.head = slots, 0
}

// trim frees the slots if there are many and all are empty.
func (r *ring[T]) trim() {
	if r.n == 0 && len(r.slots) > ringKeep {
		*r = ring[T]{}
	}
}
