// Package uncancelable defines an analyzer that finds waits in tasks and blocks which a
// cancellation does not end.
//
// # Analyzer uncancelable
//
// uncancelable: find waits that do not end when the context is canceled
//
// A nursery that is canceled waits until its tasks have ended, and a limit is over when
// its block has returned. So every wait in them should look at the context. In tasks and
// blocks of Trellis, the analyzer reports
//
//   - time.Sleep: use deadline.Sleep;
//   - sends, receives and loops over channels that are in no select, and a select without
//     a default and without a case that receives from a Done method;
//   - exec.Command: use exec.CommandContext;
//   - http.Get, Head, Post and PostForm, and net.Dial and net.DialTimeout: use a request
//     or a Dialer with a context;
//   - Wait of a sync.WaitGroup.
//
// A receive from ctx.Done() is a wait for the cancellation, and not reported. The analyzer
// is off by default: a wait may be short, or its other side may be canceled too.
package uncancelable
