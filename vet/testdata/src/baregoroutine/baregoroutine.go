package baregoroutine

import "sync"

func start() {
	go func() {}() // want `a go statement starts a goroutine that no nursery waits for: start a task`
	var wg sync.WaitGroup
	wg.Go(func() {}) // want `WaitGroup.Go starts a goroutine that no nursery waits for`
	wg.Wait()
}
