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
		``:                      "is not JSON: there is nothing in it",
		" \n":                   "is not JSON: there is nothing in it",
		"{\"login\": \"\xff\"}": "must be UTF-8",
		`{"login": "ada"`:       "is not JSON: it ends too early",
		`"ada`:                  "is not JSON: it ends too early",
		`login=ada`:             "is not JSON: byte 1 must not stand there",
		`{"login": 'ada'}`:      "is not JSON: byte 11 must not stand there",
		"{\"login\": \"a\nb\"}": "is not JSON: byte 13 must not stand there",
		`{"login": "\x"}`:       "is not JSON: byte 13 must not stand there",
		`{} {}`:                 "is not JSON: there is something after its end, at byte 4",
		`{"login": "ada"}]`:     "is not JSON: there is something after its end, at byte 17",
		`[]`:                    "must be an object, not a list",
		`"ada"`:                 "must be an object, not a string",
		`1`:                     "must be an object, not a number",
		`true`:                  "must be an object, not true or false",
		`{"login": 1}`:          "must have a string as login, not a number",
		`{"login": {}}`:         "must have a string as login, not an object",
		`{"text": false}`:       "must have a string as text, not true or false",
		`{"count": 1000}`:       "must have a whole number as count, not 1000",
		`{"count": 1.5}`:        "must have a whole number as count, not 1.5",
		`{"on": 1}`:             "must have true or false as on, not a number",
		`{"list": "a"}`:         "must have a list as list, not a string",
		`{"list": [1]}`:         "must have a string as list, not a number",
		`{"share": "1"}`:        "must have a number as share, not a string",
		`{"inner": {"n": ""}}`:  "must have a whole number as inner.n, not a string",
		strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5): "is nested too deeply",
	} {
		var got target
		if err := clientjson.Unmarshal([]byte(text), &got); err == nil != (want == "") || err != nil && err.Error() != want {
			t.Errorf("Unmarshal(%.50q) = %v, want %q", text, err, want)
		}
	}
}

func TestUnmarshalStrict(t *testing.T) {
	var got struct{ ID, Kind string }
	err := clientjson.UnmarshalStrict([]byte(`{"id": "a", "kin": "b"}`), &got)
	if err == nil || err.Error() != `must not have the field "kin"` || got.ID != "a" {
		t.Errorf("UnmarshalStrict = %v, with %+v, want the field that must not be there, and the id", err, got)
	}
}
