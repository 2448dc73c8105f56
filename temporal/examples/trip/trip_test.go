package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/temporal/failure"
	"github.com/trellis-go/trellis/temporal/internal/live"
)

func TestMain(m *testing.M) {
	live.AsWorker(work) // does not return in a worker process
	goleak.VerifyTestMain(m)
}

// booked runs Trip with activities that end at once, those that fail at their second attempt, and returns what was given back.
func booked(t *testing.T, bookings ...Booking) (givenBack []string, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(live.Silent{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{
		Interceptors:             []interceptor.WorkerInterceptor{failure.NewInterceptor()},
		DeadlockDetectionTimeout: time.Minute, // the machine may be busy
	})
	env.RegisterWorkflow(Trip)
	env.RegisterActivityWithOptions(func(ctx context.Context, b Booking) error {
		if b.Full {
			if activity.GetInfo(ctx).Attempt == 1 {
				return errors.New("busy") // by the next attempt the others have been booked
			}
			return temporal.NewNonRetryableApplicationError("no vacancy", "Full", nil)
		}
		return nil
	}, activity.RegisterOptions{Name: "Book"})
	env.RegisterActivityWithOptions(func(_ context.Context, b Booking) error {
		givenBack = append(givenBack, b.What)
		return nil
	}, activity.RegisterOptions{Name: "GiveBack"})
	env.ExecuteWorkflow(Trip, bookings)
	return givenBack, failure.Decode(env.GetWorkflowError())
}

// A trip of which everything can be had keeps it.
func TestTrip(t *testing.T) {
	givenBack, err := booked(t, Booking{What: "car"}, Booking{What: "hotel"})
	if err != nil || givenBack != nil {
		t.Errorf("Trip = %v, gave back %q, want nil and nothing", err, givenBack)
	}
}

// A trip of which something cannot be had gives back what it has, and says what failed.
func TestTripThatFails(t *testing.T) {
	givenBack, err := booked(t, Booking{What: "hotel", Full: true}, Booking{What: "car"})
	var full *temporal.ApplicationError
	if !errors.As(failure.Task(err, "hotel"), &full) || full.Type() != "Full" || !slices.Equal(givenBack, []string{"car"}) {
		t.Errorf("Trip = %v, gave back %q, want the failure of the hotel, and the car", err, givenBack)
	}
}

// The whole story, with processes; it needs the executable of temporal/devserver.
func TestStory(t *testing.T) {
	binary := os.Getenv("TRELLIS_DEVSERVER")
	if binary == "" {
		t.Skip("TRELLIS_DEVSERVER is not set: the story was NOT played on a server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	server, err := live.StartServer(ctx, binary)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	var out bytes.Buffer
	if err := play(ctx, &out, server); err != nil {
		t.Fatalf("play: %v\n%s", err, &out)
	}
	t.Logf("the story:\n%s", &out)
	// In this order, in whichever process.
	want := []string{"books the flight, attempt 1", "has the car", "kills worker", "books the flight, attempt 2",
		"finds no hotel", "stops booking the flight, canceled by the workflow", "gives the car back", "an error of type Full"}
	lines := strings.Split(out.String(), "\n")
	for i, text := range want {
		at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, text) })
		if at < 0 {
			t.Fatalf("no line says %q after %q in\n%s", text, want[:i], &out)
		}
		lines = lines[at+1:]
	}
}
