// Chat is a chat room for web browsers: users who log in at its page see each
// other join, leave and write. Run it with -h for its flags, and open
// http://127.0.0.1:8080 in two windows.
//
// It demonstrates the remedy for a common bug: when a client leaves, its handler
// is canceled, and the message to the other clients that this one has left fails,
// as everything does that waits in a canceled scope. Here that message is sent in
// a shield, so the others get it, whichever way a client leaves.
//
//   - client.go: a websocket, from joining to leaving, as one nursery;
//   - hub.go: the clients in the room, and the messages that go to them;
//   - mail.go: the way of a message to a client, on which a client that does not
//     read delays no other client;
//   - message.go: the messages, and the reasons for which a websocket ends;
//   - web.go and index.html: what is served, the page among it;
//   - session.go: the signed cookie that identifies a user;
//   - run.go: the program as one nursery, and the order in which it ends;
//   - usage.go: the command line.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() { command.Main(run) }
