package memchan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/trellis-go/trellis/memchan"
)

// FuzzModel does what the input says with a channel and with the simplest thing that
// could be one, and compares them. The first bytes are the capacity and the threshold,
// and every two after them a step.
func FuzzModel(f *testing.F) {
	f.Add([]byte("0000"))
	for seed := range uint64(20) {
		f.Add(randomSteps(rand.New(rand.NewPCG(seed, 0))))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1000 {
			return
		}
		synctest.Test(t, func(t *testing.T) { runSteps(t, in) })
	})
}

// TestModel is FuzzModel with other inputs each time.
func TestModel(t *testing.T) {
	for range 1000 {
		seed := rand.Uint64()
		synctest.Test(t, func(t *testing.T) { runSteps(t, randomSteps(rand.New(rand.NewPCG(seed, 0)))) })
		if t.Failed() {
			t.Fatalf("seed %#x", seed)
		}
	}
}

func randomSteps(rng *rand.Rand) []byte {
	in := make([]byte, 2+2*rng.IntN(100))
	for i := range in {
		in[i] = byte(rng.Uint32())
	}
	return in
}

// A pair is a channel and its model.
type pair struct {
	t   *testing.T
	log []string

	senders   []*memchan.Sender[int]
	receivers []*memchan.Receiver[int]
	contexts  []context.Context
	cancels   []context.CancelCauseFunc

	// The model. There is one entry for each handle, and for each context.
	capacity, peak, discarded    int
	buffer                       []int
	sendersOpen, receiversOpen   []bool
	contextDone                  []bool
	waitingSenders, waitingRecvs []*expected
	started                      []*expected
	next                         int // value to be sent
}

// An expected call is one that the model has heard of. ended is nil while it waits.
type expected struct {
	call
	name        string
	handle, ctx int
	v           int
	ended       *result
}

func runSteps(t *testing.T, in []byte) {
	if len(in) < 2 {
		return
	}
	p := &pair{t: t, capacity: []int{0, 0, 1, 2, 5, memchan.Unbounded}[in[0]%6]}
	s, r := memchan.Open[int](p.capacity)
	memchan.SetThreshold(s, 1+int(in[1]%10))
	p.senders, p.receivers = append(p.senders, s), append(p.receivers, r)
	p.sendersOpen, p.receiversOpen = []bool{true}, []bool{true}
	for range 2 {
		p.addContext(context.WithCancelCause(t.Context()))
	}
	p.addContext(context.Background(), nil)
	for in = in[2:]; len(in) >= 2 && !t.Failed(); in = in[2:] {
		p.step(in[0], int(in[1]))
	}
	p.settle()
	for i := range p.cancels {
		p.cancel(i)
	}
	for i := range p.senders {
		p.closeSender(i)
	}
	for i := range p.receivers {
		p.closeReceiver(i)
	}
	p.settle()
	if t.Failed() {
		t.Logf("capacity %d, steps:\n\t%s", p.capacity, strings.Join(p.log, "\n\t"))
	}
}

func (p *pair) step(op byte, arg int) {
	s, r, ctx := arg%len(p.senders), arg%len(p.receivers), arg/16%len(p.contexts)
	switch op % 32 {
	case 0, 1, 2, 3, 4, 5, 6:
		p.send(s, ctx)
	case 7, 8, 9, 10, 11, 12, 13:
		p.receive(r, ctx)
	case 14, 15, 16, 17:
		p.trySend(s)
	case 18, 19, 20, 21:
		p.tryReceive(r)
	case 22, 23:
		p.cancel(ctx)
	case 24, 25:
		p.renew(ctx)
	case 26:
		p.cloneSender(s)
	case 27:
		p.cloneReceiver(r)
	case 28:
		if arg >= 128 {
			p.closeSender(s)
		} else {
			p.closeReceiver(r)
		}
	default:
		p.settle()
	}
}

func (p *pair) addContext(ctx context.Context, cancel context.CancelCauseFunc) {
	p.contexts, p.cancels, p.contextDone = append(p.contexts, ctx), append(p.cancels, cancel), append(p.contextDone, false)
}

