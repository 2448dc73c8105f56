//go:build !race

package nursery_test

// itemsApart says whether every item has a goroutine of its own.
const itemsApart = false
