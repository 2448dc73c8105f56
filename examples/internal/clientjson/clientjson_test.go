package clientjson_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/examples/internal/clientjson"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUnmarshal(t *testing.T) {
	type inner struct {
		N int `json:"n"`
	}
	type target struct {
		Login string   `json:"login"`
		Text  *string  `json:"text"`
		Count int8     `json:"count"`
		On    bool     `json:"on"`
		List  []string `json:"list"`
		Share float64  `json:"share"`
		Inner inner    `json:"inner"`
	}
	for text, want := range map[string]string{
		`{"login": "ada", "count": 3, "inner": {"n": 1}, "other": []}`: "",
		` {} `:                  "",
		`null`:                  "",
		``:                      "must be JSON",
		"{\"login\": \"\xff\"}": "must be UTF-8",
		`{"login": "ada"`:       "must be JSON",
		`login=ada`:             "must be JSON",
		`{} {}`:                 "must be JSON",
		`[]`:                    "is of the wrong type: array",
		`"ada"`:                 "is of the wrong type: string",
		`{"login": 1}`:          `has a field "login" of the wrong type: number`,
		`{"count": 1000}`:       `has a field "count" of the wrong type: number 1000`,
		`{"inner": {"n": ""}}`:  `has a field "inner.n" of the wrong type: string`,
		strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5): "must be JSON",
	} {
		var got target
		if err := clientjson.Unmarshal([]byte(text), &got, false); err == nil != (want == "") || err != nil && err.Error() != want {
			t.Errorf("Unmarshal(%.50q) = %v, want %q", text, err, want)
		}
	}
}

func TestStrict(t *testing.T) {
	var got struct{ ID, Kind string }
	err := clientjson.Unmarshal([]byte(`{"id": "a", "kin": "b"}`), &got, true)
	if err == nil || err.Error() != `must not have the field "kin"` || got.ID != "a" {
		t.Errorf("strict Unmarshal = %v, with %+v, want the field that must not be there, and the id", err, got)
	}
}
