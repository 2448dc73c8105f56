package serve

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// firstSocket is the number of the first file that systemd passes.
const firstSocket = 3

// Listeners returns the sockets that systemd has opened for this process, in their
// order, or those whose FileDescriptorName is one of names. It returns none if the
// process was not started by such a unit, so that a server may fall back to its own:
//
//	l, err := serve.Listeners()
//	if err != nil {
//		return err
//	}
//	return serve.HTTP(ctx, server, l...) // listens on server.Addr if l is empty
//
// systemd keeps such a socket open while the service restarts, and connections wait in
// it meanwhile.
//
// Listeners takes the sockets over. It removes the variables LISTEN_PID, LISTEN_FDS and
// LISTEN_FDNAMES from the environment, so that processes that are started do not take
// them for theirs, and it closes the sockets that are not returned. A second call returns
// none; there must be no two calls at a time. Call it at the start, before other goroutines
// open files. It returns an error if the variables make no sense, or if a file that is wanted
// is not a socket that listens; then it closes all sockets. It closes no other files, because
// they may be of the process itself if LISTEN_FDS is wrong.
func Listeners(names ...string) ([]net.Listener, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	given := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil // not for this process, or not at all
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("serve: LISTEN_FDS is %q, which is no number of sockets", count)
	}
	var listeners []net.Listener
	var failed []error
	for i := range n {
		name := ""
		if i < len(given) {
			name = given[i]
		}
		l, err := inherited(firstSocket+i, name, names)
		if err != nil {
			failed = append(failed, err)
		}
		if l != nil {
			listeners = append(listeners, l)
		}
		if errors.Is(err, syscall.EBADF) {
			break // there are no more, whatever LISTEN_FDS says
		}
	}
	if len(failed) > 0 {
		for _, l := range listeners {
			l.Close()
		}
		return nil, errors.Join(failed...)
	}
	return listeners, nil
}

// inherited returns the listener of a file that was passed, or nil if its name is not
// among those that are wanted.
func inherited(fd int, name string, wanted []string) (net.Listener, error) {
	found := len(wanted) == 0 || slices.Contains(wanted, name)
	listens, err := isListening(fd)
	switch {
	case errors.Is(err, syscall.EBADF):
		return nil, fmt.Errorf("serve: socket %d (%s) is not open, although LISTEN_FDS counts it: %w", fd, name, err)
	case err != nil && found:
		return nil, fmt.Errorf("serve: socket %d (%s): %w", fd, name, err)
	case err != nil:
		return nil, nil
	}
	f := os.NewFile(uintptr(fd), name)
	if f == nil {
		return nil, fmt.Errorf("serve: socket %d (%s): %w", fd, name, syscall.EBADF)
	}
	defer f.Close() // the listener has a duplicate
	if !found {
		return nil, nil
	}
	if !listens {
		return nil, fmt.Errorf("serve: socket %d (%s) does not listen: set ListenStream and Accept=no in its unit", fd, name)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("serve: socket %d (%s): %w", fd, name, err)
	}
	return l, nil
}
