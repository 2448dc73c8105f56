package tasktree

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Local reports whether a request is from this machine, as far as the server can see, and
// meant for it. All of this must hold:
//   - the peer's address is a loopback address;
//   - the Host header is localhost or a loopback address, so that a page of another site
//     cannot reach the server by a name of its own that it resolves to this machine;
//   - the request has no header by which proxies say for which client they forward it,
//     because the peer of a proxied request is the proxy;
//   - no page of another site caused it, as the headers Sec-Fetch-Site, Sec-Fetch-Mode and
//     Sec-Fetch-Dest of browsers say, unless the user has followed a link there. The page
//     with the link cannot read the response.
//
// A connection over a Unix socket has no peer address, so it is not local: it is often a
// proxy. A proxy on the same machine that adds none of these headers cannot be noticed.
//
// Local is the rule of [Handler] if [HandlerOptions.Allow] is nil. It does not block, and
// any number of goroutines may call it.
func Local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || !loopbackHost(r.Host) {
		return false
	}
	for name := range r.Header {
		if forwarding(name) {
			return false
		}
	}
	return ownSite(r) || r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// ownSite reports whether a request is from no browser, or from a page of this server, or the
// user has typed its address.
func ownSite(r *http.Request) bool {
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	return true
}

// loopbackHost reports whether a Host header, with or without a port, is this machine's.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// forwarding reports whether proxies use a header, in its canonical form, to pass on the
// address of the client or the host that it asked for. Each network has names of its own
// for the former, and they have the same end.
func forwarding(name string) bool {
	switch name {
	case "Forwarded", "Via", "X-Real-Ip", "X-Proxyuser-Ip", "Cdn-Loop":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Original-") || strings.HasPrefix(name, "X-Envoy-") ||
		strings.HasSuffix(name, "Client-Ip") || strings.HasSuffix(name, "Connecting-Ip")
}
