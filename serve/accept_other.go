//go:build !unix

package serve

import "net"

// acceptNow is not possible here: see accept_unix.go.
func acceptNow(net.Listener) net.Conn { return nil }
