package main

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/trellis-go/trellis/examples/internal/clientjson"
	"github.com/trellis-go/trellis/tasktree"
)

const (
	maxLogin   = 1024            // bytes of JSON
	maxName    = 40              // runes
	loginLimit = 4 * time.Second // for a login to come
)

//go:embed index.html
var page []byte

// A web is what is served over HTTP.
type web struct {
	hub      *hub
	sessions *sessions
	limits   limits
}

func newHandler(h *hub, limits limits) http.Handler {
	web := &web{hub: h, sessions: newSessions(), limits: limits}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", web.page)
	mux.HandleFunc("POST /api/v1/auth", web.login)
	mux.HandleFunc("GET /api/v1/auth", web.whoAmI)
	mux.HandleFunc("GET /ws", web.join)
	mux.Handle("GET /debug/tasks", tasktree.Handler(tasktree.HandlerOptions{}))
	// No other site may log its visitors in here. For websockets, which are no
	// POST, Accept looks at the origin.
	return http.NewCrossOriginProtection().Handler(mux)
}

func (web *web) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(page)
}

func (web *web) login(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(loginLimit))
	var body struct {
		Login string `json:"login"`
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLogin))
	switch _, long := errors.AsType[*http.MaxBytesError](err); {
	case long:
		err = fmt.Errorf("must not have more than %d bytes", maxLogin)
	case err != nil:
		err = errors.New("did not come to its end")
	default:
		err = clientjson.Unmarshal(data, &body, false)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf(`the body %v; it should be JSON such as {"login": "ada"}`, err), http.StatusBadRequest)
		return
	}

	u := user{ID: strings.ToLower(rand.Text()[:10])}
	u.Name, err = checkName(body.Login)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if u.Name == "" {
		u.Name = "Anonymous" + u.ID
	}
	http.SetCookie(w, web.sessions.cookie(u))
	answer(w, u)
}

// checkName returns the name to be shown, which may be empty.
func checkName(login string) (string, error) {
	name := strings.TrimSpace(login)
	if utf8.RuneCountInString(name) > maxName {
		return "", fmt.Errorf("the name must not have more than %d characters", maxName)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", fmt.Errorf("the name must be printable")
	}
	return name, nil
}

func (web *web) whoAmI(w http.ResponseWriter, r *http.Request) {
	if u, ok := web.authenticate(w, r); ok {
		answer(w, u)
	}
}

// join takes the connection over. Package serve waits for it all the same.
func (web *web) join(w http.ResponseWriter, r *http.Request) {
	u, ok := web.authenticate(w, r)
	if !ok {
		return
	}
	conn, err := websocket.Accept(w, r, nil) // the same origin only
	if err != nil {
		slog.Warn("no websocket", "remote", r.RemoteAddr, "error", err)
		return
	}
	if err := newClient(u, conn, web.hub, web.limits).run(r.Context()); err != nil && r.Context().Err() == nil {
		slog.Error("client failed", "user", u.Name, "id", u.ID, "error", err)
	}
}

// authenticate returns the user that the cookie of the request names. If there is
// no valid cookie, it answers the request.
func (web *web) authenticate(w http.ResponseWriter, r *http.Request) (user, bool) {
	u, err := web.sessions.user(r)
	if err != nil {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return user{}, false
	}
	return u, true
}

func answer(w http.ResponseWriter, u user) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(u)
}
