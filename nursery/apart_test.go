package nursery_test

import (
	"context"
	"testing"

	"github.com/trellis-go/trellis/internal/bubbletest"
	"github.com/trellis-go/trellis/nursery"
)

// An item has its own name, also where it shares a goroutine with others.
func TestItemsThatShareAGoroutineAreNamed(t *testing.T) {
	for _, s := range sources {
		bubbletest.Run(t, s.name, func(t *testing.T) {
			var by [20]string
			o := outcomeOf(func() error {
				return s.forEach(t.Context(), 1, 20, func(_ context.Context, item int) error {
					by[item] = goroutine()
					if item == 19 {
						panickingItem()
					}
					return nil
				})
			})
			raisedBy(t, "ForEach", o, "item 19", "bad item", "panickingItem")
			for item := range by {
				if shared := by[item] == by[0]; item > 0 && shared == itemsApart {
					t.Errorf("item %d ran in %s and item 0 in %s, want the same: %t", item, by[item], by[0], !itemsApart)
				}
			}
		})
	}
}

// Where a few goroutines are enough, not every item gets its own, except under the race
// detector. How few depends on which goroutine runs when.
func TestForEachStartsFewGoroutines(t *testing.T) {
	const items = 1000
	for _, s := range sources {
		t.Run(s.name, func(t *testing.T) {
			for _, limit := range []int{2, nursery.NoLimit} {
				var by [items]string // the goroutine of each item
				err := s.forEach(t.Context(), limit, items, func(_ context.Context, item int) error {
					by[item] = goroutine()
					return nil
				})
				checkShape(t, "ForEach", err, "nil")
				seen := make(map[string]bool)
				for _, id := range by {
					seen[id] = true
				}
				most := min(limit, items/2)
				if few := len(seen) <= most; few == itemsApart {
					t.Errorf("limit %d: %d tiny items ran in %d goroutines, want at most %d: %t", limit, items, len(seen), most, !itemsApart)
				}
			}
		})
	}
}
