package tasktree_test

import (
	"strings"
	"testing"
	"time"

	"github.com/trellis-go/trellis/tasktree"
)

// sample is a tree with all that a text may have to show.
func sample() *tasktree.Tree {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	shutdown := &tasktree.Cancellation{Since: ago(200 * time.Second), Kind: "call", By: "serve", Text: `by a call in "serve": the process has received SIGTERM and is to end`}
	return &tasktree.Tree{
		Version: 1, Taken: now, RecordingSince: ago(26 * time.Hour), Goroutines: 10_012, Total: 20_004, Truncated: true,
		Notes: []string{"stacks are left out: there are 20,012 goroutines, more than 20,000, and they would all stand still"},
		Roots: []*tasktree.Node{{
			ID: 1, Kind: tasktree.KindNursery, Name: "serve", Place: "chat/main.go:31", Since: ago(25 * time.Hour), State: tasktree.StateCanceled,
			Canceled: shutdown, WaitingSince: ago(190 * time.Second), Running: 9_999,
			Children: []*tasktree.Node{
				{ID: 2, Kind: tasktree.KindTask, Name: "connection 17", Place: "chat/server.go:77", Since: ago(90 * time.Minute), State: tasktree.StateCanceled,
					Canceled: shutdown, Same: &tasktree.Same{Count: 9_997, Name: "connection #", Newest: ago(4 * time.Second)},
					Goroutine: &tasktree.Goroutine{ID: 12, State: "chan receive", Wait: 4 * time.Minute, Stack: []string{"main.handle (chat/server.go:77)", "main.serve (chat/server.go:31)"}},
					Children: []*tasktree.Node{{ID: 3, Kind: tasktree.KindLimit, Call: "deadline.FailAfter", Place: "chat/server.go:90", Since: ago(time.Second),
						Deadline: &tasktree.Deadline{Left: 29 * time.Second, From: 3}}},
				},
				{ID: 4, Kind: tasktree.KindTask, Func: "main.(*server).aMethodWithANameThatIsTooLongForOneLine", Place: "chat/a_file_with_a_long_name.go:1001", Since: ago(250 * time.Millisecond)},
				{ID: 5, Kind: tasktree.KindNursery, Call: "nursery.ForEach", Place: "chat/世界.go:5", Older: true, Shielded: true, Omitted: 10_000},
			},
		}},
	}
}

func TestText(t *testing.T) {
	const want = `
tasktree: 20,004 nodes, 10,012 goroutines, recording for 1d02h
Some nodes are left out.
Note: stacks are left out: there are 20,012 goroutines, more than 20,000, and
  they would all stand still.
nursery serve, 1d01h, 9,999 tasks                                chat/main.go:31
│  canceled 3m20s ago by a call in "serve": the process has received SIGTERM and
│    is to end
│  its body ended 3m10s ago, it waits for 9,999 tasks
├─ task connection # × 9,998, 1h30m to 4.0s, canceled          chat/server.go:77
│  │  goroutine 12: chan receive for 4m00s
│  │    main.handle (chat/server.go:77)
│  │    main.serve (chat/server.go:31)
│  └─ limit deadline.FailAfter, 1.0s, 29s left                 chat/server.go:90
├─ task main.(*server).aMethodWith…, 250ms  chat/a_file_with_a_long_name.go:1001
└─ nursery ForEach, older than the recording, shielded            chat/世界.go:5
   └─ … 10,000 nodes left out
`
	if got := "\n" + sample().String(); got != want {
		t.Errorf("the text is%s\nwant%s", got, want)
	}
	for _, width := range []int{-1, 0, 1, 40, 57, 80, 200} {
		checkWidth(t, sample(), width)
	}
}

