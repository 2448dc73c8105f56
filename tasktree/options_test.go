package tasktree_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/trellis-go/trellis/cancelscope"
	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/tasktree"
)

// pooled runs a nursery with one task for each name, a millisecond apart, and then look.
func pooled(t *testing.T, names []string, look func(n *nursery.Nursery)) {
	nursery.Config{Name: "pool"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, name := range names {
			n.GoNamed(name, wait)
			time.Sleep(time.Millisecond)
		}
		look(n)
		n.Scope().Cancel(nil)
		return nil
	})
}

func numbered(format string, count int) (names []string) {
	for i := range count {
		names = append(names, fmt.Sprintf(format, i))
	}
	return names
}

func TestFolding(t *testing.T) {
	check := func(name, want string, names ...string) {
		recorded(t, name, func(t *testing.T) {
			pooled(t, names, func(*nursery.Nursery) { checkLines(t, tasktree.Take(tasktree.Options{}), want) })
		})
	}
	check("same names", `
nursery pool, 4ms, 4 tasks
├─ task a × 3, 4ms to 1ms
└─ task b, 3ms`, "a", "b", "a", "a")
	check("few numbers", `
nursery pool, 3ms, 3 tasks
├─ task conn 1, 3ms
├─ task conn 22, 2ms
└─ task conn 3, 1ms`, "conn 1", "conn 22", "conn 3")
	check("many numbers", `
nursery pool, 11ms, 11 tasks
├─ task conn # × 10, 11ms to 2ms
└─ task other, 1ms`, append(numbered("conn %d", 10), "other")...)
	recorded(t, "what is inside counts", func(t *testing.T) {
		nursery.Config{Name: "pool"}.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 6 {
				n.GoNamed("task", func(ctx context.Context) error {
					s := cancelscope.Scope{Name: fmt.Sprint("scope of kind ", string(rune('a'+i%2)))}
					return s.Run(ctx, wait)
				})
				time.Sleep(time.Millisecond)
			}
			checkLines(t, tasktree.Take(tasktree.Options{}), `
nursery pool, 6ms, 6 tasks
├─ task task × 3, 6ms to 2ms
│  └─ scope scope of kind a, 6ms
└─ task task × 3, 5ms to 1ms
   └─ scope scope of kind b, 5ms`)
			if tree := tasktree.Take(tasktree.Options{Unfolded: true}); len(tree.Roots[0].Children) != 6 || tree.Total != 13 {
				t.Errorf("unfolded there are %d tasks, and %d nodes in all, want 6 and 13:\n%s", len(tree.Roots[0].Children), tree.Total, tree)
			}
			n.Scope().Cancel(nil)
			return nil
		})
	})
}

