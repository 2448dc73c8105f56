package textsocket_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/examples/internal/textsocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A result is what Read has returned on a server.
type result struct {
	text []byte
	err  error
}

// read sends one message, or closes the connection if kind is 0, and returns what Read
// makes of that on the other side.
func read(t *testing.T, kind websocket.MessageType, message string, limit int) result {
	t.Helper()
	results := make(chan result, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(int64(limit))
		text, err := textsocket.Read(context.Background(), conn)
		results <- result{text, err}
	}))
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if kind == 0 {
		conn.CloseNow()
	} else if err := conn.Write(t.Context(), kind, []byte(message)); err != nil {
		t.Fatal(err)
	}
	return <-results
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name    string
		kind    websocket.MessageType
		message string
		status  websocket.StatusCode // 0: none
	}{
		{"empty", websocket.MessageText, "", 0},
		{"short", websocket.MessageText, "aü€💬", 0},
		{"long", websocket.MessageText, strings.Repeat("x", 1000), 0},
		{"no UTF-8", websocket.MessageText, "\xff", websocket.StatusInvalidFramePayloadData},
		{"surrogate", websocket.MessageText, "\xed\xa0\x80", websocket.StatusInvalidFramePayloadData},
		{"half a character", websocket.MessageText, "abc\xf0\x9f", websocket.StatusInvalidFramePayloadData},
		{"binary", websocket.MessageBinary, "text", websocket.StatusUnsupportedData},
		{"too long", websocket.MessageText, strings.Repeat("x", 1001), websocket.StatusMessageTooBig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, tt.kind, tt.message, 1000)
			violation, ok := errors.AsType[*textsocket.Violation](got.err)
			switch {
			case tt.status == 0 && (got.err != nil || string(got.text) != tt.message):
				t.Errorf("Read of %.20q = %q, %v, want the text", tt.message, got.text, got.err)
			case tt.status != 0 && (!ok || violation.Status != tt.status || len(violation.Reason) > 123):
				t.Errorf("Read of %.20q = %q, %v, want a violation with status %d", tt.message, got.text, got.err, tt.status)
			}
		})
	}
}

// The end of a connection is no violation.
func TestReadEnd(t *testing.T) {
	got := read(t, 0, "", 10)
	if _, ok := errors.AsType[*textsocket.Violation](got.err); got.err == nil || ok {
		t.Errorf("Read from a client that has gone = %v, want an error that is no violation", got.err)
	}
}
