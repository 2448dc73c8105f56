package bench_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var (
	capFlag   = flag.Int("cap", 1000, "the greatest `count` of children, items and scopes; 0 is the full size")
	roundFlag = flag.Int("round", 0, "begin each row with another library in each `round`")
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