func TestMax(t *testing.T) {
	recorded(t, "shows the canceled first", func(t *testing.T) {
		letters := strings.Split("abcdefghijklmnopqrst", "")
		pooled(t, letters, func(n *nursery.Nursery) {
			late := nursery.Spawn(n, "late", func(ctx context.Context) (int, error) {
				<-ctx.Done()
				time.Sleep(time.Second)
				return 0, nil
			})
			late.Cancel(nil)
			synctest.Wait() // the task knows that it is canceled
			checkLines(t, tasktree.Take(tasktree.Options{Max: 6}), `
Some nodes are left out.
nursery pool, 20ms, 21 tasks
├─ task a, 20ms
├─ task b, 19ms
├─ task late, 0ms
│     canceled 0ms ago by a call in "late"
└─ … 18 nodes left out`)
			if tree := tasktree.Take(tasktree.Options{Max: -1}); tree.Truncated || tree.Total != 22 {
				t.Errorf("without a limit: truncated %v, %d nodes, want false and 22", tree.Truncated, tree.Total)
			}
		})
	})
	recorded(t, "bounds the whole tree", func(t *testing.T) {
		var open func(ctx context.Context, depth int) error
		open = func(ctx context.Context, depth int) error {
			if depth == 0 {
				return wait(ctx)
			}
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for i := range 4 {
					n.GoNamed(string(rune('a'+i)), func(ctx context.Context) error { return open(ctx, depth-1) })
				}
				return nil
			})
		}
		var s cancelscope.Scope
		s.Run(t.Context(), func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { return open(ctx, 4) })
				synctest.Wait() // all have opened theirs
				for _, most := range []int{1, 2, 3, 10, 100, 1000} {
					tree := tasktree.Take(tasktree.Options{Max: most, Unfolded: true})
					shown, omitted := 0, 0
					for _, n := range tree.All() {
						shown++
						omitted += n.Omitted
					}
					if shown > most || shown < most/3 && shown < tree.Total || shown+omitted != tree.Total && shown > 0 || tree.Truncated != (shown < tree.Total) {
						t.Errorf("Max %d: %d nodes shown and %d left out of %d, truncated %v", most, shown, omitted, tree.Total, tree.Truncated)
					}
				}
				s.Cancel(nil)
				return nil
			})
		})
	})
	recorded(t, "in depth", func(t *testing.T) {
		const levels = 2500
		var open func(ctx context.Context, depth int) error
		open = func(ctx context.Context, depth int) error {
			if depth > 0 {
				var s cancelscope.Scope
				return s.Run(ctx, func(ctx context.Context) error { return open(ctx, depth-1) })
			}
			tree := tasktree.Take(tasktree.Options{})
			deepest, last := 0, (*tasktree.Node)(nil)
			for depth, n := range tree.All() {
				deepest, last = max(deepest, depth), n
			}
			if deepest != 999 || last.Omitted != levels-1000 || !tree.Truncated {
				t.Errorf("the deepest node is at %d with %d left out, truncated %v, want 999, %d and true", deepest, last.Omitted, tree.Truncated, levels-1000)
			}
			return nil
		}
		open(t.Context(), levels)
	})
}

func TestWithin(t *testing.T) {
	recorded(t, "a task", func(t *testing.T) {
		pooled(t, []string{"other"}, func(n *nursery.Nursery) {
			done := make(chan struct{})
			n.GoNamed("mine", func(ctx context.Context) error {
				defer close(done)
				return nursery.Config{Name: "inner"}.Run(ctx, func(inner context.Context, n *nursery.Nursery) error {
					n.GoNamed("deep", func(context.Context) error {
						derived, cancel := context.WithCancel(context.WithValue(inner, new(int), "value"))
						defer cancel()
						for name, ctx := range map[string]context.Context{"mine": ctx, "inner": derived} {
							tree := tasktree.Take(tasktree.Options{Within: ctx})
							if len(tree.Roots) != 1 || tree.Roots[0].Name != name {
								t.Errorf("within %s:\n%s", name, tree)
							}
						}
						return nil
					})
					return nil
				})
			})
			<-done
		})
	})
	recorded(t, "no node", func(t *testing.T) {
		pooled(t, []string{"other"}, func(*nursery.Nursery) {
			if tree := tasktree.Take(tasktree.Options{Within: context.Background()}); tree.Total != 0 || len(tree.Roots) != 0 {
				t.Errorf("within no scope there is\n%s", tree)
			}
		})
	})
}

func TestRedact(t *testing.T) {
	recorded(t, "names and reasons", func(t *testing.T) {
		names := append(numbered("secret %d", 10), "secret")
		pooled(t, names, func(n *nursery.Nursery) {
			s := cancelscope.Scope{Name: "secret"}
			s.Run(t.Context(), func(context.Context) error {
				s.Cancel(errors.New("secret"))
				tree := tasktree.Take(tasktree.Options{Redact: func(text string) string { return strings.ReplaceAll(text, "secret", "***") }})
				var out strings.Builder
				tree.WriteJSON(&out)
				if text := out.String() + tree.String(); strings.Contains(text, "secret") || !strings.Contains(text, "*** #") {
					t.Errorf("redacted, the tree is\n%s", text)
				}
				return nil
			})
		})
	})
}

