// Package record keeps the nodes that package tasktree shows: one for each nursery, scope,
// task and error group that lives while recording is on.
//
// Packages nursery and errgroup ask [Active] where a nursery opens or a task starts, and go
// their usual way if it is false. If it is true they make a [Node]. Where a scope is entered
// or a group is made, which execution traces do not show, [On] is asked. A node is the context that the task or block is given: it says the same as the
// context it is made from, and by a private key which node it is. So whatever is opened
// under that context finds what it is inside of, and no other structure has to know nodes.
//
// Package tasktree turns recording on and off, and reads the nodes.
package record
