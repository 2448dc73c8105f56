package corpus

import (
	"fmt"
	"slices"
)

// Generate turns any bytes into a program. The same bytes give the same
// program, and changing one changes little. Programs use all operations, the
// task handles of [Asyncio] included. Most have one outcome under every
// schedule, because durations are long and different; [Predict] finds the
// others.
func Generate(data []byte) *Program {
	g := &generator{data: data, budget: 8 + len(data)/4, program: new(Program)}
	g.dense = g.next()%3 == 0
	for i := range 1 + g.next()%2 {
		g.program.Events = append(g.program.Events, fmt.Sprintf("e%d", i+1))
	}
	// Nearly all end by this deadline, if by nothing else.
	g.program.Main = []*Op{g.op("move_on", func(o *Op) {
		o.D = new(int64(1_000_000 + g.next()))
		g.declare("move_on", o)
		o.Body = g.list(block{inside: []string{o.ID}}, 4+g.next()%8)
	})}
	for _, fix := range g.late {
		fix()
	}
	return g.program
}

type generator struct {
	data    []byte
	budget  int  // operations left
	dense   bool // more happens at the same tick
	program *Program
	n       int
	scopes  int
	errors  int
	tasks   []string
	nurs    []string
	late    []func() // to be done when all names are known
}

// A block says where operations stand.
type block struct {
	depth  int
	inside []string // ids of the scopes around
	nurs   []string // of the nurseries among them
	starts bool     // the task is run by start, and started belongs in here
}

// next returns the next byte, and 0 when they have run out.
func (g *generator) next() int {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return int(b)
}

// duration is a number of ticks that no other operation has: two timers at
// the same tick make the outcome depend on the schedule.
func (g *generator) duration() *int64 {
	h := uint64(g.n+1) * 0x9e3779b97f4a7c15
	d := int64(g.next())*200 + 1 + int64(h>>32%199)
	return &d
}

// deadline is some durations together, or zero, or mostly null where that
// suits.
func (g *generator) deadline(null bool) *int64 {
	switch b := g.next(); {
	case b < 8:
		return new(int64)
	case null && b < 180:
		return nil
	default:
		d := g.duration()
		*d *= int64(1 + b%7)
		return d
	}
}

// ops makes between one and five operations, and leaves at least half of the
// budget to those after them: programs grow broad rather than deep.
func (g *generator) ops(b block) []*Op {
	kept := g.budget / 2
	g.budget -= kept
	list := g.list(b, 1+g.next()%5)
	g.budget += kept
	return list
}

func (g *generator) list(b block, count int) []*Op {
	list := []*Op{}
	started := -1 // where the task says started; behind the end for never
	if b.starts {
		started = g.next() % (count + 1)
	}
	deeper := b.starts && g.next() < 64 // in a block of this block, if it is one
	for i := range count {
		b.starts = i == started && deeper
		if i == started && !deeper {
			list = append(list, g.op("started", func(o *Op) { o.V = int64(o.N) }))
		}
		if g.budget <= 0 {
			break
		}
		list = append(list, g.any(b))
	}
	return list
}

func (g *generator) op(kind string, fill func(*Op)) *Op {
	g.budget--
	g.n++
	o := &Op{Op: kind, N: g.n}
	if fill != nil {
		fill(o)
	}
	return o
}

// any makes one operation. The weights lean towards waiting: tasks that run
// on while others do make the outcome depend on the schedule.
func (g *generator) any(b block) *Op {
	kind := g.next()
	if len(g.data) == 0 {
		kind = 1
	}
	if b.depth > 7 && kind >= 128 {
		kind -= 128
	}
	switch {
	case kind < 84 && g.dense && kind%2 == 0:
		return g.any(b)
	case kind < 84:
		return g.op("sleep", func(o *Op) { o.D = g.duration() })
	case kind < 85:
		return g.op("forever", nil)
	case kind < 93:
		return g.op([]string{"wait", "set", "set"}[kind%3], func(o *Op) {
			o.Ev = g.program.Events[g.next()%len(g.program.Events)]
		})
	case kind < 99:
		return g.op("effective", nil)
	case kind < 102:
		g.errors++
		return g.op("raise", func(o *Op) { o.Err = fmt.Sprintf("E%d", g.errors) })
	case kind < 121:
		return g.change([]string{"cancel", "deadline", "deadline", "shield", "shield"}[kind%5], b)
	case kind < 128:
		return g.handle([]string{"tcancel", "join"}[kind%2])
	case kind < 170:
		return g.scope([]string{"scope", "move_on", "move_on", "fail"}[kind%4], b)
	case kind < 194:
		return g.nursery(b)
	case kind < 230:
		if len(b.nurs) == 0 && kind%8 != 0 {
			return g.nursery(b)
		}
		return g.child([]string{"spawn", "spawn", "start"}[kind%3], b)
	default:
		return g.guard([]string{"try", "try", "swallow", "finally", "finally"}[kind%5], b)
	}
}

