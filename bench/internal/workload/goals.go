package workload

// A Goal says what the cost of a unit with Trellis is to be, as a ratio to another
// cost.
type Goal struct {
	Max     float64
	Against string // the entrant whose cost is 1
	Of      string // the workload where that entrant counts, "" for the same one

	// Why says, where the goal was missed, what stands in the way and what was tried.
	// It is printed where the goal is missed, and nowhere else. May be empty.
	Why string
}

// goals are the goals of this project, by the names of workloads. They were set
// before the code was written, by a study of what is possible.
//
// For the rows of tasks the study had two numbers, of which these are the first: the
// second one, where several short tasks share a goroutine, is for loops.
var goals = map[string][]Goal{
	"open/done=unseen":                    {{Max: 0.4, Against: "errgroup", Why: whyOpen}},
	"open/done=seen":                      {{Max: 1.1, Against: "errgroup", Why: whyFirstDone}},
	"children/count=1/work=nothing":       {{Max: 0.85, Against: "errgroup", Why: whyChildren}},
	"children/count=10/work=nothing":      {{Max: 0.8, Against: "errgroup", Why: whyChildren}},
	"children/count=100/work=nothing":     {{Max: 0.95, Against: "errgroup", Why: whyChildren}},
	"children/count=10000/work=nothing":   {{Max: 0.9, Against: "errgroup", Why: whyChildren}},
	"children/count=1000/work=1us":        {{Max: 1.0, Against: "errgroup", Why: whyChildren}},
	"children/count=1000/work=stack12KiB": {{Max: 1.1, Against: "errgroup", Why: whyChildren}},
	"parked":                              {{Max: 0.6, Against: "errgroup", Why: whyWoken}},
	"nested/levels=10/look=err":           {{Max: 0.8, Against: "errgroup", Why: whyOpen}},
	"nested/levels=10/look=done":          {{Max: 0.8, Against: "errgroup", Why: whyFirstDone}},
	"spawners":                            {{Max: 1.1, Against: "errgroup", Why: whyChildren}},
	"errors":                              {{Max: 1.0, Against: "errgroup", Why: whyErrors}},
	"foreach/limit=2/work=nothing":        {{Max: 0.2, Against: "errgroup", Why: whyLoop}},
	"foreach/limit=2/work=1us":            {{Max: 0.6, Against: "errgroup", Why: whyLoop}},
	"foreach/limit=2/work=20us":           {{Max: 0.92, Against: "errgroup", Why: whyLoop}},
	"foreach/limit=2/work=stack12KiB":     {{Max: 0.12, Against: "errgroup", Why: whyLoop}},
	"timeout/depth=1/done=unseen":         {{Max: 0.5, Against: "std", Why: whyTimeout}},
	"timeout/depth=1/done=seen":           {{Max: 1.2, Against: "std", Why: whyFirstDone}},
	"timeout/depth=10/done=seen":          {{Max: 1.0, Against: "std", Why: whyFirstDone}},
	"move/to=later":                       {{Max: 0.15, Against: "std", Why: whyMove}},
	"move/to=earlier":                     {{Max: 0.15, Against: "std", Why: whyMove}},
	"context/call=Err/depth=1":            {{Max: 1.0, Against: "std", Why: whyLook}},
	"context/call=Err/depth=10":           {{Max: 1.0, Against: "std", Why: whyLook}, flat("Err")},
	"context/call=Err/depth=50":           {{Max: 1.0, Against: "std", Why: whyLook}, flat("Err")},
	"context/call=Done/depth=1":           {{Max: 1.1, Against: "std", Why: whyLook}},
	"context/call=Done/depth=10":          {{Max: 1.1, Against: "std", Why: whyLook}, flat("Done")},
	"context/call=Done/depth=50":          {{Max: 1.1, Against: "std", Why: whyLook}, flat("Done")},
	"cancel/done=unseen":                  {{Max: 0.2, Against: "std", Why: whyCancel}},
	"cancel/done=seen":                    {{Max: 0.6, Against: "std", Why: whyWoken}},
	"derive/form=WithCancel":              {{Max: 1.1, Against: "std", Why: whyLook}},
	"derive/form=WithValueWithCancel":     {{Max: 1.1, Against: "std", Why: whyLook}},
	"derive/form=WithTimeout":             {{Max: 1.1, Against: "std", Why: whyLook}},
	"derive/form=AfterFunc":               {{Max: 1.1, Against: "std", Why: whyLook}},

	"channel/alone": {{Max: 1.5, Against: "std", Why: whyChannel}},
	"channel/senders=1/receivers=1/capacity=0":     {{Max: 1.5, Against: "std", Why: whyChannel}},
	"channel/senders=1/receivers=1/capacity=64":    {{Max: 1.5, Against: "std", Why: whyChannel}},
	"channel/senders=8/receivers=8/capacity=0":     {{Max: 1.5, Against: "std", Why: whyChannel}},
	"channel/senders=8/receivers=8/capacity=64":    {{Max: 1.5, Against: "std", Why: whyChannel}},
	"channel/senders=1/receivers=1000/capacity=0":  {{Max: 1.0, Against: "std", Why: whyChannel}},
	"channel/senders=1000/receivers=1/capacity=64": {{Max: 1.0, Against: "std", Why: whyChannel}},
}

