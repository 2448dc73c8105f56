package wftest

import (
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/failure"
)

// An Env is a test environment with a workflow that runs once.
type Env struct {
	*testsuite.TestWorkflowEnvironment

	// Encode puts the interceptor of package failure into the worker. It is read by Run.
	Encode bool
}

// New returns an environment whose logger is silent.
func New() *Env {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := &Env{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment()}
	env.SetTestTimeout(time.Minute)
	return env
}

// Run runs fn as a workflow, with activity and child options that will do for tests, and returns
// the error that a client would get.
func (e *Env) Run(fn func(ctx workflow.Context) error) error {
	options := Options()
	if e.Encode {
		options.Interceptors = []interceptor.WorkerInterceptor{failure.NewInterceptor()}
	}
	e.SetWorkerOptions(options)
	e.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Hour})
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Hour})
		return fn(ctx)
	}, workflow.RegisterOptions{Name: "test"})
	e.ExecuteWorkflow("test")
	return e.GetWorkflowError()
}

// Options returns the options of workers for tests: on a busy machine a coroutine may get no time for
// longer than the SDK's second, after which it is taken for deadlocked.
func Options() worker.Options { return worker.Options{DeadlockDetectionTimeout: time.Minute} }

// Run runs fn as a workflow in an environment of its own.
func Run(fn func(ctx workflow.Context) error) error { return New().Run(fn) }

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