func (g *generator) declare(kind string, o *Op) {
	g.scopes++
	o.ID = fmt.Sprintf("s%d", g.scopes)
	if kind == "nursery" {
		o.ID = fmt.Sprintf("n%d", g.scopes)
		g.nurs = append(g.nurs, o.ID)
	}
	g.program.Scopes = append(g.program.Scopes, ScopeDecl{o.ID, kind, o.D, o.Shield})
}

func (b block) in(ids ...string) block {
	b.depth++
	b.inside = append(b.inside[:len(b.inside):len(b.inside)], ids...)
	return b
}

func (g *generator) scope(kind string, b block) *Op {
	return g.op(kind, func(o *Op) {
		o.D = g.deadline(kind == "scope")
		o.Shield = g.next() < 70
		g.declare(kind, o)
		o.Body = g.ops(b.in(o.ID))
		if choice := g.next(); o.Shield && choice < 160 {
			g.behindShield(o, b.inside[choice%len(b.inside)])
		}
	})
}

// behindShield cancels a scope around a shielded one while that is inside, at
// once or by a deadline, and perhaps takes the shield off later: random
// operations seldom come to that.
func (g *generator) behindShield(o *Op, around string) {
	kind := "cancel"
	if g.next() < 128 {
		kind = "deadline"
	}
	o.Body = slices.Insert(o.Body, 0, g.op(kind, func(c *Op) {
		c.ID = around
		if kind == "deadline" {
			c.D = g.duration()
		}
	}))
	if choice := g.next(); choice < 160 {
		o.Body = slices.Insert(o.Body, 1+choice%len(o.Body),
			g.op("shield", func(off *Op) { off.ID = o.ID }))
	}
}

func (g *generator) nursery(b block) *Op {
	return g.op("nursery", func(o *Op) {
		g.declare("nursery", o)
		inner := b.in(o.ID)
		inner.nurs = append(inner.nurs[:len(inner.nurs):len(inner.nurs)], o.ID)
		// One without children says little that a scope does not.
		o.Body = append([]*Op{g.child("spawn", inner)}, g.ops(inner)...)
	})
}

// child makes a task, mostly in a nursery around it; one that is started moves
// to another more often.
func (g *generator) child(kind string, b block) *Op {
	return g.op(kind, func(o *Op) {
		o.Task = fmt.Sprintf("t%d", len(g.tasks)+1)
		g.tasks = append(g.tasks, o.Task)
		choice, nearby := g.next(), 190
		if kind == "start" {
			nearby = 110
		}
		switch {
		case len(b.nurs) > 0 && choice < nearby:
			o.In = b.nurs[choice%len(b.nurs)]
		case len(g.nurs) > 0 && choice < 240:
			o.In = g.nurs[choice%len(g.nurs)]
		default:
			g.late = append(g.late, func() { g.orEffective(o, &o.In, g.nurs, choice) })
		}
		inner := b.in()
		inner.starts = kind == "start"
		o.Body = g.ops(inner)
		if g.next() < 160 && !inner.starts && !g.dense {
			// Let the other tasks run first.
			o.Body = append([]*Op{g.op("sleep", func(o *Op) { o.D = g.duration() })}, o.Body...)
		}
	})
}

// guard makes a try, a swallow or a finally.
func (g *generator) guard(kind string, b block) *Op {
	return g.op(kind, func(o *Op) {
		inner := b.in()
		o.Body = g.ops(inner)
		if kind == "finally" {
			inner.starts = false // said once
			o.Cleanup = g.ops(inner)
		}
	})
}

// change makes an operation on a scope, mostly one around it.
func (g *generator) change(kind string, b block) *Op {
	return g.op(kind, func(o *Op) {
		choice := g.next()
		switch kind {
		case "deadline":
			o.D = g.deadline(g.next() < 60)
			if g.next() < 24 {
				o.D = new(int64)
			}
		case "shield":
			o.On = g.next()%2 == 0
		}
		if len(b.inside) > 0 && choice < 130 {
			o.ID = b.inside[choice%len(b.inside)]
			return
		}
		g.late = append(g.late, func() {
			var ids []string
			for _, s := range g.program.Scopes {
				ids = append(ids, s.ID)
			}
			g.orEffective(o, &o.ID, ids, choice)
		})
	})
}

func (g *generator) handle(kind string) *Op {
	return g.op(kind, func(o *Op) {
		choice := g.next()
		if len(g.tasks) > 0 && choice < 200 {
			o.Task = g.tasks[choice%len(g.tasks)]
			return
		}
		g.late = append(g.late, func() { g.orEffective(o, &o.Task, g.tasks, choice) })
	})
}

// orEffective sets the name that an operation lacks, or makes it one that
// needs none where there is no such name.
func (g *generator) orEffective(o *Op, name *string, names []string, choice int) {
	if len(names) > 0 {
		*name = names[choice%len(names)]
		return
	}
	*o = Op{Op: "effective", N: o.N}
}
