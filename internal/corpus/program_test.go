package corpus_test

import (
	"strings"
	"testing"

	"github.com/trellis-go/trellis/internal/corpus"
)

// canceledKey is the word canceled in Trio's spelling, which the recordings have as a key
// and as a record.
const canceledKey = "cancel" + "led"

// A well-formed line, from which the tests below make malformed ones.
const goodLine = `{"id":"x-1","program":{"scopes":[` +
	`{"id":"s1","kind":"move_on","d":5,"shield":false},{"id":"n1","kind":"nursery","d":null,"shield":false}],` +
	`"events":["e1"],"main":[{"op":"move_on","n":1,"id":"s1","d":5,"shield":false,"body":[` +
	`{"op":"nursery","n":2,"id":"n1","body":[{"op":"spawn","n":3,"in":"n1","task":"t1","body":[{"op":"wait","n":4,"ev":"e1"}]},` +
	`{"op":"deadline","n":5,"id":"s1","d":null},{"op":"sleep","n":6,"d":7}]}]}]},` +
	`"expect":{"end":5,"errors":[],"` + canceledKey + `":false,"scopes":{"s1":[true,true],"n1":[true,false]},` +
	`"trace":{"main":[[0,3,"spawned"],[5,2,"failed",["E1"],true],[5,9,"effective",null],[5,1,"caught"]],"t1":[[5,4,"` + canceledKey + `"]]}}}`

func TestDecode(t *testing.T) {
	cases, err := corpus.Decode(strings.NewReader("\n" + goodLine + "\n\n" + strings.Replace(goodLine, "x-1", "x-2", 1)))
	if err != nil || len(cases) != 2 {
		t.Fatalf("Decode = %d cases, %v, want 2, nil", len(cases), err)
	}
	c := cases[1]
	if c.ID != "x-2" || c.Line != 4 || c.Flavor != corpus.Trio {
		t.Errorf("second case: id %q, line %d, flavor %v, want x-2, 4, trio", c.ID, c.Line, c.Flavor)
	}
	if got := c.Program.Size(); got != 6 {
		t.Errorf("Size() = %d, want 6", got)
	}
	const tree = `  n1 move_on s1 d=5
    n2 nursery n1
      n3 spawn n1 t1
        n4 wait e1
      n5 deadline s1 d=none
      n6 sleep d=7
`
	if got := c.Program.String(); got != tree {
		t.Errorf("String() =\n%swant\n%s", got, tree)
	}
	e := c.Expect.Trace["main"][1]
	if got, want := e.String(), "5 n2 failed [E1]+canceled"; got != want {
		t.Errorf("second record of main = %q, want %q", got, want)
	}
	if got, want := c.Expect.Scopes["s1"], (corpus.Flags{Called: true, Caught: true}); got != want {
		t.Errorf("flags of s1 = %v, want %v", got, want)
	}
}

func TestDecodeAsyncio(t *testing.T) {
	line := strings.Replace(goodLine, `"scopes":{"s1":[true,true],"n1":[true,false]},`, "", 1)
	cases, err := corpus.Decode(strings.NewReader(line))
	if err != nil {
		t.Fatalf("Decode = %v, want nil", err)
	}
	if got := cases[0].Flavor; got != corpus.Asyncio {
		t.Errorf("flavor of an expectation without scopes = %v, want asyncio", got)
	}
}

// What Decode cannot take in whole it must refuse: an operation or a field
// that it skips would make the comparison worthless.
func TestDecodeRejects(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		want     string // in the error, besides the line and the id
	}{
		{"unknown op", `"op":"wait"`, `"op":"await"`, `operation 4: unknown op "await"`},
		{"unknown field of an op", `"n":6,"d":7`, `"n":6,"d":7,"x":1`, `operation 6: sleep: unknown field "x"`},
		{"field of another op", `"n":6,"d":7`, `"n":6,"d":7,"ev":"e1"`, `operation 6: sleep: unknown field "ev"`},
		{"field in another case", `"n":6,"d":7`, `"n":6,"D":7`, `operation 6: sleep without field "d"`},
		{"missing field", `"n":6,"d":7`, `"n":6`, `operation 6: sleep without field "d"`},
		{"null body", `"body":[{"op":"wait","n":4,"ev":"e1"}]`, `"body":null`, `field "body" is null`},
		{"sleep without end", `"n":6,"d":7`, `"n":6,"d":null`, `operation 6: sleep without a duration`},
		{"fractional tick", `"n":6,"d":7`, `"n":6,"d":7.5`, `7.5`},
		{"no n", `"op":"wait","n":4,`, `"op":"wait",`, `wait operation without n`},
		{"n twice", `"op":"sleep","n":6`, `"op":"sleep","n":5`, `operation 5: sleep: n is not unique`},
		{"unknown field of the program", `"events":["e1"]`, `"events":["e1"],"tasks":[]`, `tasks`},
		{"unknown field of a scope", `"d":5,"shield":false}`, `"d":5,"shield":false,"x":1}`, `"x"`},
		{"unknown kind of scope", `"kind":"nursery"`, `"kind":"group"`, `scope "n1": unknown kind "group"`},
		{"scope of another kind", `"kind":"nursery"`, `"kind":"scope"`, `scope "n1" is declared as "scope"`},
		{"undeclared scope", `"op":"deadline","n":5,"id":"s1"`, `"op":"deadline","n":5,"id":"s9"`, `scope "s9" is not declared`},
		{"undeclared event", `"n":4,"ev":"e1"`, `"n":4,"ev":"e2"`, `event "e2" is not declared`},
		{"spawn in a scope", `"in":"n1"`, `"in":"s1"`, `"s1" is not declared as a nursery`},
		{"no end", `"end":5,`, ``, `end, errors, canceled or trace is missing`},
		{"no trace", `"trace"`, `"traces"`, `traces`},
		{"unknown field of expect", `"end":5,`, `"end":5,"begin":0,`, `begin`},
		{"one flag", `"s1":[true,true]`, `"s1":[true]`, `scope "s1": want two flags`},
		{"unknown record", `"spawned"`, `"begun"`, `unknown record "begun"`},
		{"record with too much", `[5,1,"caught"]`, `[5,1,"caught",1]`, `1 values after "caught", want 0`},
		{"record with too little", `"failed",["E1"],true`, `"failed",["E1"]`, `1 values after "failed", want 2`},
		{"two values", `"caught"]],"t1":[[5,4,"` + canceledKey + `"]]}}}`, `"caught"]],"t1":[]}}} {}`, `after top-level value`},
		{"no expectation", `"expect"`, `"expected"`, `expected`},
		{"cut off", `"t1":[[5,4,"` + canceledKey + `"]]}}}`, `"t1":[[5`, `unexpected end`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := strings.Replace(goodLine, tt.old, tt.new, 1)
			if line == goodLine {
				t.Fatalf("%s does not occur in the good line", tt.old)
			}
			_, err := corpus.Decode(strings.NewReader(goodLine + "\n" + line + "\n"))
			if err == nil {
				t.Fatalf("Decode took %s, want an error", line)
			}
			wants := []string{"line 2: ", tt.want}
			if !strings.Contains(err.Error(), "end of JSON") && !strings.Contains(err.Error(), "top-level") {
				wants = append(wants, "x-1: ") // there is an id to name
			}
			for _, want := range wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Decode = %q, want %q in it", err, want)
				}
			}
		})
	}
}
