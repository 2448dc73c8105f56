package corpus_test

import (
	"path/filepath"
	"testing"

	"github.com/trellis-go/trellis/internal/corpus"
)

// The model must give what was recorded under Trio, and under asyncio, for
// every program: else it is no measure for anything.
func TestPredictRecorded(t *testing.T) {
	for _, file := range []string{"trio.jsonl.gz", "asyncio.jsonl.gz"} {
		cases, err := load(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		differ := 0
		for _, c := range cases {
			got, err := corpus.Predict(c.Program, c.Flavor, corpus.Paced, 1, 5)
			if err != nil {
				got = &corpus.Outcome{Problem: err.Error()}
			}
			if text := corpus.Show(c, got); text != "" {
				if differ++; differ <= maxShown {
					t.Errorf("the model says otherwise: %s", text)
				}
			}
		}
		t.Logf("%s: %d programs, the model differs in %d", file, len(cases), differ)
	}
}
