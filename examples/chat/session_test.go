package main_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	chat "github.com/trellis-go/trellis/examples/chat"
)

// ask makes a request, with lines of a header.
func ask(h http.Handler, method, path, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// loginCookie logs in and returns the value of the cookie.
func loginCookie(t *testing.T, h http.Handler) string {
	t.Helper()
	cookies := ask(h, "POST", "/api/v1/auth", `{"login":"ada"}`).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("POST login: cookies %v, want one", cookies)
	}
	return cookies[0].Value
}

func TestLogin(t *testing.T) {
	h := chat.Handler()
	for _, c := range []struct {
		body   string
		status int
		name   string // with the id in place of ID
	}{
		{`{"login": "ada"}`, 200, "ada"},
		{`{"login": "ada", "password": "password"}`, 200, "ada"},
		{`{"login": "  ada  lovelace "}`, 200, "ada  lovelace"},
		{`{"login": "Ünïcödé 💬"}`, 200, "Ünïcödé 💬"},
		{`{"login": "<b>&"}`, 200, "<b>&"},
		{`{"login": ""}`, 200, "AnonymousID"},
		{`{"login": "  "}`, 200, "AnonymousID"},
		{`{"login": null}`, 200, "AnonymousID"},
		{`{}`, 200, "AnonymousID"},
		{`{"login": "` + strings.Repeat("ü", 40) + `"}`, 200, strings.Repeat("ü", 40)},
		{`{"login": "` + strings.Repeat("ü", 41) + `"}`, 400, ""},
		{`{"login": "new\nline"}`, 400, ""},
		{`{"login": "\u202eback"}`, 400, ""}, // would turn round what stands beside it
		{`{"login": 1}`, 400, ""},
		{`{"login": "ada"} {}`, 400, ""},
		{`["ada"]`, 400, ""},
		{`login=ada`, 400, ""},
		{``, 400, ""},
		{`{"login": "ada", "x": "` + strings.Repeat("x", 2000) + `"}`, 400, ""},
	} {
		response := ask(h, "POST", "/api/v1/auth", c.body)
		if response.StatusCode != c.status {
			t.Errorf("POST %.60s: %s, want %d", c.body, response.Status, c.status)
		}
		if c.status != 200 {
			if len(response.Cookies()) > 0 {
				t.Errorf("POST %.60s: %s, with a cookie", c.body, response.Status)
			}
			continue
		}
		var u struct{ ID, Name string }
		json.NewDecoder(response.Body).Decode(&u)
		if want := strings.Replace(c.name, "ID", u.ID, 1); u.ID == "" || u.Name != want {
			t.Errorf("POST %s: %+v, want an id and the name %s", c.body, u, want)
		}
		if len(response.Cookies()) != 1 {
			t.Fatalf("POST %s: cookies %v, want one", c.body, response.Cookies())
		}
		cookie := response.Cookies()[0]
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" {
			t.Errorf("POST %s: cookie %v", c.body, cookie)
		}

		var again struct{ ID, Name string }
		response = ask(h, "GET", "/api/v1/auth", "", "Cookie: chat="+cookie.Value)
		json.NewDecoder(response.Body).Decode(&again)
		if again != u {
			t.Errorf("GET auth with the cookie of %+v: %s, %+v", u, response.Status, again)
		}
	}
}

// What is wrong with a login is said in a sentence for the client, in which nothing of Go
// is to be seen.
func TestLoginErrors(t *testing.T) {
	h := chat.Handler()
	for body, want := range map[string]string{
		`[]`:                      "the body is of the wrong type: array",
		`{"login": 1}`:            `the body has a field "login" of the wrong type: number`,
		`{"login": "ada"} {}`:     "the body must be JSON",
		`login=ada`:               "the body must be JSON",
		``:                        "the body must be JSON",
		"{\"login\": \"\xff\"}":   "the body must be UTF-8",
		strings.Repeat(" ", 2000): "the body must not have more than 1024 bytes",
	} {
		response := ask(h, "POST", "/api/v1/auth", body)
		text, err := io.ReadAll(response.Body)
		if want += `; it should be JSON such as {"login": "ada"}` + "\n"; string(text) != want || response.StatusCode != 400 || err != nil {
			t.Errorf("POST %.40q: %s, %q, %v, want 400 and %q", body, response.Status, text, err, want)
		}
	}
	broken := httptest.NewRequest("POST", "/api/v1/auth", iotest.ErrReader(errors.New("read tcp: i/o timeout")))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, broken)
	if got := w.Body.String(); !strings.HasPrefix(got, "the body did not come to its end;") {
		t.Errorf("POST of a body that breaks off: %q", got)
	}
}