// settle lets everything happen that can, and compares.
func (p *pair) settle() {
	synctest.Wait() // calls that have not ended wait
	p.started = slices.DeleteFunc(p.started, func(e *expected) bool {
		if e.ended == nil {
			if len(e.call.ended) > 0 {
				p.errorf("%s = %+v, want it to wait", e.name, <-e.call.ended)
			}
			return false
		}
		if len(e.call.ended) == 0 {
			p.errorf("%s waits, want %+v", e.name, *e.ended)
		} else if got := <-e.call.ended; got != *e.ended {
			p.errorf("%s = %+v, want %+v", e.name, got, *e.ended)
		}
		return true
	})
	want := memchan.Stats{
		Capacity: p.capacity, Buffered: len(p.buffer), Peak: p.peak, Discarded: p.discarded,
		OpenSenders: count(p.sendersOpen), OpenReceivers: count(p.receiversOpen),
		WaitingSenders: len(p.waitingSenders), WaitingReceivers: len(p.waitingRecvs),
	}
	if got := p.senders[0].Stats(); got != want {
		p.errorf("Stats = %+v, want %+v", got, want)
	}
}

func (p *pair) errorf(format string, args ...any) {
	p.t.Helper()
	p.log = append(p.log, "this failed")
	p.t.Errorf(format, args...)
}

