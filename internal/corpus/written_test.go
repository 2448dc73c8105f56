package corpus_test

import (
	"encoding/json"
	"testing"

	"github.com/trellis-go/trellis/internal/corpus"
)

// Programs that random ones seldom come to.
var written = []struct{ name, scopes, main string }{
	{
		// No task has waited in the nursery before the task moves to it, so
		// that its deadline has no timer yet.
		"start from behind a shield into a nursery with a deadline",
		`{"id":"n1","kind":"nursery"},{"id":"s1","kind":"scope","shield":true}`,
		`{"op":"nursery","n":1,"id":"n1","body":[
			{"op":"deadline","n":2,"id":"n1","d":100},
			{"op":"scope","n":3,"id":"s1","shield":true,"body":[
				{"op":"start","n":4,"in":"n1","task":"t1","body":[
					{"op":"sleep","n":5,"d":10},{"op":"started","n":6,"v":1},{"op":"sleep","n":7,"d":1000}]},
				{"op":"sleep","n":8,"d":5000}]}]}`,
	},
	{
		"start from behind a shield into a canceled nursery",
		`{"id":"n1","kind":"nursery"},{"id":"s1","kind":"scope","shield":true}`,
		`{"op":"nursery","n":1,"id":"n1","body":[
			{"op":"scope","n":2,"id":"s1","shield":true,"body":[
				{"op":"cancel","n":3,"id":"n1"},
				{"op":"start","n":4,"in":"n1","task":"t1","body":[
					{"op":"effective","n":5},{"op":"started","n":6,"v":1},{"op":"effective","n":7},{"op":"sleep","n":8,"d":1000}]},
				{"op":"sleep","n":9,"d":50}]}]}`,
	},
	{
		"started although the caller is canceled",
		`{"id":"n1","kind":"nursery"},{"id":"s1","kind":"scope"}`,
		`{"op":"nursery","n":1,"id":"n1","body":[
			{"op":"scope","n":2,"id":"s1","body":[
				{"op":"start","n":3,"in":"n1","task":"t1","body":[
					{"op":"cancel","n":4,"id":"s1"},{"op":"started","n":5,"v":7}]},
				{"op":"sleep","n":6,"d":50}]}]}`,
	},
}

func TestWritten(t *testing.T) {
	for _, w := range written {
		t.Run(w.name, func(t *testing.T) {
			p := new(corpus.Program)
			if err := json.Unmarshal([]byte(`{"scopes":[`+w.scopes+`],"main":[`+w.main+`]}`), p); err != nil {
				t.Fatal(err)
			}
			text, err := compare(t, p, 100)
			if err != nil {
				t.Fatalf("Predict: %v", err)
			}
			if text != "" {
				t.Errorf("Run and Predict disagree: %s", text)
			}
		})
	}
}
