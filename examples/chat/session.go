package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// A user has logged in. Two users may have the same name, but not the same id.
type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// sessions makes and checks the cookies that identify users. The user is in the cookie,
// signed, and nothing on the server: there is no table that grows with every login. The
// key is a new one in each process, so that a restart logs all users out.
type sessions struct {
	key []byte // read-only
}

const cookieName = "chat"

func newSessions() *sessions { return &sessions{[]byte(rand.Text())} }

// cookie returns a new cookie for u.
func (s *sessions) cookie(u user) *http.Cookie {
	payload, err := json.Marshal(u)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	value := base64.RawURLEncoding.EncodeToString(payload)
	return &http.Cookie{
		Name: cookieName, Value: value + "." + s.sign(value), Path: "/",
		HttpOnly: true, // no script needs it
		SameSite: http.SameSiteStrictMode,
	}
}

// user returns the user that the cookie of the request names.
func (s *sessions) user(r *http.Request) (u user, err error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return u, err
	}
	value, mac, _ := strings.Cut(cookie.Value, ".")
	// Equal takes the same time wherever the difference is. Nothing of the value is
	// looked at before this.
	if !hmac.Equal([]byte(mac), []byte(s.sign(value))) {
		return u, errors.New("cookie not signed by this server")
	}
	payload, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return u, err
	}
	return u, json.Unmarshal(payload, &u)
}

func (s *sessions) sign(value string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(value))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