func count(all []bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// start takes a call that the model has answered, or not.
func (p *pair) start(e *expected, name string) {
	e.name = name
	p.log = append(p.log, name)
	p.started = append(p.started, e)
	synctest.Wait() // the call waits, if it has to: the next one comes after it
}

func (p *pair) send(handle, ctx int) {
	p.next++
	e := &expected{handle: handle, ctx: ctx, v: p.next}
	if p.contextDone[ctx] {
		e.ended = &result{e.v, errBoom}
	} else if err := p.put(handle, e.v); err == memchan.ErrWouldBlock {
		p.waitingSenders = append(p.waitingSenders, e)
	} else {
		e.ended = &result{e.v, err}
	}
	e.call = sending(p.contexts[ctx], p.senders[handle], e.v)
	p.start(e, fmt.Sprintf("Send of %d on %d in context %d", e.v, handle, ctx))
}

// put is TrySend in the model.
func (p *pair) put(handle, v int) error {
	switch {
	case !p.sendersOpen[handle]:
		return memchan.ErrClosed
	case count(p.receiversOpen) == 0:
		return memchan.ErrBroken
	case len(p.waitingRecvs) > 0:
		p.waitingRecvs[0].ended = &result{v, nil}
		p.waitingRecvs = p.waitingRecvs[1:]
	case len(p.buffer) < p.capacity:
		p.buffer = append(p.buffer, v)
		p.peak = max(p.peak, len(p.buffer))
	default:
		return memchan.ErrWouldBlock
	}
	return nil
}

func (p *pair) receive(handle, ctx int) {
	e := &expected{handle: handle, ctx: ctx}
	if p.contextDone[ctx] {
		e.ended = &result{0, errBoom}
	} else if v, err := p.get(handle); err == memchan.ErrWouldBlock {
		p.waitingRecvs = append(p.waitingRecvs, e)
	} else {
		e.ended = &result{v, err}
	}
	e.call = receiving(p.contexts[ctx], p.receivers[handle])
	p.start(e, fmt.Sprintf("Receive on %d in context %d", handle, ctx))
}

// get is TryReceive in the model.
func (p *pair) get(handle int) (int, error) {
	if !p.receiversOpen[handle] {
		return 0, memchan.ErrClosed
	}
	all := p.buffer
	if len(p.waitingSenders) > 0 {
		all = append(slices.Clone(all), p.waitingSenders[0].v)
		p.waitingSenders[0].ended = &result{p.waitingSenders[0].v, nil}
		p.waitingSenders = p.waitingSenders[1:]
	}
	switch {
	case len(all) > 0:
		p.buffer = all[1:]
		return all[0], nil
	case count(p.sendersOpen) == 0:
		return 0, memchan.ErrEndOfChannel
	}
	return 0, memchan.ErrWouldBlock
}

func (p *pair) trySend(handle int) {
	p.next++
	p.log = append(p.log, fmt.Sprintf("TrySend of %d on %d", p.next, handle))
	want := p.put(handle, p.next)
	if got := p.senders[handle].TrySend(p.next); got != want {
		p.errorf("TrySend of %d on %d = %v, want %v", p.next, handle, got, want)
	}
}

func (p *pair) tryReceive(handle int) {
	p.log = append(p.log, fmt.Sprintf("TryReceive on %d", handle))
	wantV, want := p.get(handle)
	if v, err := p.receivers[handle].TryReceive(); v != wantV || err != want {
		p.errorf("TryReceive on %d = %d, %v, want %d, %v", handle, v, err, wantV, want)
	}
}

// end ends the calls of a queue for which gone reports true.
func end(queue []*expected, err error, gone func(e *expected) bool) []*expected {
	return slices.DeleteFunc(queue, func(e *expected) bool {
		if gone(e) {
			e.ended = &result{e.v, err}
			return true
		}
		return false
	})
}

func (p *pair) cancel(ctx int) {
	p.log = append(p.log, fmt.Sprintf("cancel context %d", ctx))
	if p.cancels[ctx] == nil || p.contextDone[ctx] {
		return
	}
	// A call that fails for another reason, and has not returned yet, would return the
	// cause of the cancellation.
	p.settle()
	p.contextDone[ctx] = true
	under := func(e *expected) bool { return e.ctx == ctx }
	p.waitingSenders = end(p.waitingSenders, errBoom, under)
	p.waitingRecvs = end(p.waitingRecvs, errBoom, under)
	p.cancels[ctx](errBoom)
}

// renew puts another context in the place of one.
func (p *pair) renew(ctx int) {
	p.log = append(p.log, fmt.Sprintf("context %d is a new one", ctx))
	if p.cancels[ctx] != nil {
		p.cancel(ctx)
		p.contexts[ctx], p.cancels[ctx] = context.WithCancelCause(p.t.Context())
		p.contextDone[ctx] = false
	}
}

func (p *pair) cloneSender(handle int) {
	p.log = append(p.log, fmt.Sprintf("Clone sender %d", handle))
	c, err := p.senders[handle].Clone()
	if open := p.sendersOpen[handle]; open != (err == nil) {
		p.errorf("Clone of sender %d = %v, and it is open: %v", handle, err, open)
	}
	if err == nil {
		p.senders, p.sendersOpen = append(p.senders, c), append(p.sendersOpen, true)
	}
}

func (p *pair) cloneReceiver(handle int) {
	p.log = append(p.log, fmt.Sprintf("Clone receiver %d", handle))
	c, err := p.receivers[handle].Clone()
	if open := p.receiversOpen[handle]; open != (err == nil) {
		p.errorf("Clone of receiver %d = %v, and it is open: %v", handle, err, open)
	}
	if err == nil {
		p.receivers, p.receiversOpen = append(p.receivers, c), append(p.receiversOpen, true)
	}
}

func (p *pair) closeSender(handle int) {
	p.log = append(p.log, fmt.Sprintf("Close sender %d", handle))
	p.senders[handle].Close()
	p.sendersOpen[handle] = false
	p.waitingSenders = end(p.waitingSenders, memchan.ErrClosed, func(e *expected) bool { return e.handle == handle })
	if count(p.sendersOpen) == 0 {
		p.waitingRecvs = end(p.waitingRecvs, memchan.ErrEndOfChannel, func(*expected) bool { return true })
	}
}

func (p *pair) closeReceiver(handle int) {
	p.log = append(p.log, fmt.Sprintf("Close receiver %d", handle))
	open := count(p.receiversOpen)
	p.receivers[handle].Close()
	p.receiversOpen[handle] = false
	p.waitingRecvs = end(p.waitingRecvs, memchan.ErrClosed, func(e *expected) bool { return e.handle == handle })
	if open > 0 && count(p.receiversOpen) == 0 {
		p.waitingSenders = end(p.waitingSenders, memchan.ErrBroken, func(*expected) bool { return true })
		p.discarded, p.buffer = len(p.buffer), nil
	}
}
