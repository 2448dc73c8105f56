// Package migrate defines an analyzer that moves programs from errgroup and from time
// limits of package context to Trellis.
//
// # Analyzer migrate
//
// migrate: move from errgroup and context.WithTimeout to Trellis
//
// With -fix it rewrites what it can rewrite without changing what the program does, and
// reports the rest with the reason and a hint. It is off by default. The flags
// -migrate.groups=false, -migrate.dropin=false and -migrate.limits=false leave out one of
// the three kinds of change.
//
// # Groups
//
// A group that is made, used and waited for in one block of one function becomes a call of
// nursery.Run. The code between the first use of the group and Wait becomes the body:
//
//	g, ctx := errgroup.WithContext(ctx)          if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
//	for _, url := range urls {                      for _, url := range urls {
//		g.Go(func() error {                             n.Go(func(ctx context.Context) error {
//			return fetch(ctx, url)                          return fetch(ctx, url)
//		})                                              })
//	}                                               }
//	if err := g.Wait(); err != nil {                return nil
//		return err                           }); err != nil {
//	}                                               return err
//	                                             }
//
// The context parameters of the body and of the tasks have the name of the group's
// context, so the code inside need not change. Code before the first use stays where it
// is. Variables that are declared inside and used after Wait are declared in front.
//
// A group without a context, as in var g errgroup.Group, continues when a task has failed.
// It becomes nursery.Config{Supervise: true}.Run, which does so too.
//
// A loop under SetLimit becomes nursery.ForEach, and nursery.ForN where it has an index,
// if it does nothing but start tasks and the group has a context. ForEach and ForN start
// no more items once one has failed or the context is canceled, where the loop started
// the rest as well, with a canceled context. Every other group with a limit keeps it by a
// channel that has a place for each task that may run:
//
//	slots := make(chan struct{}, 20)
//	...
//			slots <- struct{}{} // waits, as Go does in a group with a limit
//			n.Go(func(ctx context.Context) error {
//				defer func() { <-slots }()
//
// Where the limit may be negative, which means no limit, the code that replaces SetLimit
// looks at that. A limit that may also be 0 then means none as well: a group with a limit
// of 0 blocks in its first Go for ever.
//
// A local function that starts tasks becomes a part of the body, if the code in front of
// Wait, or a task, calls it, and nothing else uses it. So does a function literal that is
// called where it stands, or is passed to filepath.Walk, filepath.WalkDir, fs.WalkDir or
// ast.Inspect.
//
// What differs after the change: Wait returned the first error, and Run returns a
// *nursery.Error that has them all, without the cancellations that followed from the
// first. errors.Is and errors.As find them. A comparison with ==, a type assertion, or
// os.IsNotExist and its siblings do not: where the function compares the error like that,
// the analyzer reports the comparison, and leaves the group alone until that has changed.
// It does not see comparisons in other functions. With -migrate.first it writes
// nursery.First around the call, which returns the first failure as Wait did: then these
// comparisons stay right, but not those with context.Canceled and
// context.DeadlineExceeded, because a cancellation from outside is an error of package
// cancelscope.
//
// A panic in a task is a panic of Run, where it was the end of the program. A task of a
// group without a context used the context of the function; now it gets one that is
// canceled when Run returns. What a task leaves behind for later, and is bound to its
// context, ends with it: the body of a response, the rows of a query, a goroutine.
//
// It leaves a group alone, and says so, if
//
//   - the group is passed to a function, stored, returned, or captured by a function
//     literal that is no task and may be called after Wait;
//   - it is not waited for exactly once, in the block where it was made;
//   - there is a return, a defer, a goto, a recover, or a break or continue to the outside
//     between the first task and Wait: a return there leaves goroutines behind;
//   - its context is used after Wait, when it is canceled, or for its limit;
//   - it uses TryGo, or changes its limit;
//   - the file imports errgroup with a dot.
//
// # The drop-in
//
// Every import of golang.org/x/sync/errgroup becomes one of this module's package errgroup,
// which has the same API and the same behavior. This serves the groups that stay. Where a
// package gets a group from another module, or passes it one, the import stays. It also
// stays where a file of the package that is generated, or that uses cgo, imports errgroup:
// such files are not changed, and the two types of groups are different ones.
//
// Files that build tags exclude are not seen: run migrate again with GOFLAGS=-tags=... or
// another GOOS for them.
//
// # Time limits
//
// In a function whose last result is an error,
//
//	ctx, cancel := context.WithTimeout(ctx, d)   becomes   ctx, end := deadline.Limit(ctx, d)
//	defer cancel()                                         defer end(&err)
//
// The results get names if they have none. What differs after the change: where the
// limit was the reason of the error that the function returns, the error is a
// *deadline.TooSlowError.
package migrate
