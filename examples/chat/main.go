// Chat is a chat room for web browsers: whoever logs in at its page sees who
// joins, who leaves, and what everybody writes. Run it with -h for its flags,
// and open http://127.0.0.1:8080 in two windows.
//
// It is there for a bug: when a client leaves, its handler is canceled, and
// what the handler then does to tell the others fails as everything in a
// canceled scope does. Here the others are told, however a client goes.
//
//   - client.go: a websocket, from joining to leaving, as one nursery, in whose
//     canceled scope the others are told;
//   - hub.go: who is in the room, and who hears what;
//   - mail.go: the way of a message to a client, on which one that does not read
//     delays nobody else;
//   - message.go: the messages, and the reasons for which a websocket ends;
//   - web.go and index.html: what is served, the page among it;
//   - session.go: the signed cookie that says who somebody is;
//   - run.go: the program as one nursery, and the order in which it ends;
//   - usage.go: the command line.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() { command.Main(run) }
