// Stream runs lists of jobs for web pages, and sends each result as it comes.
// Pressing the button again, in the same page or in another tab of the same
// client, cancels what is still running, waits until it has ended, and begins
// anew; closing the page cancels it. Run it with -h for its flags and its
// messages, and look at it with a browser.
//
// Each file is about something that must wait for something else:
//
//   - batch.go: a run, which is a nursery: the jobs, so many at a time, and the
//     one task that writes their results;
//   - conduct.go: the runs of one tab, one after another, and never two;
//   - seats.go: the tabs of one client, one after another, and never two;
//   - tab.go: a tab from its first message to the reason why it is closed;
//   - send.go: a transmission, which has a time limit, and a shield;
//   - press.go, job.go: what pages ask for, and how it is done;
//   - server.go, index.html: what the web sees;
//   - run.go, usage.go: the command line.
package main

import "github.com/trellis-go/trellis/examples/internal/command"

func main() { command.Main(run) }
