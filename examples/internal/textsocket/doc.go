// Package textsocket reads text messages from websocket clients. If a client breaks the
// rules of the protocol, it returns the status with which the connection must be closed.
package textsocket
