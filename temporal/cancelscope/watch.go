package cancelscope

import "go.temporal.io/sdk/workflow"

// watch starts the coroutine that notices for a scope that a context around it is canceled which
// is not the context of a scope: that of the workflow, or one of workflow.WithCancel. There
// is no way to be called when that happens, only to wait for it.
func (s *Scope) watch() {
	if !s.foreign || s.shield || s.phase != running || s.cause != nil || s.ended != nil || s.outer.Done() == nil {
		return
	}
	outer, ended := s.outer, workflow.NewNamedChannel(s.outer, "end of scope "+s.Name)
	s.ended = ended
	workflow.GoNamed(outer, "scope "+s.Name, func(ctx workflow.Context) {
		done := false
		selector := workflow.NewNamedSelector(ctx, "scope "+s.Name)
		selector.AddReceive(outer.Done(), func(c workflow.ReceiveChannel, _ bool) {
			c.ReceiveAsync(nil) // a Selector leaves something to be received, also in a closed channel
			done = true
		})
		selector.AddReceive(ended, func(workflow.ReceiveChannel, bool) {})
		selector.Select(ctx)
		if done {
			s.look()
		}
	})
}

// stopWatching ends the coroutine of watch.
func (s *Scope) stopWatching() {
	if s.ended != nil {
		s.ended.Close()
		s.ended = nil
	}
}

// SetShield raises the shield of the scope or takes it off. A shielded scope does not notice
// cancellations and deadlines from outside; its own still count.
//
// Taking the shield off while the context around is canceled cancels the scope at once,
// before SetShield returns, and wakes the code that waits in it. Raising one over a running
// scope that is already effectively canceled does nothing, because a closed Done channel
// cannot be opened again: run a new shielded scope inside, or use [Shield]. After Run it does
// nothing.
func (s *Scope) SetShield(on bool) {
	s.look() // what has happened before must not be shielded away
	if s.phase == left || s.shield == on || on && s.phase == running && s.cause != nil {
		return
	}
	s.shield = on
	s.look()
	s.watch()
}
