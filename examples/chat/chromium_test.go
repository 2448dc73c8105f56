package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	chat "github.com/trellis-go/trellis/examples/chat"
	"github.com/trellis-go/trellis/examples/internal/browsertest"
)

// quote returns s as a string of a script.
func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// pageTab is the page in a tab of a browser.
type pageTab struct{ *browsertest.Tab }

// submit sets the first field of a form and submits that.
func (p pageTab) submit(form, text string) {
	p.T.Helper()
	p.Eval(fmt.Sprintf(`(form => { form.querySelector("input").value = %s; form.requestSubmit(); return ""; })(document.getElementById(%s))`, quote(text), quote(form)))
}

// join opens the page of the server, and joins.
func (p pageTab) join(addr, name string) {
	p.T.Helper()
	p.Open(addr)
	p.Until(`!document.getElementById("login").hidden`)
	p.submit("login", name)
	p.Until(`document.getElementById("state").textContent === ` + quote("You are "+name))
}

// line waits for a line with a text, and returns its class and the name before the text.
func (p pageTab) line(text string) (class, name string) {
	p.T.Helper()
	find := `[...document.querySelectorAll("#room li")].filter(li => li.lastChild.data === ` + quote(text) + `)`
	p.Until(find + ".length === 1")
	class, name, _ = strings.Cut(p.Eval(find+`.map(li => li.className + "|" + (li.querySelector("b")?.textContent ?? ""))[0]`), "|")
	return class, name
}

// On a slow network Join may be pressed again before the answer has come, and while the
// connection is being made: the user joins once.
func TestPageJoinTwice(t *testing.T) {
	page := pageTab{browsertest.New(t)}
	s := startTCP(t, chat.Limits{})
	answer, upgrade := make(chan struct{}), make(chan struct{})
	doAnswer, doUpgrade := sync.OnceFunc(func() { close(answer) }), sync.OnceFunc(func() { close(upgrade) })
	target := &url.URL{Scheme: "http", Host: s.addr}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is compared with the Origin
	}}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == "POST":
			<-answer
		case r.URL.Path == "/ws":
			<-upgrade
		}
		proxy.ServeHTTP(w, r)
	}))
	defer slow.Close()
	defer doAnswer()
	defer doUpgrade()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections() // of the proxy

	page.Open(slow.Listener.Addr().String())
	page.Until(`!document.getElementById("login").hidden`)
	page.Eval(`window.logins = 0; window.answered = 0;
		const plain = window.fetch;
		window.fetch = async (...args) => { logins++; const r = await plain(...args); answered++; return r; }; ""`)
	page.submit("login", "ada")
	page.submit("login", "ada")
	doAnswer()
	page.Until(`answered > 0 && document.getElementById("login").hidden`)
	doUpgrade()
	page.Until(`document.getElementById("state").textContent === "You are ada"`)
	if n := page.Eval("String(logins)"); n != "1" {
		t.Errorf("Join pressed twice has logged in %s times, want once", n)
	}
	other := s.join(t, "other")
	defer other.close()
	other.say("hello")
	page.line("hello") // once
	page.line("ada joined")
}

// Another user of the same name is not shown as the user of the page.
func TestPageSameName(t *testing.T) {
	page := pageTab{browsertest.New(t)}
	s := startTCP(t, chat.Limits{})
	page.join(s.addr, "ada")
	other := s.join(t, "ada")
	other.say("from the other")
	page.submit("say", "from the page")

	if class, name := page.line("from the page"); class != "mine" || name != "ada" {
		t.Errorf("what the page has said is of the class %q and by %q, want mine and ada", class, name)
	}
	if class, name := page.line("from the other"); class == "mine" || name != "ada ("+other.id[:4]+")" {
		t.Errorf("what another user of the same name has said is of the class %q and by %q, want none and one with the id", class, name)
	}
	page.line("ada (" + other.id[:4] + ") joined")
	other.close()
	page.line("ada (" + other.id[:4] + ") left")
}

// Whatever fits into the field of the page can be said.
func TestPageLongestText(t *testing.T) {
	page := pageTab{browsertest.New(t)}
	s := startTCP(t, chat.Limits{})
	page.join(s.addr, "ada")
	for _, character := range []string{"\x01", "\"", "€", "💬"} {
		// The limit of the field counts UTF-16 units, of which the last has two.
		text := strings.Repeat(character, 1000)
		if character == "💬" {
			text = text[:len(text)/2]
		}
		page.submit("say", text)
		if class, _ := page.line(text); class != "mine" {
			t.Errorf("1,000 times %q are of the class %q, want mine", character, class)
		}
	}
	page.Until(`document.getElementById("state").textContent === "You are ada"`)
}
