// Trip books a car, a hotel and a flight at once, on two workers. The hotel is full: the flight is
// canceled and awaited, the car is given back. In the middle of it the worker that books the flight
// is killed, and the other one carries on.
//
//	go run ./examples/trip          # in the folder temporal of the repository
//
// This one command builds and starts a server in memory, which takes minutes the first time, starts
// the workers and plays the story: each line says when, and in which process. With -server
// ADDRESS,NAMESPACE it uses a server that runs already.
//
// trip.go is the workflow with its activities, which is what a user writes. main.go starts the
// processes, and kills one.
package main
