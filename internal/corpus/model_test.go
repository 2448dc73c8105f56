package corpus_test

import (
	"testing"

	"github.com/trellis-go/trellis/internal/corpus"
)

// The model must give what was recorded under Trio, and under asyncio, for
// every program: else it is no measure for anything.
func TestPredictRecorded(t *testing.T) {
	all, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range recordings {
		cases, differ := all[file], 0
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
