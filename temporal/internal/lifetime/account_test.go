package lifetime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/trellis-go/trellis/temporal/internal/lifetime"
	"github.com/trellis-go/trellis/temporal/internal/live"
)

func environment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(live.Silent{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(options())
	register(env)
	env.RegisterActivity(lifetime.Book)
	env.RegisterActivity(lifetime.Undo)
	return env
}

// An update records how it ended.
type update struct {
	rejected, completed error
	result              any
	ended               bool
}

func (u *update) Accept()          {}
func (u *update) Reject(err error) { u.rejected, u.ended = err, true }
func (u *update) Complete(result any, err error) {
	u.result, u.completed, u.ended = result, err, true
}

// Signals, updates and queries beside a nursery, until the account is closed.
func TestAccountIsClosed(t *testing.T) {
	env := environment()
	var early, refused, tooMuch update
	var asked lifetime.Balance
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow("withdraw", "1", &early, 70) // waits for a deposit
		env.UpdateWorkflow("withdraw", "2", &refused, -1)
		env.UpdateWorkflow("withdraw", "3", &tooMuch, 1_000_000)
	}, time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("deposit", 100) }, time.Minute)
	env.RegisterDelayedCallback(func() {
		value, err := env.QueryWorkflow("balance")
		if err == nil {
			err = value.Get(&asked)
		}
		if err != nil {
			t.Errorf("query: %v", err)
		}
	}, time.Hour)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("close", nil) }, 70*24*time.Hour)
	env.ExecuteWorkflow(lifetime.Account, lifetime.Balance{Limit: 100})
	var got lifetime.Balance
	if err := env.GetWorkflowError(); err != nil {
		t.Fatalf("Account: %v", err)
	}
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	if got.Amount != 30 || got.Deposits != 1 || got.Reminders != 2 || asked.Amount != 30 {
		t.Errorf("Account = %+v, asked %+v, want 30 after one deposit and two reminders", got, asked)
	}
	if early.completed != nil || fmt.Sprint(early.result) != "30" {
		t.Errorf("withdraw 70 = %v, %v, want 30", early.result, early.completed)
	}
	if refused.rejected == nil || !strings.Contains(refused.rejected.Error(), "pass a positive amount") {
		t.Errorf("withdraw -1 was not rejected: %+v", refused)
	}
	var app *temporal.ApplicationError
	if !errors.As(tooMuch.completed, &app) || app.Type() != "TooSlowError" {
		t.Errorf("withdraw of too much = %v, want a TooSlowError", tooMuch.completed)
	}
}

// Before it continues as a new run, the account drains: nothing that has come is lost, and nothing
// runs any more.
func TestAccountContinuesAsNew(t *testing.T) {
	env := environment()
	var waiting update
	env.RegisterDelayedCallback(func() { env.UpdateWorkflow("withdraw", "1", &waiting, 25) }, time.Second)
	env.RegisterDelayedCallback(func() {
		for range 5 { // two more than a run takes
			env.SignalWorkflow("deposit", 10)
		}
	}, time.Minute)
	env.ExecuteWorkflow(lifetime.Account, lifetime.Balance{Limit: 3, Deposits: 40})
	var again *workflow.ContinueAsNewError
	if err := env.GetWorkflowError(); !errors.As(err, &again) {
		t.Fatalf("Account = %v, want that it continues as new", err)
	}
	var b lifetime.Balance
	if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &b); err != nil {
		t.Fatal(err)
	}
	if b.Amount != 25 || b.Deposits != 45 {
		t.Errorf("the next run begins with %+v, want 25 after 45 deposits", b)
	}
	if waiting.completed != nil || !waiting.ended {
		t.Errorf("the update ended with %+v, want that it was let end", waiting)
	}
}

// A signal that comes while the account drains closes it.
func TestAccountIsClosedWhileItDrains(t *testing.T) {
	env := environment()
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow("deposit", 10)
		env.SignalWorkflow("deposit", 10)
	}, time.Minute)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("close", nil) }, time.Minute+time.Second/2)
	env.ExecuteWorkflow(lifetime.Account, lifetime.Balance{Limit: 2})
	var got lifetime.Balance
	if err := env.GetWorkflowResult(&got); err != nil || !got.Closed || got.Amount != 20 {
		t.Errorf("Account = %+v, %v, want it closed with 20", got, err)
	}
}

// A workflow that is canceled cancels its nursery, and closes as canceled.
func TestAccountIsCanceled(t *testing.T) {
	env := environment()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(lifetime.Account, lifetime.Balance{Limit: 3})
	if err := env.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("Account = %v, want a cancellation", err)
	}
}
