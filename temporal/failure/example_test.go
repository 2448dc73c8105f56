package failure_test

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/nursery"
	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/wftest"
	tnursery "github.com/trellis-go/trellis/temporal/nursery"
)

// bookAll fails in two tasks.
func bookAll(ctx workflow.Context) error {
	return tnursery.Config{Supervise: true}.Run(ctx, func(_ workflow.Context, n *tnursery.Nursery) error {
		n.GoNamed("hotel", func(workflow.Context) error { return temporal.NewApplicationError("no vacancy", "Full") })
		n.GoNamed("car", func(workflow.Context) error { return errors.New("no driver") })
		return nil
	})
}

// A workflow returns what its nursery returned, and the client finds what each task did.
func ExampleEncode() {
	// run.Get at the client gives this error.
	err := wftest.Run(func(ctx workflow.Context) error { return failure.Encode(bookAll(ctx)) })

	err = failure.Decode(err)
	var app *temporal.ApplicationError
	fmt.Println(errors.As(failure.Task(err, "hotel"), &app), app.Type())
	fmt.Println(failure.Task(err, "flight"))
	// Output:
	// true Full
	// <nil>
}

// All failures of a workflow.
func ExampleDecode() {
	came := wftest.Run(func(ctx workflow.Context) error { return failure.Encode(bookAll(ctx)) })
	for _, task := range failure.Tasks(failure.Decode(came)) {
		fmt.Println(task.Task)
	}
	// Output:
	// hotel
	// car
}

// One task, by its name.
func ExampleTask() {
	came := wftest.Run(func(ctx workflow.Context) error { return failure.Encode(bookAll(ctx)) })
	fmt.Println(failure.Task(failure.Decode(came), "car"))
	// Output: no driver
}

// All tasks, also of nested nurseries.
func ExampleTasks() {
	came := wftest.Run(func(ctx workflow.Context) error { return failure.Encode(bookAll(ctx)) })
	fmt.Println(len(failure.Tasks(failure.Decode(came))))
	// Output: 2
}

// An activity that runs a nursery of goroutines.
func ExampleEncodeActivity() {
	download := func(ctx context.Context) error {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.GoNamed("mirror 1", func(context.Context) error { return errors.New("not found") })
			return nil
		})
		return failure.EncodeActivity(ctx, err)
	}
	err := failure.Decode(download(context.Background()))
	fmt.Println(failure.Task(err, "mirror 1"))
	// Output: not found
}

// A worker that encodes what all its workflows and activities return.
func ExampleNewInterceptor() {
	options := worker.Options{}
	options.Interceptors = append(options.Interceptors, failure.NewInterceptor())
	fmt.Println(len(options.Interceptors))
	// Output: 1
}

// A worker and clients whose data is encrypted, and with it the details of errors.
func ExampleConverter() {
	data := converter.GetDefaultDataConverter() // one that encrypts
	c := failure.Converter{Failures: temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: data})}
	worker := worker.Options{}
	worker.Interceptors = append(worker.Interceptors, c.NewInterceptor())

	err := c.Decode(c.Encode(tnursery.NewError("", tnursery.NewTaskError("car", false, errors.New("no driver")))))
	fmt.Println(err)
	fmt.Println(c.EncodeActivity(context.Background(), errors.New("bare")))
	// Output:
	// car: no driver
	// bare
}