// A cookie that was forged, or changed, is not valid.
func TestForged(t *testing.T) {
	h := chat.Handler()
	good := loginCookie(t, h)
	payload, mac, _ := strings.Cut(good, ".")
	plain, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	other := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(plain), "ada", "bob", 1)))
	flip := func(s string, i int) string {
		b := []byte(s)
		b[i] ^= 1
		return string(b)
	}
	for name, value := range map[string]string{
		"another name":          other + "." + mac,
		"another signature":     payload + "." + flip(mac, 0),
		"cut signature":         payload + "." + mac[:20],
		"no signature":          payload + ".",
		"no dot":                payload,
		"no payload":            "." + mac,
		"empty":                 "",
		"dots":                  "...",
		"signature twice":       good + "." + mac,
		"no base64":             "%%%." + mac,
		"another server's":      loginCookie(t, chat.Handler()),
		"another way to spell ": payload + "." + mac[:len(mac)-1] + flip(mac, len(mac)-1)[len(mac)-1:],
	} {
		for _, path := range []string{"/ws", "/api/v1/auth"} {
			if response := ask(h, "GET", path, "", "Cookie: chat="+value); response.StatusCode != 401 {
				t.Errorf("GET %s with a cookie with %s: %s, want 401", path, name, response.Status)
			}
		}
	}
	for _, path := range []string{"/ws", "/api/v1/auth"} {
		if response := ask(h, "GET", path, ""); response.StatusCode != 401 {
			t.Errorf("GET %s without a cookie: %s, want 401", path, response.Status)
		}
	}
	if response := ask(h, "GET", "/api/v1/auth", "", "Cookie: chat="+good); response.StatusCode != 200 {
		t.Errorf("GET auth with a good cookie: %s", response.Status)
	}
}

// Pages of other sites can neither log their visitors in nor talk for them.
func TestOtherSites(t *testing.T) {
	h := chat.Handler()
	cookie := "Cookie: chat=" + loginCookie(t, h)
	upgrade := []string{
		cookie, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
	}
	if response := ask(h, "GET", "/ws", "", append(upgrade, "Origin: http://evil.example")...); response.StatusCode != 403 {
		t.Errorf("websocket from another site: %s, want 403", response.Status)
	}
	if response := ask(h, "GET", "/ws", "", cookie); response.StatusCode != 426 {
		t.Errorf("GET /ws without an upgrade: %s, want 426", response.Status)
	}
	for _, header := range []string{"Origin: http://evil.example", "Sec-Fetch-Site: cross-site"} {
		if response := ask(h, "POST", "/api/v1/auth", `{"login":"x"}`, header); response.StatusCode != 403 {
			t.Errorf("POST auth with %s: %s, want 403", header, response.Status)
		}
	}
}

func TestPage(t *testing.T) {
	h := chat.Handler()
	response := ask(h, "GET", "/", "")
	if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != "text/html; charset=utf-8" {
		t.Errorf("GET /: %s, %s", response.Status, got)
	}
	for path, want := range map[string]int{"/x": 404, "/ws/": 404, "/index.html": 404, "/api/v1/": 404} {
		if response := ask(h, "GET", path, ""); response.StatusCode != want {
			t.Errorf("GET %s: %s, want %d", path, response.Status, want)
		}
	}
	if response := ask(h, "DELETE", "/api/v1/auth", ""); response.StatusCode != 405 {
		t.Errorf("DELETE auth: %s, want 405", response.Status)
	}
}