// A node far inside is shown beside what can be shown of its lines.
func TestTextOfDeepTrees(t *testing.T) {
	n := &tasktree.Node{Kind: tasktree.KindTask, Name: "deepest", Place: "chat/main.go:1"}
	for range 100 {
		n = &tasktree.Node{Kind: tasktree.KindScope, Children: []*tasktree.Node{n}}
	}
	tree := &tasktree.Tree{RecordingSince: time.Unix(1, 0), Taken: time.Unix(1, 0), Roots: []*tasktree.Node{n}}
	checkWidth(t, tree, 80)
	if text := tree.String(); !strings.Contains(text, "└─ task deepest, ") {
		t.Errorf("the deepest node is not in the text:\n%s", text)
	}
}

// Characters that terminals show two columns wide count as two.
func TestColumns(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "task": 4, "é ö ß": 5, "שלום": 4, "→│└": 3, "世界": 4, "한국": 4, "ｱ": 1, "Ａ": 2, "😀": 2, "🀄": 2, "✅": 2, "⭐⚡⏰": 6, "✓☆": 2, "𠀀": 2,
	} {
		if got := tasktree.Columns(text); got != want {
			t.Errorf("Columns(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0ms", 999 * time.Millisecond: "999ms", time.Second: "1.0s", 9900 * time.Millisecond: "9.9s", 59 * time.Second: "59s",
		time.Minute: "1m00s", time.Hour - time.Second: "59m59s", time.Hour: "1h00m", 24*time.Hour - time.Second: "23h59m", 50 * time.Hour: "2d02h",
	} {
		if got := tasktree.Duration(d); got != want {
			t.Errorf("a duration of %v is written %q, want %q", d, got, want)
		}
	}
}

// FuzzDump reads goroutine dumps, also such as no runtime writes.
func FuzzDump(f *testing.F) {
	f.Add("goroutine 12 gp=0x1 m=nil [chan receive, 4 minutes, locked to thread]:\nmain.handle(0xc000012345)\n\t/src/chat/server.go:77 +0x1d\ncreated by main.main in goroutine 1\n\t/x.go:1\n\ngoroutine 13 [running]:\n")
	f.Add("goroutine 1 [select labels:{\"a\": \"[x], 9 minutes\"}]:\n")
	f.Fuzz(func(t *testing.T, dump string) {
		for id, g := range tasktree.ParseDump([]byte(dump)) {
			if g == nil || g.ID != id || g.Wait < 0 {
				t.Errorf("the goroutine %d is %+v", id, g)
			}
		}
	})
}

func TestDump(t *testing.T) {
	const dump = `goroutine 12 gp=0x1 m=nil [chan receive (nil chan), 4 minutes, locked to thread labels:{"task": "a, 7 minutes"}]:
runtime.gopark(0x1)
	/usr/lib/go/src/runtime/proc.go:77 +0x1d
github.com/trellis-go/trellis/nursery.(*Nursery).run(0x1)
	/src/trellis/nursery/task.go:1 +0x1d
example.com/chat%2ego/server.(*server).handle[...]({0x1, 0x2}, 0x3)
	/src/chat/server.go:77 +0x1d
main.main.func1()
	main.go:5
...additional frames elided...
created by main.main in goroutine 1
	/x.go:1 +0x1

goroutine 13 [running]:
goroutine running on other thread; stack unavailable

goroutine 14 [select] {task: "a], 7 minutes", nursery: x}:
main.main.func2()
	main.go:6

not a goroutine`
	all := tasktree.ParseDump([]byte(dump))
	g := all[12]
	if g == nil || g.State != "chan receive (nil chan)" || g.Wait != 4*time.Minute {
		t.Errorf("goroutine 12 is %+v", g)
	} else if got, want := strings.Join(g.Stack, "\n"), "server.(*server).handle (chat/server.go:77)\nmain.main.func1 (main.go:5)"; got != want {
		t.Errorf("its stack is\n%s\nwant\n%s", got, want)
	}
	if g := all[13]; g == nil || g.State != "running" || len(g.Stack) != 0 || len(all) != 3 {
		t.Errorf("goroutine 13 is %+v, and there are %d, want 3", g, len(all))
	}
	if g := all[14]; g == nil || g.State != "select" || g.Wait != 0 || len(g.Stack) != 1 {
		t.Errorf("goroutine 14, whose labels are where Go 1.27 has them, is %+v", g)
	}
}
