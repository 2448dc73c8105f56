package main_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	echo "github.com/trellis-go/trellis/examples/echo"
)

// However a stream is cut into reads, the lines are the same.
func TestLines(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		maxLine := 1 + random.IntN(20_000)
		var lines []string
		for range random.IntN(10) {
			n := random.IntN(maxLine + 1)
			if random.IntN(2) == 0 {
				n = random.IntN(min(maxLine, 10) + 1)
			}
			lines = append(lines, strings.Repeat("x", n)+"\n")
		}
		rest := strings.Repeat("y", random.IntN(maxLine+1))

		got, gotRest, size, err := echo.Lines(maxLine, pieces(random, strings.Join(lines, "")+rest))
		if !slices.Equal(got, lines) || gotRest != rest || err != io.EOF {
			t.Fatalf("seed %d: got %d lines, a rest of %d bytes, %v; want %d lines, %d bytes, EOF",
				seed, len(got), len(gotRest), err, len(lines), len(rest))
		}
		if limit := max(maxLine+1, 4096); size > limit {
			t.Fatalf("seed %d: a buffer of %d bytes for lines of up to %d, want at most %d", seed, size, maxLine, limit)
		}
	}
}

// pieces gives a text piece by piece.
func pieces(random *rand.Rand, text string) func([]byte) (int, error) {
	return func(b []byte) (int, error) {
		if len(b) == 0 {
			return 0, errors.New("no room to read into")
		}
		if text == "" {
			return 0, io.EOF
		}
		n := 1 + random.IntN(min(len(b), len(text)))
		n = copy(b, text[:n])
		text = text[n:]
		return n, nil
	}
}

// A line that is too long is noticed as soon as it is, and the ones before it count.
func TestLinesTooLong(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		maxLine := 1 + random.IntN(20_000)
		long := strings.Repeat("x", maxLine+1)
		for _, text := range []string{"one\n" + long, "one\n" + long + "\n", "one\n" + long + long + "\nthree\n"} {
			want := []string{"one\n"}
			if maxLine < 3 {
				want = nil
			}
			got, _, size, err := echo.Lines(maxLine, pieces(random, text))
			if !slices.Equal(got, want) || err != echo.ErrTooLong {
				t.Fatalf("seed %d: got %q, %v; want %q and %v", seed, got, err, want, echo.ErrTooLong)
			}
			if limit := max(maxLine+1, 4096); size > limit {
				t.Fatalf("seed %d: a buffer of %d bytes for lines of up to %d, want at most %d", seed, size, maxLine, limit)
			}
		}
	}
}

// A client that once sent a long line does not keep the memory for it.
func TestInputShrinks(t *testing.T) {
	reads := []string{strings.Repeat("x", 4096), strings.Repeat("x", 4095) + "\n", "short"}
	_, rest, size, err := echo.Lines(1<<20, func(b []byte) (int, error) {
		if len(reads) == 0 {
			return 0, io.EOF
		}
		n := copy(b, reads[0])
		reads = reads[1:]
		return n, nil
	})
	if rest != "short" || size != 4096 || err != io.EOF {
		t.Errorf("got the rest %q in a buffer of %d bytes, %v; want short, 4096, EOF", rest, size, err)
	}
}
