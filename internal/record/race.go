//go:build race

package record

import "runtime"

// Between hideOrder and showOrder the race detector ignores synchronization in the calling
// goroutine.

func hideOrder() { runtime.RaceDisable() }

func showOrder() { runtime.RaceEnable() }
