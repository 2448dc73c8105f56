package tasktree_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/deadline"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

func encode(t testing.TB, tree *tasktree.Tree) string {
	t.Helper()
	var out bytes.Buffer
	if err := tree.WriteJSON(&out); err != nil {
		t.Fatalf("WriteJSON: %v", err)
	}
	return out.String()
}

func decode(t testing.TB, text string) *tasktree.Tree {
	t.Helper()
	tree := new(tasktree.Tree)
	if err := json.Unmarshal([]byte(text), tree); err != nil {
		t.Fatalf("Unmarshal: %v\n%s", err, text)
	}
	return tree
}

// inUTC replaces the times in a text, which are in the local time zone.
func inUTC(text string) string {
	return regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+[+-]\d\d:\d\d`).ReplaceAllStringFunc(text, func(text string) string {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return err.Error()
		}
		return at.UTC().Format(time.RFC3339Nano)
	})
}

// TestJSON pins the encoding: what is here is what other programs read.
func TestJSON(t *testing.T) {
	recorded(t, "of a tree", func(t *testing.T) {
		nursery.Config{Name: "serve"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for range 2 {
				time.Sleep(time.Second)
				n.GoNamed("conn", func(ctx context.Context) error { return deadline.FailAfter(ctx, time.Minute, wait) })
			}
			s := cancelscope.Scope{Name: "job"}
			return s.Run(ctx, func(ctx context.Context) error {
				synctest.Wait() // both tasks wait
				s.Cancel(errors.New("not needed"))
				time.Sleep(time.Second)
				tree := tasktree.Take(tasktree.Options{})
				serve, conn, limit, job := tree.Roots[0], tree.Roots[0].Children[0], tree.Roots[0].Children[0].Children[0], tree.Roots[0].Children[1]
				for i, n := range []*tasktree.Node{serve, conn, limit, job} {
					if n.ID == 0 || !strings.HasPrefix(n.Place, "tasktree/json_test.go:") {
						t.Errorf("ID %d and place %q", n.ID, n.Place)
					}
					n.ID, n.Place = uint64(i+1), "tasktree/json_test.go:1"
				}
				limit.Deadline.From = limit.ID
				tree.Goroutines = 7
				want := `{"version":1,"taken":"2000-01-01T00:00:03Z","recordingSince":"2000-01-01T00:00:00Z","goroutines":7,"total":6,"roots":[` +
					`{"id":1,"kind":"nursery","name":"serve","place":"tasktree/json_test.go:1","call":"nursery.Config.Run","since":"2000-01-01T00:00:00Z","state":"running","running":2,"children":[` +
					`{"id":2,"kind":"task","name":"conn","func":"tasktree_test.TestJSON.func1.1.1","place":"tasktree/json_test.go:1","call":"nursery.GoNamed","since":"2000-01-01T00:00:01Z","state":"running","same":{"count":1,"newest":"2000-01-01T00:00:02Z"},"children":[` +
					`{"id":3,"kind":"limit","place":"tasktree/json_test.go:1","call":"deadline.FailAfter","since":"2000-01-01T00:00:01Z","state":"running","deadline":{"at":"2000-01-01T00:01:01Z","left":58000000000,"from":3}}]},` +
					`{"id":4,"kind":"scope","name":"job","place":"tasktree/json_test.go:1","call":"cancelscope.Run","since":"2000-01-01T00:00:02Z","state":"canceled","canceled":{"since":"2000-01-01T00:00:02Z","kind":"call","by":"job","reason":"not needed","text":"by a call in \"job\": not needed"}}]}]}` + "\n"
				if got := inUTC(encode(t, tree)); got != want {
					t.Errorf("the encoding is\n%s\nwant\n%s", got, want)
				}
				n.Scope().Cancel(nil)
				return nil
			})
		})
	})
	t.Run("of nothing", func(t *testing.T) {
		got := encode(t, &tasktree.Tree{Version: 1, Roots: []*tasktree.Node{}})
		if want := `{"version":1,"taken":"0001-01-01T00:00:00Z","goroutines":0,"total":0,"roots":[]}` + "\n"; got != want {
			t.Errorf("the encoding is %s, want %s", got, want)
		}
	})
}

// A deadlineContext has a deadline that no timer has.
type deadlineContext struct {
	context.Context
	deadline time.Time
}

func (c deadlineContext) Deadline() (time.Time, bool) { return c.deadline, true }

// A deadline that JSON cannot encode does not keep the others out of it.
func TestJSONOfDeadlines(t *testing.T) {
	for name, at := range map[string]time.Time{
		"none as the latest": time.Unix(1<<62, 0), "in the year 10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"in the year -1": time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "none as the earliest": time.Unix(-1<<62, 0),
		"in a strange time zone": time.Date(2020, 1, 1, 0, 0, 0, 0, time.FixedZone("", 30*60*60)),
	} {
		recorded(t, name, func(t *testing.T) {
			s := cancelscope.Scope{Name: "job"}
			s.Run(deadlineContext{t.Context(), at}, func(context.Context) error {
				tree := tasktree.Take(tasktree.Options{})
				want := find(t, tree, "job").Deadline
				if want == nil || at.Year() == 2020 && !want.At.Equal(at) || (want.Left > 0) != at.After(tree.Taken) {
					t.Fatalf("the deadline is %+v, want %v or what is near", want, at)
				}
				if got := find(t, decode(t, encode(t, tree)), "job").Deadline; !got.At.Equal(want.At) || got.Left != want.Left {
					t.Errorf("the deadline is encoded as %+v, want %+v", got, want)
				}
				return nil
			})
		})
	}
}

// failing is a writer that fails after so many bytes.
type failing int

var errFull = errors.New("full")

func (f *failing) Write(text []byte) (int, error) {
	if *f -= failing(len(text)); *f < 0 {
		return 0, errFull
	}
	return len(text), nil
}

func TestErrorsOfWriters(t *testing.T) {
	tree := &tasktree.Tree{Version: 1, RecordingSince: time.Unix(1, 0)}
	for range 1000 {
		tree.Roots = append(tree.Roots, &tasktree.Node{Name: "some name", Children: []*tasktree.Node{{Name: "inside"}}})
	}
	for _, room := range []failing{0, 10, 5000, 20_000} {
		f := room
		if err := tree.WriteJSON(&f); err != errFull {
			t.Errorf("WriteJSON to a writer with room for %d bytes: %v, want %v", room, err, errFull)
		}
		f = room
		if err := tree.WriteText(&f, 0); err != errFull {
			t.Errorf("WriteText to a writer with room for %d bytes: %v, want %v", room, err, errFull)
		}
	}
}

// FuzzJSON decodes whatever it can, and expects that encoding it, by WriteJSON or by
// package json, and decoding it again give the same. The text must be printable and no
// wider than wanted.
func FuzzJSON(f *testing.F) {
	f.Add(`{"version":1,"roots":[{"id":1,"kind":"task","children":[{"id":2}]}]}`, 80)
	f.Add(`{"roots":[null]}`, 40)
	f.Add(`{"notes":["a\nb"],"recordingSince":"2000-01-01T00:00:03Z","truncated":true,"roots":[{"kind":"item","name":"item 3\u001b[31m","place":"a/b.go:1","same":{"count":3,"name":"世界 #"},"omitted":4,"older":true,"goroutine":{"id":1,"state":"x","stack":["a","b"]},"canceled":{"text":"by 世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界"},"deadline":{"left":-5},"waitingSince":"2000-01-01T00:00:03Z"}]}`, 41)
	f.Fuzz(func(t *testing.T, text string, width int) {
		tree := new(tasktree.Tree)
		if json.Unmarshal([]byte(text), tree) != nil {
			return
		}
		for _, n := range tree.All() {
			if n == nil {
				return // not one of ours
			}
		}
		first := encode(t, tree)
		again := decode(t, first)
		if second := encode(t, again); second != first {
			t.Errorf("the tree is encoded as\n%s\nand when that is decoded as\n%s", first, second)
		}
		if tree.Roots != nil {
			plain, err := json.Marshal(tree)
			if err != nil {
				t.Fatalf("Marshal: %v", err)
			}
			if want := decode(t, string(plain)); !reflect.DeepEqual(again, want) {
				t.Errorf("WriteJSON gives\n%s\nand Marshal\n%s", first, plain)
			}
		}
		checkWidth(t, tree, width)
	})
}

// checkWidth checks that the text is no wider than wanted.
func checkWidth(t *testing.T, tree *tasktree.Tree, width int) {
	t.Helper()
	var out strings.Builder
	if err := tree.WriteText(&out, width); err != nil {
		t.Fatalf("WriteText: %v", err)
	}
	most := width
	if width == 0 {
		most = 80
	}
	most = max(most, 40)
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if used := tasktree.Columns(line); used > most {
			t.Errorf("width %d: a line has %d columns, want at most %d: %q", width, used, most, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("a line has a control character: %q", line)
		}
	}
}
