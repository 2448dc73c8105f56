// Package webserver runs an HTTP server as a block: Run returns when nothing of
// the server runs any more.
//
// [http.Server.Shutdown] does not wait for connections that a handler has taken
// over, as every websocket is, and cancels no context. So a program that
// ends after it cuts its websockets off in the middle of their clean-up.
package webserver
