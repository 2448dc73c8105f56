package repocheck

import (
	"slices"
	"testing"
)

func TestMutationSees(t *testing.T) {
	list, err := parseMutations("# swap\n@ a.go\n- x := 1\n+ x := 2\n")
	if err != nil || len(list) != 1 {
		t.Fatalf("parseMutations: got %v, %v; want one mutation", list, err)
	}
	for _, c := range []struct{ text, want string }{
		{"a\n\tx := 1\nb", "a\nx := 2\nb"},
		{"a\nb", ""},
		{"x := 1\n\tx := 1", ""},
	} {
		got, err := list[0].apply(func(string) (string, error) { return c.text, nil })
		if (err == nil) != (c.want != "") || got["a.go"] != c.want {
			t.Errorf("apply to %q: got %q, %v; want %q", c.text, got["a.go"], err, c.want)
		}
	}
	for _, bad := range []string{"- x", "# a\n+ x", "# a\n? x"} {
		if _, err := parseMutations(bad); err == nil {
			t.Errorf("parseMutations(%q): got no error", bad)
		}
	}
	out := "--- FAIL: TestA (0.00s)\n--- FAIL: TestB (0.00s)\nFAIL\nFAIL\tm/x\t0.1s\nok  \tm/y\t0.1s\npanic: test timed out after 1m\nFAIL\tm/z\t60s\n"
	want := []string{"x: TestA TestB", "z: (one hangs)"}
	if got := failedTests([]byte(out)); !slices.Equal(got, want) {
		t.Errorf("failedTests: got %q, want %q", got, want)
	}
}
