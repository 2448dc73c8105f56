package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	cookieName  = "chat"
	sessionLife = 24 * time.Hour
	minKey      = 32 // bytes
)

// A user has logged in. Two users may have the same name, but not the same id.
type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// sessions makes and checks the cookies that identify users. Everything is
// in the cookie, signed with HMAC-SHA256, and nothing on the server: there is
// no table that grows with every login.
type sessions struct {
	key []byte // read-only
}

// newSessions uses the content of keyFile, or a random key if that is empty.
func newSessions(keyFile string) (*sessions, error) {
	if keyFile == "" {
		key := make([]byte, minKey)
		rand.Read(key) // never fails
		return &sessions{key}, nil
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	if len(key) < minKey {
		return nil, fmt.Errorf("%s: has %d bytes, must have at least %d", keyFile, len(key), minKey)
	}
	return &sessions{key}, nil
}

// A session is what is signed.
type session struct {
	User    user      `json:"user"`
	Expires time.Time `json:"expires"`
}

// cookie returns a new cookie for u.
func (s *sessions) cookie(u user) *http.Cookie {
	payload, err := json.Marshal(session{u, time.Now().Add(sessionLife).UTC().Truncate(time.Second)})
	if err != nil {
		panic(err) // the year is not five digits yet
	}
	return &http.Cookie{
		Name:     cookieName,
		Value:    base64.RawURLEncoding.EncodeToString(payload) + "." + base64.RawURLEncoding.EncodeToString(s.sign(payload)),
		Path:     "/",
		MaxAge:   int(sessionLife / time.Second),
		HttpOnly: true, // no script needs it
		SameSite: http.SameSiteStrictMode,
	}
}

// The errors of user. A client need not know which.
var (
	errForged  = errors.New("cookie not signed by this server")
	errExpired = errors.New("cookie expired")
)

// user returns the user that the cookie of the request names.
func (s *sessions) user(r *http.Request) (user, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return user{}, err
	}
	payloadText, macText, _ := strings.Cut(cookie.Value, ".")
	payload, err1 := base64.RawURLEncoding.Strict().DecodeString(payloadText)
	mac, err2 := base64.RawURLEncoding.Strict().DecodeString(macText)
	// Equal takes the same time wherever the difference is. Otherwise the time
	// would show a forger how much of a signature is right.
	if err1 != nil || err2 != nil || !hmac.Equal(mac, s.sign(payload)) {
		return user{}, errForged
	}
	// Nothing of the payload is looked at before this.
	var found session
	if err := json.Unmarshal(payload, &found); err != nil {
		return user{}, err
	}
	if !time.Now().Before(found.Expires) {
		return user{}, errExpired
	}
	return found.User, nil
}

func (s *sessions) sign(payload []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("chat session\n")) // so that a signature of the same key for another purpose is not valid here
	mac.Write(payload)
	return mac.Sum(nil)
}
