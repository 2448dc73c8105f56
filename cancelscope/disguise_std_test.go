package cancelscope_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/trellis-go/trellis/cancelscope"
)

// The package documentation says which calls of the standard library need no help.
func TestCallsThatNeedNoHelp(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, cancel func()) error{
		"net dial":               dialCanceled,
		"net/http client":        getCanceled,
		"database/sql query":     queryCanceled,
		"os/exec, not yet begun": func(ctx context.Context, cancel func()) error { cancel(); return runCommand(ctx, func() {}) },
	} {
		t.Run(name, func(t *testing.T) {
			for way, cancel := range map[string]func(s *cancelscope.Scope){
				"by hand":       func(s *cancelscope.Scope) { s.Cancel(nil) },
				"by a deadline": func(s *cancelscope.Scope) { s.SetTimeout(0) },
			} {
				var s cancelscope.Scope
				var bare error
				err := s.Run(t.Context(), func(ctx context.Context) error {
					bare = call(ctx, func() { cancel(&s) })
					return bare
				})
				if bare == nil || err != nil || !s.CanceledCaught() {
					t.Errorf("Run of a call that returns %T %v, canceled %s, = %v, want nil", bare, bare, way, err)
				}
			}
		})
	}
}

func dialCanceled(ctx context.Context, cancel func()) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	cancel()
	var d net.Dialer
	_, err = d.DialContext(ctx, "tcp", l.Addr().String())
	return err
}

func getCanceled(ctx context.Context, cancel func()) error {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	if err != nil {
		return err
	}
	_, err = server.Client().Do(req)
	return err
}

// A waitingDriver is one whose queries wait for the end of their context.
type waitingDriver struct {
	memoryDriver
	waits func()
}

func (d waitingDriver) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	d.waits()
	<-ctx.Done()
	return nil, ctx.Err()
}

func (d waitingDriver) Connect(context.Context) (driver.Conn, error) { return d, nil }

func queryCanceled(ctx context.Context, cancel func()) error {
	db := sql.OpenDB(waitingDriver{memoryDriver{}, cancel})
	defer db.Close()
	_, err := db.QueryContext(ctx, "SELECT")
	return err
}

// And it says that reading from a connection that is closed does.
func TestClosedConnectionIsADisguise(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, read := range map[string]func(closed func()) error{
		"pipe":     func(closed func()) error { near.Close(); closed(); _, err := near.Read(nil); return err },
		"listener": func(closed func()) error { l.Close(); closed(); _, err := l.Accept(); return err },
	} {
		var s cancelscope.Scope
		err := s.Run(t.Context(), func(ctx context.Context) error {
			err := read(func() { s.Cancel(nil) })
			checkCancellation(t, name, ctx, cancelscope.AsCancellation(ctx, err))
			return err
		})
		if err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("%s: Run = %v, want the error of the closed connection", name, err)
		}
	}
}