// What stands in the way of the goals that are missed, on some machine or on all.
const (
	whyOpen = "in a profile 41 % is the memory of the nursery and its scope, which has been cut from 416 bytes to 256 by keeping " +
		"deadlines and failures elsewhere, 28 % is entering the scope and 10 % leaving it: a dozen atomic operations " +
		"and locks of 5 ns each, because others may use a Scope before it runs"
	whyFirstDone = "the first look at Done makes a cancelCtx as a bridge, five allocations and 27 % of a profile, and registers with a " +
		"foreign parent by context.AfterFunc, three more and with its end 39 %, as much as an errgroup. Making the " +
		"bridge a child of that parent needs only half of that, but then contexts derived from it cannot tell a " +
		"deadline that is set later from a cancellation, and a shield that is raised later does not hold"
	whyChildren = "nearly all of it is the start and the end of a goroutine, the same for everybody; Trellis adds two atomic " +
		"additions and what recovers a panic. Letting one goroutine run many tiny tasks was rejected for Go: see there"
	whyErrors = "each error is judged by whether it is a cancellation (a quarter of what it costs in a profile), gets the name of its " +
		"task (two fifths), and is kept under a lock (a fifth); errgroup drops all but the first"
	whyCancel = "each scope is locked and looked at on the way down, 40 to 50 ns, most of it waiting for memory: with the fields that " +
		"matter in one cache line it was no faster"
	whyWoken = "most of it is the runtime waking goroutines one after another, the same for everybody"
	whyLoop  = "at most limit items are under way, so a limit of 2 means a switch to the sequence's coroutine and back for " +
		"every two items, a third of a profile, and as much for locks; with a limit of 100 it is one for eight. Ranging " +
		"over the sequence in a goroutine of its own was four times as slow"
	whyTimeout = "the clock is read at the beginning and at the end, 80 of 350 ns; the deadline is in an allocation " +
		"of its own, so that scopes without one are smaller"
	whyMove = "the clock is read once, and a deadline that somebody waits for and that moves to an earlier time resets its timer in the runtime"
	whyLook = "a scope below a foreign context asks that context at every look, because what is done when its cancel function " +
		"returns must be done here too, and nobody tells before: that is one call of the standard library's own Err, " +
		"3 of 7 ns, on top of ours. Below a scope that nothing foreign surrounds, Err takes about as long as the library's"
	whyChannel = "each wait makes a channel to be woken by, which cannot be used again, because it belongs to the synctest bubble it was " +
		"made in; with a buffer and many who wait, much depends on who is awake when a slot gets free"
)

// flat says that a call costs the same at any depth. The study gives no number for
// that: a quarter more is what the same call varies by, and a cost that grows with the
// depth is far above it at 50.
func flat(method string) Goal {
	return Goal{Max: 1.25, Against: "trellis", Of: "context/call=" + method + "/depth=1"}
}
