//go:build unix

package serve

import (
	"net"
	"os"
	"syscall"
)

// acceptNow returns a connection that waits in the backlog of l, nil if there is none or
// it cannot be known. Accept with a deadline may miss one: it looks only as long as the
// deadline has not passed, and the goroutine may be late.
func acceptNow(l net.Listener) net.Conn {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	accepted := -1
	_ = raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock() // a process that is started must not inherit it
		defer syscall.ForkLock.RUnlock()
		if n, _, err := syscall.Accept(int(fd)); err == nil { // fd does not block
			accepted = n
			syscall.CloseOnExec(n)
		}
	})
	if accepted < 0 {
		return nil
	}
	f := os.NewFile(uintptr(accepted), "connection")
	defer f.Close() // c has a duplicate
	c, err := net.FileConn(f)
	if err != nil {
		return nil
	}
	return c
}
