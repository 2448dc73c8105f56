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
	"open/done=unseen":                    {{Max: 0.4, Against: "errgroup"}},
	"open/done=seen":                      {{Max: 1.1, Against: "errgroup"}},
	"children/count=1/work=nothing":       {{Max: 0.85, Against: "errgroup"}},
	"children/count=10/work=nothing":      {{Max: 0.8, Against: "errgroup"}},
	"children/count=100/work=nothing":     {{Max: 0.95, Against: "errgroup"}},
	"children/count=10000/work=nothing":   {{Max: 0.9, Against: "errgroup"}},
	"children/count=1000/work=1us":        {{Max: 1.0, Against: "errgroup"}},
	"children/count=1000/work=stack12KiB": {{Max: 1.1, Against: "errgroup"}},
	"parked":                              {{Max: 0.6, Against: "errgroup"}},
	"nested/levels=10/look=err":           {{Max: 0.8, Against: "errgroup"}},
	"nested/levels=10/look=done":          {{Max: 0.8, Against: "errgroup"}},
	"spawners":                            {{Max: 1.1, Against: "errgroup"}},
	"errors":                              {{Max: 1.0, Against: "errgroup"}},
	"foreach/limit=2/work=nothing":        {{Max: 0.2, Against: "errgroup"}},
	"foreach/limit=2/work=1us":            {{Max: 0.6, Against: "errgroup"}},
	"foreach/limit=2/work=20us":           {{Max: 0.92, Against: "errgroup"}},
	"foreach/limit=2/work=stack12KiB":     {{Max: 0.12, Against: "errgroup"}},
	"timeout/depth=1/done=unseen":         {{Max: 0.5, Against: "std"}},
	"timeout/depth=1/done=seen":           {{Max: 1.2, Against: "std"}},
	"timeout/depth=10/done=seen":          {{Max: 1.0, Against: "std"}},
	"move/to=later":                       {{Max: 0.15, Against: "std"}},
	"move/to=earlier":                     {{Max: 0.15, Against: "std"}},
	"context/call=Err/depth=1":            {{Max: 1.0, Against: "std"}},
	"context/call=Err/depth=10":           {{Max: 1.0, Against: "std"}, flat("Err")},
	"context/call=Err/depth=50":           {{Max: 1.0, Against: "std"}, flat("Err")},
	"context/call=Done/depth=1":           {{Max: 1.1, Against: "std"}},
	"context/call=Done/depth=10":          {{Max: 1.1, Against: "std"}, flat("Done")},
	"context/call=Done/depth=50":          {{Max: 1.1, Against: "std"}, flat("Done")},
	"cancel/done=unseen":                  {{Max: 0.2, Against: "std"}},
	"cancel/done=seen":                    {{Max: 0.6, Against: "std"}},
	"derive/form=WithCancel":              {{Max: 1.1, Against: "std"}},
	"derive/form=WithValueWithCancel":     {{Max: 1.1, Against: "std"}},
	"derive/form=WithTimeout":             {{Max: 1.1, Against: "std"}},
	"derive/form=AfterFunc":               {{Max: 1.1, Against: "std"}},

	"channel/alone": {{Max: 1.5, Against: "std"}},
	"channel/senders=1/receivers=1/capacity=0":     {{Max: 1.5, Against: "std"}},
	"channel/senders=1/receivers=1/capacity=64":    {{Max: 1.5, Against: "std"}},
	"channel/senders=8/receivers=8/capacity=0":     {{Max: 1.5, Against: "std"}},
	"channel/senders=8/receivers=8/capacity=64":    {{Max: 1.5, Against: "std"}},
	"channel/senders=1/receivers=1000/capacity=0":  {{Max: 1.0, Against: "std"}},
	"channel/senders=1000/receivers=1/capacity=64": {{Max: 1.0, Against: "std"}},
}

// flat says that a call costs the same at any depth. The study gives no number for
// that: a quarter more is what the same call varies by, and a cost that grows with the
// depth is far above it at 50.
func flat(method string) Goal {
	return Goal{Max: 1.25, Against: "trellis", Of: "context/call=" + method + "/depth=1"}
}
