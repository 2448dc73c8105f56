//go:build race

package nursery

import "runtime"

// itemsApart says whether every item has a goroutine of its own.
const itemsApart = true

func hideOrder() { runtime.RaceDisable() }

func showOrder() { runtime.RaceEnable() }
