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

// isListening reports whether a file is a socket that listens. It returns an error if it is
// no socket, or not open.
func isListening(fd int) (bool, error) {
	value, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return value != 0, os.NewSyscallError("getsockopt", err)
}