// What is cut is what has been redacted: a secret at the cut is not left there in part.
func TestRedactBeforeTheCut(t *testing.T) {
	recorded(t, "of names and reasons", func(t *testing.T) {
		long := strings.Repeat("x", 195) + " secret word"
		s := cancelscope.Scope{Name: long}
		s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(errors.New("secret word\nline " + long))
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				texts := make(map[string]int)
				tree := tasktree.Take(tasktree.Options{Redact: func(text string) string {
					texts[text]++
					return strings.ReplaceAll(text, "secret word", "*\n*")
				}})
				if text := encode(t, tree) + tree.String(); strings.Contains(text, "s…") || strings.Contains(text, "secr") {
					t.Errorf("redacted, the tree is\n%s\nwant no part of the secret", text)
				}
				if got, want := texts["secret word line "+long], 1; got != want {
					t.Errorf("Redact was called %d times with the reason, want %d for all nodes that it is of", got, want)
				}
				if reason := tree.Roots[0].Canceled.Reason; len(reason) > 203 || !strings.HasPrefix(reason, "* * line x") || strings.Contains(reason, "\n") {
					t.Errorf("the reason is %q, want one line of at most 200 bytes and an ellipsis", reason)
				}
				return nil
			})
		})
	})
}

// What is folded are siblings whose reasons read the same when they have been redacted.
func TestRedactBeforeFolding(t *testing.T) {
	recorded(t, "of reasons", func(t *testing.T) {
		secret := strings.Repeat("secret ", 50)
		nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			for _, reason := range []string{secret + "too slow", "no " + secret + "too slow", secret + "too large", secret + "too large"} {
				n.Task("conn", func(context.Context) error { time.Sleep(time.Second); return nil }).Cancel(errors.New(reason))
				time.Sleep(time.Millisecond)
			}
			tree := tasktree.Take(tasktree.Options{Redact: func(text string) string {
				return strings.ReplaceAll(strings.TrimPrefix(text, "no "), "secret ", "")
			}})
			var got []string
			for _, c := range tree.Roots[0].Children {
				count := 1
				if c.Same != nil {
					count += c.Same.Count
				}
				got = append(got, fmt.Sprintf("%s × %d", c.Canceled.Reason, count))
			}
			if want := []string{"too slow × 2", "too large × 2"}; !slices.Equal(got, want) {
				t.Errorf("redacted, the tasks are %q, want %q", got, want)
			}
			return nil
		})
	})
}

// A long name does not make a long tree: it is cut between two characters.
func TestLongNames(t *testing.T) {
	recorded(t, "of nodes and causes", func(t *testing.T) {
		long := "täglich " + strings.Repeat("ä", 1<<20)
		s := cancelscope.Scope{Name: long}
		s.Run(t.Context(), func(ctx context.Context) error {
			s.Cancel(nil)
			tree := tasktree.Take(tasktree.Options{})
			n := tree.Roots[0]
			for _, name := range []string{n.Name, n.Canceled.By} {
				if len(name) > 203 || !utf8.ValidString(name) || !strings.HasPrefix(name, "täglich ää") || !strings.HasSuffix(name, "ä…") {
					t.Errorf("a name of a megabyte is %.250q, want 200 bytes of it and an ellipsis", name)
				}
			}
			if text := encode(t, tree); len(text) > 2000 {
				t.Errorf("the tree has %d bytes as JSON, want at most 2000", len(text))
			}
			if text := tree.String(); !strings.Contains(text, "scope täglich ää") {
				t.Errorf("the text does not have the beginning of the name:\n%s", text)
			}
			return nil
		})
		exact := cancelscope.Scope{Name: strings.Repeat("x", 200)}
		exact.Run(t.Context(), func(ctx context.Context) error {
			find(t, tasktree.Take(tasktree.Options{}), exact.Name)
			return nil
		})
	})
}
